from __future__ import annotations

import os
from collections.abc import Callable

import jwt
import psycopg
import pytest
from slipway.access_tokens import KEYS_SECONDS
from typer.testing import CliRunner

from scripts.client import Client, Json
from stacks.local import cli, http_processes, ports
from stacks.local import machine as machines
from tests.stacks.local.started import Up

pytestmark = pytest.mark.slow


def rotate(one: Up, *options: str) -> None:
    done = CliRunner().invoke(cli.app, ["rotate-keys", *options, "--data", str(one.data)])
    assert done.exit_code == 0, done.output


def status(api: str, token: str) -> int:
    return Client(api, token).send("GET", "/v1/me").status


def kids(client: Client) -> set[str]:
    return {key["kid"] for key in client.call("GET", "/.well-known/jwks.json")["keys"]}


def refreshed(client: Client, session: Json) -> Json:
    answer: Json = client.call("POST", "/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    return answer


def test_each_is_ended_once_and_its_successor_answers(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    before = http_processes.of(one.process.pid)
    assert len(before) == 2
    assert http_processes.renew(one.process.pid, one.port) == 2
    after = http_processes.of(one.process.pid)
    assert len(after) == 2 and not set(before) & set(after)
    assert ports.listening(one.port) == 2
    assert Client(facts["api"]).send("GET", "/health").status == 200


def test_nobody_else_s_processes_are_touched() -> None:
    assert http_processes.of(os.getpid()) == []
    assert http_processes.renew(os.getpid(), 1) == 0


def test_a_running_platform_takes_up_a_new_key_by_itself_and_a_leaked_one_is_refused_at_once(
    up: Callable[..., Up],
) -> None:
    one = up()
    api = one.ready()["api"]
    client = Client(api)
    session = client.register("Ada")
    (first,) = kids(client)
    processes = http_processes.of(one.process.pid)

    rotate(one)
    (second,) = kids(client) - {first}
    assert status(api, session["access_token"]) == 200, "what the old key has signed"
    with psycopg.connect(machines.load(one.data).owner_url) as connection:
        connection.execute("update signing_keys set created_at = created_at - %s * interval '1 s'", (KEYS_SECONDS + 1,))
    client.token = ""
    session = refreshed(client, session)
    assert jwt.get_unverified_header(session["access_token"])["kid"] == second
    assert status(api, session["access_token"]) == 200
    rotate(one, "--drop-old")
    assert status(api, session["access_token"]) == 200
    assert http_processes.of(one.process.pid) == processes, "no process was started anew for it"

    rotate(one, "--leaked")
    assert status(api, session["access_token"]) == 401
    assert kids(Client(api)) & {first, second} == set()
    session = refreshed(Client(api), session)
    assert status(api, session["access_token"]) == 200
