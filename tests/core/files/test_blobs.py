from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slipway import db
from slipway.files import blobs

from tests.api import Api
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
COUNT = "select count(*) from blobs"


def test_the_same_content_is_kept_once_in_a_team(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    assert [api.save(ann, path, b"same").status for path in ("a", "b")] == [201, 201]
    assert everything.execute(COUNT).fetchone() == (1,)


def test_the_same_content_is_never_shared_across_teams(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.project("Bob")
    for person in (ann, bob):
        api.save(person, "a", b"same")
    assert everything.execute(COUNT).fetchone() == (2,)
    sha256 = hashlib.sha256(b"only Ann's").digest()
    api.save(ann, "secret", b"only Ann's")
    with db.for_team(uuid_of(bob.team["id"])) as tx:
        assert blobs.get(tx, uuid_of(ann.team["id"]), [sha256]) == {}
        assert blobs.get(tx, uuid_of(bob.team["id"]), [sha256]) == {}
    with db.for_team(uuid_of(ann.team["id"])) as tx:
        assert blobs.get(tx, uuid_of(ann.team["id"]), [sha256]) == {sha256: b"only Ann's"}


def test_what_compresses_is_compressed_and_what_does_not_is_kept_as_it_is(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    noise = os.urandom(10_000)
    api.save(ann, "text", b"print('hello')\n" * 1000)
    api.save(ann, "noise", noise)
    rows = everything.execute("select encoding, size, length(content) from blobs order by size").fetchall()
    assert rows[0] == ("identity", 10_000, 10_000)
    assert rows[1][:2] == ("deflate", 15_000) and rows[1][2] < 500


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=3000) | st.binary(min_size=1, max_size=8).map(lambda b: b * 500))
def test_every_content_comes_back(api: Api, content: bytes) -> None:
    team = uuid_of(_team(api))
    with db.for_team(team) as tx:
        sha256 = blobs.put(tx, team, content)
    with db.for_team(team) as tx:
        assert blobs.get(tx, team, [sha256]) == {sha256: content}
    assert sha256 == hashlib.sha256(content).digest()


_teams: dict[int, str] = {}


def _team(api: Api) -> str:
    """One team for all examples of one test."""
    if id(api) not in _teams:
        _teams[id(api)] = api.project().team["id"]
    return _teams[id(api)]


def test_the_same_content_saved_at_once_by_many_is_kept_once(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ann = api.project()
    assert in_threads(lambda n: api.save(ann, f"f{n}", b"same").status, list(range(8))) == [201] * 8
    assert everything.execute(COUNT).fetchone() == (1,)
