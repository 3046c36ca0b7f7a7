"""Handlers under AWS's own runtime client (awslambdaric): the handler strings of the declarations are what it can load, the
events what it parses, the answers what it can serialize."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from slipway import discover

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests import api
from tests.contract import socket_events
from tests.contract import world as worlds
from tests.contract.runtime_api import ROOT, Outcome, invoke
from tests.contract.world import World

FUNCTIONS = {f.spec.name: f for f in discover.functions()}


def run(name: str, event: Any, machine: Machine) -> Any:
    """The answer of a function in a process of its own, with the settings that the stacks give it."""
    outcome = invoke(FUNCTIONS[name].spec.handler, event, machine.settings())
    assert outcome.kind == "response", outcome.answer
    return outcome.answer


def http_event(key: str, world: World, **path: str) -> Any:
    event = api.event(key, None, None, {"authorization": f"Bearer {world.owner.token}"}, path)
    event["requestContext"]["authorizer"] = {"lambda": api.authorizer()(event, None)["context"]}
    return event


def record(number: int, body: str) -> dict[str, Any]:
    return {"messageId": f"m{number}", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}


def test_every_handler_string_can_be_loaded() -> None:
    """All in one process, by the runtime client's own loader."""
    program = """
import json, sys
from awslambdaric.bootstrap import _get_handler
for handler in json.loads(sys.argv[1]):
    loaded = _get_handler(handler)
    assert callable(loaded) and "<function _get_handler" not in repr(loaded), handler
    assert type(loaded).__module__.startswith("slipway.") or handler.startswith("slipway."), handler
print("all")
"""
    handlers = [f.spec.handler for f in FUNCTIONS.values() if f.kind != "task"] + ["slipway.single.handler"]
    path = f"{ROOT}:{ROOT / 'layers/core'}:{ROOT / 'layers/sandbox'}"
    command = [sys.executable, "-c", program, json.dumps(handlers)]
    done = subprocess.run(command, env={"PYTHONPATH": path}, cwd="/", capture_output=True, text=True)
    assert done.stdout == "all\n", done.stderr


def test_a_handler_that_does_not_exist_is_reported_as_such() -> None:
    """The control: this harness can fail."""
    outcome = invoke("functions.http.meta.version.nothing", {}, {})
    assert (outcome.kind, outcome.answer["errorType"]) == ("init_error", "Runtime.HandlerNotFound") or (
        outcome.kind == "error"
    ), outcome


def test_a_route_answers_without_any_setting() -> None:
    outcome = invoke(FUNCTIONS["meta_version"].spec.handler, api.event("GET /v1", None, None, {}, {}), {})
    assert outcome.kind == "response", outcome.answer
    assert (outcome.answer["statusCode"], json.loads(outcome.answer["body"])["name"]) == (200, "slipway")


def test_a_route_answers_from_the_database(world: World, copy: Machine) -> None:
    event = http_event("GET /v1/projects/{project_id}", world, project_id=world.project)
    answer = run("projects_get", event, copy)
    assert (answer["statusCode"], json.loads(answer["body"])["id"]) == (200, world.project)


def test_bytes_cross_the_runtime_as_they_are(world: World, copy: Machine) -> None:
    event = http_event("GET /v1/projects/{project_id}/files/{path+}", world, project_id=world.project, path="main.py")
    answer = run("files_get", event, copy)
    assert (answer["isBase64Encoded"], answer["body"]) == (True, "cHJpbnQoJ2hlbGxvJykK")


def test_the_single_function_answers_as_the_route_does(world: World, copy: Machine) -> None:
    event = http_event("GET /v1/projects/{project_id}", world, project_id=world.project)
    outcome = invoke("slipway.single.handler", event, copy.settings())
    assert outcome == Outcome("response", run("projects_get", event, copy))


def test_a_socket_action_answers(world: World, copy: Machine) -> None:
    message = {"action": "room.subscribe", "id": 7, "room": world.project, "after": 0}
    event = socket_events.event("room.subscribe", message, socket_events.user(world.owner), worlds.CONNECTION)
    answer = json.loads(run("rooms_subscribe", event, copy)["body"])
    assert (answer["ok"], answer["id"]) == (True, 7)
    assert len(answer["data"]["events"]) > 3


def test_a_queues_consumer_reports_the_bad_record_alone(server: Server, world: World, copy: Machine) -> None:
    good = record(1, json.dumps({"connections": [worlds.CONNECTION]}))
    answer = run("queue_gone", {"Records": [good, record(2, "not json")]}, copy)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as everything:
        assert everything.execute("select count(*) from connections").fetchone() == (0,)


def test_a_schedule_runs(copy: Machine) -> None:
    assert run("schedule_partitions", {"id": "e", "detail-type": "Scheduled Event"}, copy) is None


def test_an_event_is_taken(server: Server, copy: Machine) -> None:
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as everything:
        everything.execute("insert into workers (task_arn, address, state) values ('arn:1', '127.0.0.1:1', 'idle')")
        detail = {"taskArn": "arn:1", "lastStatus": "STOPPED", "stoppedReason": "ended"}
        event = {"id": "e", "source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}
        assert run("event_worker_changed", event, copy) is None
        assert everything.execute("select state from workers").fetchall() == [("gone",)]


@pytest.mark.parametrize("token", ["valid", "invalid"])
def test_the_authorizer_says_who_asks(token: str, world: World, copy: Machine) -> None:
    event = api.event("GET /v1/me", None, None, {}, {})
    event["headers"]["authorization"] = f"Bearer {world.owner.token if token == 'valid' else 'x.y.z'}"
    answer = run("authorizer_http", event, copy)
    assert answer["isAuthorized"] is True
    assert answer["context"]["kind"] == ("user" if token == "valid" else "nobody")
