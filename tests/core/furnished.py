"""Somebody with a row in every table that a team or a person can have one in."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.api import Api, Person
from tests.core.backstage import consume, say
from tests.core.worker import Worker

# What no route of this story writes.
ROWS = (
    """insert into workspace_members (team_id, workspace_id, user_id, role)
       select team_id, id, %(user_id)s, 'viewer' from workspaces where team_id = %(team_id)s""",
    """insert into invitations (team_id, id, role, token_hash, invited_by, expires_at)
       values (%(team_id)s, gen_random_uuid(), 'viewer', sha256('i'), %(user_id)s, now() + interval '1 day')""",
    """insert into identities (user_id, id, provider, issuer, subject)
       values (%(user_id)s, gen_random_uuid(), 'p', 'https://p.example', 's')""",
    """insert into api_keys (team_id, id, user_id, name, token_hash, last_four, scopes)
       values (%(team_id)s, gen_random_uuid(), %(user_id)s, 'K', sha256('k'), 'abcd', '{}')""",
    """select app.add_lines(array[%(team_id)s]::uuid[], array['runs'], array['run'], array[now()], array[1]::bigint[],
                        array[%(user_id)s]::uuid[], array[null]::uuid[])""",
    """insert into usage_notices (team_id, meter, period_start, percent, used, allowed)
       values (%(team_id)s, 'runs_per_day', now(), 80, 8, 10)""",
    """insert into team_overrides (team_id, meter, effective_from, value, reason)
       values (%(team_id)s, 'ai_tokens', now(), 7, 'a test')""",
)


def furnished(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Person:
    person = api.project()
    api.save(person, "main.py", b"1")
    worker = workers()
    worker.arrive()
    key = "POST /v1/projects/{project_id}/runs"
    run = api.call(key, {}, by=person, headers={"Idempotency-Key": "k"}, project_id=person.project["id"])
    consume(everything, "runs")
    worker.report(api, "artifacts", path="a", size=1, sha256="0" * 64)
    api.call("POST /v1/socket/tickets", by=person)
    say("$connect", person, "c1", kind="CONNECT")
    say("room.subscribe", person, "c1", room=run.json["id"])
    given = {"team_id": person.team_id, "user_id": person.user_id}
    for row in ROWS:
        everything.execute(row, given)
    return person
