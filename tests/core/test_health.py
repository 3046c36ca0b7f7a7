from __future__ import annotations

import psycopg
from slipway import db

from stacks.local import postgres
from stacks.local.machine import Machine
from tests.api import Api


def test_health_is_ok_while_the_database_answers(api: Api) -> None:
    answer = api.call("GET /health")
    assert (answer.status, answer.json) == (200, {"status": "ok", "stage": "local"})


def test_health_is_503_without_the_database(api: Api, machine: Machine, server: postgres.Server) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(machine.app_url)["dbname"])
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false")
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        db.close()
        answer = api.call("GET /health")
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
    assert name not in answer.content.decode()


def test_the_version_needs_neither_login_nor_database(api: Api) -> None:
    assert api.call("GET /v1").json["name"] == "slipway"


def test_the_published_keys_are_public_and_complete(api: Api) -> None:
    (key,) = api.call("GET /.well-known/jwks.json").json["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
