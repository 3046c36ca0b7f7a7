"""Files that get another path, and files that go."""

from __future__ import annotations

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.files.test_file import delete, move, names, read, versions


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def test_a_moved_file_keeps_its_identity_and_history(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    made = api.save(ann, "a", b"x").json
    moved = move(api, ann, "a", "lib/b")
    assert (moved.status, moved.json["id"], moved.json["path"], moved.json["version"]) == (200, made["id"], "lib/b", 2)
    assert read(api, ann, "lib/b").content == b"x"
    assert read(api, ann, "a").status == 404
    assert versions(everything, "a") + versions(everything, "lib/b") == [(1, False), (2, False)]
    assert everything.execute("select data ->> 'source' from room_events where type = 'file.moved'").fetchall() == [
        ("a",)
    ]


def test_a_file_may_change_only_the_case_of_its_name(api: Api, ann: Person) -> None:
    api.save(ann, "readme", b"x")
    assert move(api, ann, "readme", "README").status == 200
    assert names(api, ann) == ["README"]


@pytest.mark.parametrize("target", ["b", "B", "c", "C/d/e", "c/d/e"])
def test_a_file_does_not_move_over_another_file_or_folder(api: Api, ann: Person, target: str) -> None:
    for path in ("a", "b", "c/d"):
        api.save(ann, path, path.encode())
    answer = move(api, ann, "a", target)
    assert (answer.status, answer.json["code"]) == (409, "path_taken")
    assert names(api, ann) == ["a", "b", "c/d"]


def test_what_is_not_there_cannot_be_moved(api: Api, ann: Person) -> None:
    assert move(api, ann, "a", "b").status == 404


def test_a_deleted_file_is_gone_and_its_versions_stay(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    api.save(ann, "a", b"x")
    assert delete(api, ann, "a").status == 204
    assert read(api, ann, "a").status == 404 and names(api, ann) == []
    assert versions(everything, "a") == [(1, False), (2, True)]
    assert api.save(ann, "a", b"y").json["version"] == 1


def test_deleting_what_is_not_there_is_no_error(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    assert delete(api, ann, "a").status == 204
    assert everything.execute("select count(*) from file_versions").fetchone() == (0,)


def test_a_file_that_has_changed_is_not_deleted_unread(api: Api, ann: Person) -> None:
    etag = api.save(ann, "a", b"x").headers["etag"]
    api.save(ann, "a", b"y")
    assert delete(api, ann, "a", if_match=etag).status == 412
    assert read(api, ann, "a").content == b"y"
