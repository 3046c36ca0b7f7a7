from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from slipway import db
from slipway.files import trees

from tests.api import Api, Person
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def take(person: Person) -> tuple[bytes, list[str]]:
    with db.for_team(uuid_of(person.team["id"])) as tx:
        sha256, entries = trees.take(tx, uuid_of(person.team["id"]), uuid_of(person.project["id"]))
        return sha256, [entry.path for entry in entries]


def contents(person: Person, sha256: bytes, team: UUID | None = None) -> dict[str, bytes]:
    with db.for_team(team or uuid_of(person.team["id"])) as tx:
        return trees.contents(tx, team or uuid_of(person.team["id"]), sha256)


def test_a_tree_holds_every_file_as_it_was(api: Api, ann: Person) -> None:
    api.save(ann, "a", b"one")
    api.save(ann, "b/c", b"two")
    sha256, _ = take(ann)
    api.save(ann, "a", b"changed")
    api.call("DELETE /v1/projects/{project_id}/files/{path+}", by=ann, project_id=ann.project["id"], path="b/c")
    assert contents(ann, sha256) == {"a": b"one", "b/c": b"two"}


def test_the_same_files_are_the_same_tree_and_kept_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    api.save(ann, "a", b"one")
    first = take(ann)
    api.save(ann, "a", b"two")
    other = take(ann)
    api.save(ann, "a", b"one")
    assert take(ann) == first != other
    assert everything.execute("select files, bytes from trees order by bytes").fetchall() == [(1, 3), (1, 3)]


def test_entries_are_in_byte_order_whatever_the_database_s_language(api: Api, ann: Person) -> None:
    for path in ("b", "B2", "a", "é", "Z"):
        api.save(ann, path, b"x")
    assert take(ann)[1] == ["B2", "Z", "a", "b", "é"]


def test_the_path_is_part_of_the_tree(api: Api, ann: Person) -> None:
    api.save(ann, "a", b"x")
    first = take(ann)
    move = {"source": "a", "target": "b"}
    api.call("POST /v1/projects/{project_id}/moves", move, by=ann, project_id=ann.project["id"])
    assert take(ann) != first


def test_a_project_without_files_has_an_empty_tree(ann: Person) -> None:
    sha256, entries = take(ann)
    assert entries == [] and contents(ann, sha256) == {}


def test_another_team_does_not_find_the_tree(api: Api, ann: Person) -> None:
    api.save(ann, "a", b"x")
    sha256, _ = take(ann)
    bob = api.project("Bob")
    with pytest.raises(LookupError, match="is missing"):
        contents(bob, sha256)
