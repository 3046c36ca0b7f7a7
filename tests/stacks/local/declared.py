"""Functions declared by tests, and a gateway that serves them on real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop
from slipway.authorizer import Authorizer, AuthorizerSpec
from slipway.route import Route, RouteSpec
from slipway.socket import Socket, SocketSpec

from stacks.local.gateway import Gateway, HttpPart, WebSocketPart
from stacks.local.invocation import Invoker
from stacks.local.machine import Machine
from stacks.local.ports import HOST, around
from stacks.local.socket import Limits

Body = Callable[[Any, Any], Any]


def spec(cls: Any, name: str, **fields: Any) -> Any:
    common = {"module": f"declared.{name}", "attribute": name, "domain": "declared", "summary": name, "uses": ()}
    return cls(name=name, **{"memory": 512, "timeout": 10, **common, **fields})


class EventRoute(Route):
    """A route whose body is the Lambda handler itself: it gets the event."""

    def __call__(self, event: Any, context: Any) -> Any:
        return self.body(event, context)


class EventSocket(Socket):
    def __call__(self, event: Any, context: Any) -> Any:
        return self.body(event, context)


class EventAuthorizer(Authorizer):
    def __call__(self, event: Any, context: Any) -> Any:
        return self.body(event, context)


def echo(event: Any, context: Any) -> Any:
    """Answers with the event."""
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}


def route(key: str, body: Body = echo, allow: str = "public", throttle: int = 10_000, timeout: float = 10) -> Route:
    method, path = key.split(" ")
    own = {"method": method, "path": path, "allow": allow, "status": 200, "throttle": throttle, "timeout": timeout}
    return EventRoute(spec(RouteSpec, "route", rate="", idempotency="none", **own), body)


def action(name: str, body: Body, timeout: float = 10) -> Socket:
    return EventSocket(spec(SocketSpec, name, action=name, allow="self", timeout=timeout), body)


def http_authorizer(body: Body, cache_seconds: int = 0) -> Authorizer:
    return EventAuthorizer(spec(AuthorizerSpec, "http", api="http", cache_seconds=cache_seconds), body)


def policy(effect: str = "Allow", resource: str = "*", **context: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "usr_1", "policyDocument": {"Statement": [statement]}, "context": context}


def socket_authorizer(body: Body = lambda event, context: policy(user_id="usr_1")) -> Authorizer:
    return EventAuthorizer(spec(AuthorizerSpec, "socket", api="socket", cache_seconds=0), body)


def free_ports() -> int:
    """A port that is free together with the two after it."""
    while True:
        port = random.randrange(20_000, 60_000, 3)
        try:
            for number in around(port):
                with socket.socket() as probe:
                    probe.bind((HOST, number))
        except OSError:
            continue
        return port


def machine(port: int, data: str = "/nonexistent") -> Machine:
    return Machine(
        data=data, port=port, owner_url="", app_url="", signing_seed="00" * 32, object_secret="11" * 32,
        access_key="SLPLTESTKEY", secret_key="22" * 20, workers=0,
    )  # fmt: skip


class Running:
    def __init__(self, here: Machine) -> None:
        self.machine = here
        self.port = here.port
        self.socket_url = here.socket_url

    def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        port: int | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """At the HTTP API's port, or at another one."""
        connection = http.client.HTTPConnection(HOST, port or self.port, timeout=20)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def event(self, method: str, target: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
        """What the function was given; its route must use `echo`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, content = self.request(method, target, body, named)
        assert status == 200, content
        return dict(json.loads(content))


@contextmanager
def running(
    routes: list[Route] | None = None,
    sockets: list[Socket] | None = None,
    authorizers: list[Authorizer] | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Iterator[Running]:
    """A gateway with both parts in a thread of its own, stopped at the end as SIGTERM stops it."""
    here = machine(free_ports())
    ready, box = threading.Event(), dict[str, Any]()

    async def main() -> None:
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        invoker = Invoker()
        both = (
            WebSocketPart(here, sockets or [], authorizers or [], invoker, limits=limits),
            HttpPart(here, routes or [], authorizers or [], invoker, **options),
        )
        gateway = Gateway(both, invoker)
        await gateway.start()
        ready.set()
        await box["stop"].wait()
        await gateway.stop()

    logging.getLogger("slipway.gateway").setLevel(logging.INFO)
    thread = threading.Thread(target=lambda: uvloop.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10), "the gateway did not start"
    try:
        yield Running(here)
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(20)
        assert not thread.is_alive(), "the gateway did not stop"
