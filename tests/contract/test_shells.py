"""Every route's examples, working and damaged, through both HTTP shells on equal databases: the answers are equal."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from slipway import db, discover, single
from slipway.function import Event

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests import api
from tests.contract import world as worlds
from tests.contract.damage import damaged
from tests.contract.example import Example
from tests.contract.examples import LAST, examples
from tests.contract.world import World

ROUTES = {route.spec.name: route for route in discover.routes()}
# Changed rows are seen by the examples after them: reading comes first.
NAMES = sorted(
    ROUTES, key=lambda name: (ROUTES[name].spec.method != "GET", LAST.index(name) if name in LAST else -1, name)
)
VOLATILE = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<jwt>"),
    (re.compile(r"slp_(rt|wst|run|inv)_[\w-]{43}"), "<token>"),
    (re.compile(r"slp_sk_\w{36}|(?<=\"last_four\":\")\w{4}"), "<key>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<time>"),
    (re.compile(r"(expires|signature|nonce|code_challenge)=[\w-]+"), "<signed>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(/|%2F)[0-9a-f-]{36}"), "<object>"),
)
REFILLED = {"ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"}  # with every moment that passes
ID = re.compile(r"\b[a-z]{2,4}_[0-7][0-9a-z]{25}\b")


@dataclass
class Shells:
    """Two copies of the world, one for each shell: what one answers cannot depend on what the other did."""

    lean: Machine
    single: Machine

    def ask(self, name: str, event: Event) -> tuple[dict[str, Any], dict[str, Any]]:
        with worlds.inhabited(self.lean):
            lean = ROUTES[name](json.loads(json.dumps(event)), None)
        with worlds.inhabited(self.single):
            return lean, single.handler(json.loads(json.dumps(event)), None)


@pytest.fixture(scope="module")
def shells(server: Server, prepared: tuple[Machine, World]) -> Iterator[Shells]:
    machine, _ = prepared
    template = worlds.name_of(machine)
    with (
        worlds.database(server, machine, template) as lean,
        worlds.database(server, machine, template) as other,
    ):
        single._mangum.cache_clear()
        yield Shells(lean, other)
        db.close()


def sent(name: str, example: Example) -> Event:
    """The event, with the path decoded once and the authorizer's answer in it, as API Gateway sends it."""
    route = ROUTES[name]
    event = api.event(route.spec.key, example.body, example.query or None, example.headers, example.path)
    path = re.sub(r"\{(\w+)\+?\}", lambda found: example.path[found[1]], route.spec.path)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path.replace("%", "%25")
    token = example.by if isinstance(example.by, str) or example.by is None else example.by.token
    if token:
        event["headers"]["authorization"] = f"Bearer {token}"
        if route.spec.allow != "public":
            event["requestContext"]["authorizer"] = {"lambda": api.authorizer()(event, None)["context"]}
    return event


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with what differs between two executions of one request made equal: new ids, times, tokens."""
    raw = answer.get("body") or ""
    body = base64.b64decode(raw) if answer["isBase64Encoded"] else raw.encode()
    text = body.decode("latin-1")
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    seen: dict[str, str] = {}
    headers = {k: _numbered(v, seen) for k, v in sorted(answer["headers"].items()) if k not in REFILLED}
    return {"status": answer["statusCode"], "headers": headers, "body": _numbered(text, seen)}


def _numbered(text: str, seen: dict[str, str]) -> str:
    return ID.sub(lambda found: seen.setdefault(found[0], f"{found[0].partition('_')[0]}#{len(seen)}"), text)


def test_every_route_has_an_example(world: World) -> None:
    given = examples(world)
    missing, stale = ROUTES.keys() - given.keys(), given.keys() - ROUTES.keys()
    assert not missing, f"add an entry for {sorted(missing)} to examples() in tests/contract/examples.py"
    assert not stale, f"remove {sorted(stale)} from examples() in tests/contract/examples.py: there is no such route"
    for name, found in given.items():
        assert any(example.status < 400 for example in found), f"{name} needs an example that succeeds"


@pytest.mark.parametrize("name", NAMES)
def test_both_shells_give_the_same_answers(name: str, shells: Shells, world: World) -> None:
    route = ROUTES[name]
    good = examples(world).get(name, [])
    documented = single.application().openapi()["paths"]
    operation = documented[route.spec.path.replace("+}", "}")][route.spec.method.lower()]
    with worlds.inhabited(shells.lean):
        tried = [*good, *damaged(route, next((e for e in good if e.damage), good[0]), world)]
        events = [(example, sent(name, example)) for example in tried]
    statuses = set()
    for example, event in events:
        lean, other = shells.ask(name, event)
        assert comparable(other) == comparable(lean), f"{name}, when the request {example.about}"
        assert lean["statusCode"] < 500, f"{name} fails when the request {example.about}: {lean['body']}"
        if example.status:
            assert lean["statusCode"] == example.status, lean["body"]
        if lean["statusCode"] < 400:
            assert str(lean["statusCode"]) in operation["responses"], "OpenAPI does not name this status"
        else:
            assert lean["headers"]["content-type"] == "application/problem+json"
        statuses.add(lean["statusCode"])
    assert len(statuses) > 1 or route.spec.allow == "public", "no damage was noticed at all"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2"),
        ("POST", "/v1"),
        ("HEAD", "/v1"),
        ("GET", "/v1/"),
        ("DELETE", "/v1/teams"),
        ("GET", "/v1/projects/{project_id}/files/"),
        ("OPTIONS", "/v1/me"),
    ],
)
def test_an_unknown_path_or_method_is_answered_as_api_gateway_does(method: str, path: str, world: World) -> None:
    event = api.event(f"{method} {path}", None, None, {}, {"project_id": world.project} if "{" in path else {})
    answer = single.handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])) == (404, {"message": "Not Found"})


def test_repeated_parameters_are_joined_as_api_gateway_joins_them(shells: Shells, world: World) -> None:
    with worlds.inhabited(shells.lean):
        event = sent("teams_list", Example(422, world.owner, query={"limit": "1,2"}))
    event["rawQueryString"] = "limit=1&limit=2"
    lean, other = shells.ask("teams_list", event)
    assert comparable(lean) == comparable(other)
    assert lean["statusCode"] == 422


# ── Alone, under uvicorn ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Alone:
    port: int

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, quote(path, safe="/?&=%"), body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def alone(shells: Shells) -> Iterator[Alone]:
    """The application under a real server, without a gateway: it asks the declared authorizer itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener, worlds.inhabited(shells.single):
        server = uvicorn.Server(uvicorn.Config(single.application(), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Alone(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


ALONE = ("meta_health", "accounts_me", "projects_get", "files_get", "files_list", "projects_update", "worker_heartbeat")


@pytest.mark.parametrize("name", ALONE)
def test_under_uvicorn_the_answers_are_the_same(name: str, alone: Alone, shells: Shells, world: World) -> None:
    route = ROUTES[name]
    given = examples(world)[name]
    with worlds.inhabited(shells.single):
        for example in [*given, given[0].but("has no credential", by=None)]:
            event = sent(name, example)
            path = event["rawPath"] + (f"?{event['rawQueryString']}" if event["rawQueryString"] else "")
            body = json.dumps(example.body).encode() if example.body is not None else None
            status, headers, content = alone.ask(route.spec.method, path, event["headers"], body)
            event["requestContext"]["requestId"] = headers["x-request-id"]
            want = single.handler(event, None)
            got = {
                "statusCode": status,
                "headers": {k: headers[k] for k in want["headers"]},
                "body": base64.b64encode(content).decode(),
                "isBase64Encoded": True,
            }
            if example.by is None and route.spec.allow != "public":
                assert (
                    status == want["statusCode"] == 401
                )  # the sentence differs: with an authorizer, it says what to send
            else:
                assert comparable(got) == comparable(want)


def test_under_uvicorn_many_requests_are_in_work_at_once(alone: Alone, shells: Shells, world: World) -> None:
    headers = {"authorization": f"Bearer {world.owner.token}"}
    found: list[int] = []
    with worlds.inhabited(shells.single):
        ask = [threading.Thread(target=lambda: found.append(alone.ask("GET", "/v1/me", headers)[0])) for _ in range(24)]
        for thread in ask:
            thread.start()
        for thread in ask:
            thread.join()
    assert found == [200] * 24


# ── The document ────────────────────────────────────────────────────────────────────────────────────────────────


def test_openapi_says_what_the_declarations_say() -> None:
    document = single.application().openapi()
    assert document["openapi"].startswith("3.1")
    described = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert described.keys() == ROUTES.keys()
    for name, route in ROUTES.items():
        method, path, operation = described[name]
        spec = route.spec
        assert (method, path) == (spec.method, spec.path.replace("+}", "}"))
        assert (operation["tags"], operation["summary"]) == ([spec.domain], spec.summary)
        assert operation.get("security") == (None if spec.allow == "public" else [{"bearer": []}])
        assert "422" not in operation["responses"], "FastAPI's own 422 says the wrong media type"
        assert operation["responses"]["4XX"]["content"].keys() == {"application/problem+json"}
        named = {(p["in"], p["name"].lower()) for p in operation.get("parameters", [])}
        own = {(p.source, p.key) for p in route.binding.parameters if p.source in ("path", "query", "header")}
        assert named == own | ({("header", "idempotency-key")} if spec.idempotency != "none" else set())
        assert ("requestBody" in operation) == any(p.source in ("body", "content") for p in route.binding.parameters)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert _references(document) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(_references, node.values()))
