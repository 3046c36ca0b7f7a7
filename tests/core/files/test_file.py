from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from stacks.local.machine import Machine
from tests.api import Api, Person, Response
from tests.core.backstage import sent, uuid_of

GET = "GET /v1/projects/{project_id}/files/{path+}"
DELETE = "DELETE /v1/projects/{project_id}/files/{path+}"
LIST = "GET /v1/projects/{project_id}/files"
MOVE = "POST /v1/projects/{project_id}/moves"
MIB = 1024 * 1024


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def read(api: Api, person: Person, path: str, **headers: str) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call(GET, by=person, headers=given, project_id=person.project["id"], path=path)


def delete(api: Api, person: Person, path: str, **headers: str) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call(DELETE, by=person, headers=given, project_id=person.project["id"], path=path)


def move(api: Api, person: Person, source: str, target: str) -> Response:
    return api.call(MOVE, {"source": source, "target": target}, by=person, project_id=person.project["id"])


def names(api: Api, person: Person, **query: Any) -> list[str]:
    answer = api.call(LIST, by=person, query=query, project_id=person.project["id"])
    return [file["path"] for file in answer.json["data"]]


def versions(everything: psycopg.Connection, path: str) -> list[tuple[int, bool]]:
    query = "select version, sha256 is null from file_versions where path = %s order by version"
    return everything.execute(query, (path,)).fetchall()


# ── Saving ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_file_is_read_back_byte_for_byte(api: Api, ann: Person) -> None:
    content = bytes(range(256)) * 10
    saved = api.save(ann, "data/all bytes.bin", content)
    assert (saved.status, saved.json["version"], saved.json["size"]) == (201, 1, 2560)
    found = read(api, ann, "data/all bytes.bin")
    assert (found.status, found.content, found.headers["etag"]) == (200, content, saved.headers["etag"])


@pytest.mark.parametrize("content", [b"", b"\0", b"x" * 100_000, "日本".encode()], ids=["empty", "NUL", "long", "text"])
def test_any_content_is_kept(api: Api, ann: Person, content: bytes) -> None:
    assert api.save(ann, "a", content).status == 201
    assert read(api, ann, "a").content == content


def test_an_acknowledged_save_is_committed(api: Api, ann: Person, machine: Machine) -> None:
    assert api.save(ann, "a.txt", b"kept").status == 201
    with psycopg.connect(machine.app_url) as second:  # the application's role, in the team's name
        second.execute("select app.begin_team(%s)", (uuid_of(ann.team["id"]),))
        assert second.execute("select path, version from files").fetchall() == [("a.txt", 1)]


def test_each_change_is_a_version_and_an_event(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    for text in (b"one", b"two", b"three"):
        last = api.save(ann, "a.txt", text)
    assert (last.status, last.json["version"]) == (200, 3)
    assert versions(everything, "a.txt") == [(1, False), (2, False), (3, False)]
    query = (
        "select seq, type, (data ->> 'version')::int, data ->> 'by' from room_events where room_id = %s order by seq"
    )
    rows = everything.execute(query, (uuid_of(ann.project["id"]),)).fetchall()
    assert rows == [(n, "file.saved", n, ann.user["id"]) for n in (1, 2, 3)]


def test_saving_what_is_there_already_changes_nothing(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    first, again = api.save(ann, "a", b"same"), api.save(ann, "a", b"same")
    assert (again.status, again.json, again.headers["etag"]) == (200, first.json, first.headers["etag"])
    assert versions(everything, "a") == [(1, False)]


def test_parallel_saves_of_one_file_lose_nothing(
    api: Api, ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    contents = [b"%d-%d" % (thread, n) for thread in range(8) for n in range(5)]

    def save_five(thread: int) -> list[int]:
        return [api.save(ann, "a", b"%d-%d" % (thread, n)).status for n in range(5)]

    statuses = [status for five in in_threads(save_five, list(range(8))) for status in five]
    assert (statuses.count(201), statuses.count(200)) == (1, 39)
    assert [n for n, _ in versions(everything, "a")] == list(range(1, 41))
    kept = everything.execute("select count(distinct sha256) from file_versions").fetchone()
    assert kept == (len(set(contents)),)
    assert everything.execute("select version from files").fetchall() == [(40,)]


def test_of_parallel_saves_over_one_version_exactly_one_wins(
    api: Api, ann: Person, in_threads: Callable[..., Any]
) -> None:
    etag = api.save(ann, "a", b"start").headers["etag"]
    statuses = in_threads(lambda n: api.save(ann, "a", b"%d" % n, if_match=etag).status, list(range(8)))
    assert sorted(statuses) == [200] + [412] * 7


def test_of_parallel_creations_exactly_one_wins(api: Api, ann: Person, in_threads: Callable[..., Any]) -> None:
    statuses = in_threads(lambda n: api.save(ann, "a", b"%d" % n, if_none_match="*").status, list(range(8)))
    assert sorted(statuses) == [201] + [412] * 7


def test_if_match_saves_only_over_the_version_that_was_read(api: Api, ann: Person) -> None:
    first = api.save(ann, "a", b"one").headers["etag"]
    second = api.save(ann, "a", b"two", if_match=first)
    assert second.status == 200
    late = api.save(ann, "a", b"three", if_match=first)
    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert late.headers["etag"] == second.headers["etag"]
    assert read(api, ann, "a").content == b"two"


def test_if_match_refuses_where_there_is_no_file(api: Api, ann: Person) -> None:
    assert api.save(ann, "a", b"x", if_match='"1-abc"').status == 412
    assert api.save(ann, "a", b"x", if_match="*").status == 412
    assert read(api, ann, "a").status == 404
    api.save(ann, "a", b"x")
    assert api.save(ann, "a", b"y", if_match="*").status == 200


def test_if_none_match_saves_only_where_there_is_no_file(api: Api, ann: Person) -> None:
    assert api.save(ann, "a", b"x", if_none_match="*").status == 201
    taken = api.save(ann, "a", b"y", if_none_match="*")
    assert taken.status == 412 and taken.headers["etag"]


# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_four_mebibytes_are_kept_and_one_byte_more_is_413(api: Api, ann: Person) -> None:
    assert api.save(ann, "a", b"x" * 4 * MIB).status == 201
    over = api.save(ann, "b", b"x" * (4 * MIB + 1))
    assert (over.status, over.json["code"]) == (413, "too_large")
    said = {key: over.json[key] for key in ("limit", "allowed", "used", "allowed_by")}
    allowed_by = "an operator: slipway plan limit <team> file_bytes 4194305"
    assert said == {"limit": "file_bytes", "allowed": 4 * MIB, "used": 4 * MIB + 1, "allowed_by": allowed_by}
    assert read(api, ann, "b").status == 404


def test_the_limit_of_files_counts_files_and_not_saves(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("update plan_limits set value = 2 where meter = 'project_files'")
    assert [api.save(ann, path, b"x").status for path in ("a", "b", "c")] == [201, 201, 413]
    assert api.save(ann, "a", b"y").status == 200
    delete(api, ann, "a")
    assert api.save(ann, "c", b"x").status == 201


# ── Paths ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["../up", "a//b", "a\\b", "a\0b", "con", ".git/config", "a/../../b", " a", "C:/x"])
def test_a_harmful_path_is_422_for_every_verb(api: Api, ann: Person, path: str) -> None:
    api.save(ann, "good", b"x")
    answers = [
        api.save(ann, path, b"x"),
        read(api, ann, path),
        delete(api, ann, path),
        move(api, ann, "good", path),
        move(api, ann, path, "good2"),
    ]
    assert [(a.status, a.json["code"]) for a in answers] == [(422, "invalid_path")] * 5
    assert names(api, ann) == ["good"]


def test_composed_and_decomposed_spellings_are_one_file(api: Api, ann: Person) -> None:
    assert api.save(ann, "caf\u00e9", b"one").status == 201
    assert api.save(ann, "cafe\u0301", b"two").status == 200
    assert read(api, ann, "cafe\u0301").content == b"two"
    assert names(api, ann) == ["caf\u00e9"]


def test_names_that_differ_only_in_case_clash(api: Api, ann: Person) -> None:
    api.save(ann, "README.md", b"x")
    clash = api.save(ann, "readme.md", b"y")
    assert (clash.status, clash.json["code"]) == (409, "path_taken")
    assert "README.md" in clash.json["detail"]
    assert read(api, ann, "readme.md").status == 404
    assert delete(api, ann, "readme.md").status == 409


def test_a_name_is_a_file_or_a_folder_and_not_both(api: Api, ann: Person) -> None:
    api.save(ann, "src/app", b"x")
    assert [api.save(ann, path, b"y").status for path in ("src", "SRC", "src/app/main", "src/APP/main")] == [409] * 4
    assert [api.save(ann, path, b"y").status for path in ("src-", "src.py", "src0", "sr", "src/apps")] == [201] * 5


def test_of_a_file_and_a_folder_saved_at_once_one_wins(api: Api, ann: Person, in_threads: Callable[..., Any]) -> None:
    for n in range(5):
        statuses = in_threads(lambda path: api.save(ann, path, b"x").status, [f"n{n}", f"n{n}/x"])
        assert sorted(statuses) == [201, 409]


# ── Reading and listing ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_version_that_the_client_has_is_304(api: Api, ann: Person) -> None:
    etag = api.save(ann, "a.txt", b"x").headers["etag"]
    known = read(api, ann, "a.txt", if_none_match=etag)
    assert (known.status, known.content, known.headers["etag"]) == (304, b"", etag)
    api.save(ann, "a.txt", b"y")
    assert read(api, ann, "a.txt", if_none_match=etag).status == 200


def test_content_can_never_act_as_a_page_of_ours(api: Api, ann: Person) -> None:
    api.save(ann, "evil.html", b"<script>alert(1)</script>")
    headers = read(api, ann, "evil.html").headers
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_list_is_by_path_with_prefix_and_pages(api: Api, ann: Person) -> None:
    for path in ("b", "a/2", "a/1", "c_d", "c%d", "ab"):
        api.save(ann, path, b"x")
    assert names(api, ann) == sorted(["b", "a/2", "a/1", "c_d", "c%d", "ab"])
    assert names(api, ann, prefix="a/") == ["a/1", "a/2"]
    assert names(api, ann, prefix="c_") == ["c_d"]
    assert names(api, ann, prefix="%") == []
    page = api.call(LIST, by=ann, query={"limit": 4}, project_id=ann.project["id"]).json
    assert names(api, ann, limit=4, cursor=page["next_cursor"]) == names(api, ann)[4:]


def test_a_stranger_neither_reads_nor_writes(api: Api, ann: Person) -> None:
    api.save(ann, "a", b"secret")
    bob = api.project("Bob")
    bob.project = ann.project
    answers = [
        read(api, bob, "a"),
        api.save(bob, "a", b"mine"),
        api.save(bob, "b", b"mine"),
        delete(api, bob, "a"),
        move(api, bob, "a", "b"),
        api.call(LIST, by=bob, project_id=ann.project["id"]),
    ]
    assert [a.status for a in answers] == [404] * 6
    assert read(api, ann, "a").content == b"secret"


def test_those_who_listen_to_the_project_are_told(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    from tests.core.backstage import say

    say("$connect", ann, "c1", kind="CONNECT")
    say("room.subscribe", ann, "c1", room=ann.project["id"])
    api.save(ann, "a", b"x")
    (message,) = sent(everything, "broadcast")
    assert message["connections"] == ["c1"] and '"file.saved"' in message["frames"][0]
