"""Tampering is found, with the number where it begins. Only who owns the database can try: the triggers are off here."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import audit, audit_chain, db, ids
from slipway.audit_chain import AuditCheck, AuditHead, AuditResult
from slipway.caller import from_context
from slipway.discover import ROOT

from tests.api import Api, Person, Response
from tests.core.backstage import tick, uuid_of

pytestmark = pytest.mark.usefixtures("granted")
LENGTH = 10
VERIFY, HEAD = "POST /v1/teams/{team_id}/audit/verify", "GET /v1/teams/{team_id}/audit/head"


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody whose team's chain has LENGTH events, walked in batches of three: a break may fall between two."""
    monkeypatch.setattr(audit_chain, "BATCH", 3)
    person = api.project()
    everything.execute("set session_replication_role = replica")
    everything.execute("delete from audit_events; delete from audit_heads")
    write(person, LENGTH)
    return person


def write(person: Person, count: int) -> None:
    with db.transaction(from_context(person.context), "team", uuid_of(person.team["id"])) as (tx, known):
        for number in range(count):
            audit.record(tx, known, "n.written", ids.encode("prj", ids.new()), None, {"number": number, "ü": 1.50})


def walked(person: Person, **check: Any) -> AuditResult:
    with db.transaction(from_context(person.context), "team", uuid_of(person.team["id"])) as (tx, known):
        return audit_chain.verify(tx, known, AuditCheck(**check))


def ask(api: Api, key: str, person: Person, body: Any = None) -> Response:
    return api.call(key, body, by=person, team_id=person.team["id"])


def test_an_untouched_chain_is_verified(api: Api, ann: Person) -> None:
    answer = ask(api, VERIFY, ann, {}).json
    head = ask(api, HEAD, ann).json
    assert head["seq"] == LENGTH
    assert answer == {
        "verified": True, "complete": True, "events": LENGTH, "first_broken_seq": None, "head": head, "reached": head,
    }  # fmt: skip


def test_a_team_without_events_has_a_head_of_its_own(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("delete from audit_events; delete from audit_heads")
    first = ask(api, HEAD, ann).json
    genesis = hashlib.sha256(f"slipway audit {uuid_of(ann.team['id'])}".encode()).hexdigest()
    assert first == {"seq": 0, "hash": genesis}
    assert ask(api, VERIFY, ann, {}).json["verified"]


CHANGES = {
    "who": "user_id = gen_random_uuid()",
    "with what": "credential = 'platform'",
    "which credential": "credential_id = gen_random_uuid()",
    "when": "at = at + interval '1 microsecond'",
    "what": "action = 'n.other'",
    "to what": "target = 'prj_other'",
    "before": "before = '{}'",
    "after": """after = after || '{"number": 7}'""",
    "a digit": """after = jsonb_set(after, '{ü}', '1.50')""",
    "address": "address = '::1'",
    "browser": "user_agent = 'another'",
    "request": "request_id = 'another'",
    "the link": "previous = sha256('x')",
    "the hash": "hash = sha256('x')",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seq", [1, 5, LENGTH])
def test_a_changed_event_is_found(ann: Person, everything: psycopg.Connection, change: str, seq: int) -> None:
    assert everything.execute(f"update audit_events set {CHANGES[change]} where seq = {seq}").rowcount == 1
    assert (walked(ann).verified, walked(ann).first_broken_seq) == (False, seq)


def test_a_changed_event_whose_hash_was_made_again_is_found_at_the_next(
    ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute("update audit_events set action = 'n.other' where seq = 5")
    everything.execute("update audit_events e set hash = sha256(previous || app.audit_bytes(e)) where seq = 5")
    assert walked(ann).first_broken_seq == 6


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_deleted_event_is_found(ann: Person, everything: psycopg.Connection, seq: int) -> None:
    everything.execute(f"delete from audit_events where seq = {seq}")
    assert walked(ann).first_broken_seq == seq


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_cut_off_tail_is_found_by_the_head(ann: Person, everything: psycopg.Connection, seq: int) -> None:
    everything.execute(f"delete from audit_events where seq >= {seq}")
    assert walked(ann).first_broken_seq == seq


INSERT = """insert into audit_events select (jsonb_populate_record(e, %s)).* from audit_events e where seq = %s"""


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_an_event_put_in_is_found(ann: Person, everything: psycopg.Connection, seq: int) -> None:
    later = "2099-01-01T00:00:00Z"  # the number twice: only the time tells the two rows apart
    everything.execute(INSERT, (json.dumps({"at": later}), seq))
    assert walked(ann).first_broken_seq == seq


def test_an_event_put_behind_the_end_is_found(ann: Person, everything: psycopg.Connection) -> None:
    everything.execute(INSERT, (json.dumps({"seq": LENGTH + 1}), LENGTH))
    assert walked(ann).first_broken_seq == LENGTH + 1
    everything.execute(f"update audit_events set seq = 1000 where seq = {LENGTH + 1}")
    assert walked(ann).first_broken_seq == LENGTH + 1


def test_events_in_another_order_are_found(ann: Person, everything: psycopg.Connection) -> None:
    swap = "update audit_events set seq = case seq when 4 then 5 else 4 end where seq in (4, 5)"
    everything.execute(swap)
    assert walked(ann).first_broken_seq == 4


@pytest.mark.parametrize(
    ("change", "seq"),
    [("seq = seq - 1", LENGTH), ("seq = seq + 1", LENGTH + 1), ("hash = sha256('x')", LENGTH), ("seq = 0", 1)],
)
def test_a_changed_head_is_found(ann: Person, everything: psycopg.Connection, change: str, seq: int) -> None:
    everything.execute(f"update audit_heads set {change}")
    assert walked(ann).first_broken_seq == seq


def test_a_deleted_head_is_found(ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("delete from audit_heads")
    assert walked(ann).first_broken_seq == 1


def test_a_chain_moved_to_another_team_is_found(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.project("Bob")
    everything.execute("delete from audit_events where team_id = %s", (uuid_of(bob.team["id"]),))
    everything.execute("delete from audit_heads where team_id = %s", (uuid_of(bob.team["id"]),))
    for table in ("audit_heads", "audit_events"):
        everything.execute(f"update {table} set team_id = %s", (uuid_of(bob.team["id"]),))
    assert walked(bob).first_broken_seq == 1


REMAKE = """
do $$ declare e audit_events%rowtype; last bytea; begin
  for e in select * from audit_events order by seq loop
    e.previous := coalesce(last, e.previous); last := sha256(e.previous || app.audit_bytes(e));
    update audit_events set previous = e.previous, hash = last where team_id = e.team_id and seq = e.seq;
  end loop;
  update audit_heads set hash = last;
end $$"""


def test_a_chain_made_again_is_found_by_the_head_that_was_noted(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    noted = ask(api, HEAD, ann).json
    write(ann, 4)
    assert ask(api, VERIFY, ann, {"noted": noted}).json["verified"]
    everything.execute("update audit_events set action = 'n.other' where seq = 5")
    everything.execute(REMAKE)
    assert ask(api, VERIFY, ann, {}).json["verified"], "the control: in itself it fits"
    found = ask(api, VERIFY, ann, {"noted": noted}).json
    assert (found["verified"], found["first_broken_seq"]) == (False, LENGTH)


def test_a_chain_that_was_longer_when_noted_is_found(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    noted = ask(api, HEAD, ann).json
    everything.execute("delete from audit_events where seq > 7")
    everything.execute("update audit_heads set seq = 7, hash = (select hash from audit_events where seq = 7)")
    assert ask(api, VERIFY, ann, {}).json["verified"], "the control: in itself it fits"
    assert ask(api, VERIFY, ann, {"noted": noted}).json["first_broken_seq"] == 8


@pytest.mark.parametrize("most", [1, 3, 4, 9, 10, 11])
def test_a_long_chain_is_walked_in_several_requests(ann: Person, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(audit_chain, "MOST", most)
    since, events = None, 0
    for _ in range(LENGTH + 1):
        result = walked(ann, since=since)
        events, since = events + result.events, result.reached
        assert result.verified
        if result.complete:
            break
    assert (events, since) == (LENGTH, result.head)


def test_since_trusts_what_came_before_and_nothing_after(ann: Person, everything: psycopg.Connection) -> None:
    row = everything.execute("select encode(hash, 'hex') from audit_events where seq = 5").fetchone()
    since = AuditHead(seq=5, hash=row[0] if row else "")
    everything.execute("update audit_events set action = 'n.other' where seq = 3")
    assert walked(ann, since=since).verified
    assert walked(ann, since=AuditHead(seq=5, hash="0" * 64)).first_broken_seq == 6
    everything.execute("update audit_events set action = 'n.other' where seq = 8")
    assert walked(ann, since=since).first_broken_seq == 8


def documented(language: str) -> str:
    """The code block of docs/audit.md in that language."""
    text = (ROOT / "docs" / "audit.md").read_text()
    return text.partition(f"```{language}\n")[2].partition("```")[0]


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("select 1", []),
        ("update audit_events set action = 'n.other' where seq = 5", [5]),
        ("delete from audit_events where seq = 5", [6]),
        ("delete from audit_events where seq > 7", [LENGTH]),
        ("update audit_heads set hash = sha256('x')", [LENGTH]),
    ],
)
def test_the_query_of_the_docs_finds_what_is_broken(
    ann: Person, everything: psycopg.Connection, damage: str, broken: list[int]
) -> None:
    everything.execute(damage)
    query = documented("sql").replace(":'team'", f"'{uuid_of(ann.team['id'])}'")
    assert [row[0] for row in everything.execute(query.encode())] == broken


def test_the_program_of_the_docs_verifies_an_export(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    def run() -> subprocess.CompletedProcess[bytes]:
        lines = ask(api, "GET /v1/teams/{team_id}/audit.ndjson", ann).content
        return subprocess.run(
            [sys.executable, "-c", documented("python")], input=lines, capture_output=True, check=False
        )

    head = ask(api, HEAD, ann).json
    assert run().stdout.decode().split() == [str(LENGTH), head["hash"]]
    everything.execute("update audit_events set action = 'n.other' where seq = 5")
    assert b"AssertionError: 5" in run().stderr


def test_every_day_each_changed_team_s_head_is_logged(
    api: Api, ann: Person, log_lines: Callable[[], list[str]], everything: psycopg.Connection
) -> None:
    api.project("Bob")
    api.register("Carl")
    everything.execute(
        "update audit_heads set at = at - interval '3 days' where team_id <> %s", (uuid_of(ann.team["id"]),)
    )
    tick("audit")
    lines = [json.loads(line) for line in log_lines() if '"audit_head"' in line]
    head = ask(api, HEAD, ann).json
    assert [(line["team_id"], line["seq"], line["hash"], line["verified"]) for line in lines] == [
        (ann.team["id"], head["seq"], head["hash"], True)
    ]


@pytest.mark.parametrize("old", [0, 4, LENGTH])
@pytest.mark.parametrize("broken", [6, LENGTH])
def test_the_daily_check_tells_of_a_break_in_the_last_days(
    ann: Person,
    log_lines: Callable[[], list[str]],
    capsys: pytest.CaptureFixture[str],
    everything: psycopg.Connection,
    old: int,
    broken: int,
) -> None:
    everything.execute(f"update audit_events set at = at - interval '3 days' where seq <= {old}")
    everything.execute("update audit_events e set hash = sha256(previous || app.audit_bytes(e)) where true")
    everything.execute(REMAKE)
    tick("audit")
    assert not any("audit_chain_broken" in line for line in log_lines()), "the control"
    everything.execute(f"delete from audit_events where seq >= {broken}")
    tick("audit")
    (line,) = (json.loads(line) for line in log_lines() if "audit_chain_broken" in line)
    assert (line["team_id"], line["first_broken_seq"]) == (ann.team["id"], broken)
    (figure,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if audit_chain.BROKEN in line)
    assert figure["team_id"] == ann.team["id"]


def test_every_team_is_checked_however_many(
    api: Api, ann: Person, log_lines: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "TEAMS", 2)
    people = [ann, *(api.project(name) for name in ("Bob", "Carl", "Dan", "Eve"))]
    for person in people:
        write(person, 1)
    tick("audit")
    named = [json.loads(line)["team_id"] for line in log_lines() if '"audit_head"' in line]
    assert sorted(named) == sorted(person.team["id"] for person in people)
