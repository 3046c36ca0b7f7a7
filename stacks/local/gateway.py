"""What answers on one machine, in several processes: the HTTP API in some that share a port, the WebSocket API in one.

`python -m stacks.local.gateway http <data folder>` answers on the machine's port: HTTP API, object URLs, docs. Any
number of these run beside each other. What they remember is each one's own, as it is each host's of API Gateway: the
authorizer's verdicts (each asks once in `cache_seconds`, and none is kept longer than that), the routes' throttles
(throttle.py says why that is enough), the access log (one file each).

`python -m stacks.local.gateway websocket <data folder>` answers on the next port, and on the one after that for
`@connections`, which works on the connections that this process holds. So there is one of it.

Both listen on 127.0.0.1, print `ready` when they do, and log JSON lines to stderr. A taken port is one line on stderr
and exit code 3. SIGTERM stops accepting, finishes what is in work within ten seconds, and closes WebSockets with 1001.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import uvloop
from slipway import capabilities, discover, settings
from slipway.authorizer import Authorizer
from slipway.route import Route
from slipway.socket import Socket

from stacks.local import access_log, interactive_docs, invocation, machine, ports
from stacks.local.asgi import App
from stacks.local.connections import ConnectionsApi
from stacks.local.cors import Cors, opened
from stacks.local.http import HttpApi
from stacks.local.http_server import DRAIN_SECONDS, HttpServer
from stacks.local.interactive_docs import InteractiveDocs
from stacks.local.invocation import Invoker
from stacks.local.machine import Machine
from stacks.local.ports import PortTaken
from stacks.local.processes import CANNOT_START
from stacks.local.socket import Limits, SocketApi

HTTP, WEBSOCKET = "http", "websocket"
_PR_SET_PDEATHSIG = 1


class Part(Protocol):
    """`start` returns when it answers, or raises PortTaken; `close` when it no longer does and its work is done."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class HttpPart:
    """The HTTP API and what a browser finds beside it. `openapi` renders the document for /docs, if there are docs."""

    def __init__(
        self,
        here: Machine,
        routes: Sequence[Route],
        authorizers: Sequence[Authorizer],
        invoker: Invoker,
        *,
        mounts: Mapping[str, App] | None = None,
        openapi: Callable[[], dict[str, Any]] | None = None,
        allow_origins: Sequence[str] = (),
    ) -> None:
        behaviours = dict(mounts or {})
        if openapi is not None:
            behaviours |= dict.fromkeys(interactive_docs.PREFIXES, InteractiveDocs(openapi))
        authorizer = by_api(authorizers).get("http")
        self._port = here.port
        self._server = HttpServer(HttpApi(routes, authorizer, invoker, allow_origins=allow_origins, mounts=behaviours))

    async def start(self) -> None:
        """Nobody is sent here before this: each process has a queue of its own behind the shared port."""
        await self._server.start(ports.listen(self._port, shared=True))

    async def close(self) -> None:
        await self._server.close()


class WebSocketPart:
    """The WebSocket API and its `@connections`; `listeners` are theirs, from whoever keeps the ports for us."""

    def __init__(
        self,
        here: Machine,
        sockets: Sequence[Socket],
        authorizers: Sequence[Authorizer],
        invoker: Invoker,
        *,
        listeners: tuple[socket.socket, socket.socket] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._port = here.port
        self._listeners = listeners
        self._sockets = SocketApi(sockets, by_api(authorizers).get("socket"), invoker, limits)
        self._connections = HttpServer(ConnectionsApi(self._sockets.peers, here.access_key, here.secret_key))

    async def start(self) -> None:
        websocket, connections = self._listeners or ports.take(self._port)
        await self._connections.start(connections)
        await self._sockets.start(websocket)

    async def close(self) -> None:
        """`@connections` last: what is in work on a message may still answer through it."""
        await self._sockets.close(DRAIN_SECONDS - 2)
        await self._connections.close()


class Gateway:
    """The parts that one process serves, in one event loop."""

    def __init__(self, parts: Sequence[Part], invoker: Invoker) -> None:
        self._parts = parts
        self._invoker = invoker

    async def start(self) -> None:
        """One after another: the WebSocket part first, if it is there, since it sees whether the HTTP port is free."""
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """Stop accepting, finish what is in work, at most DRAIN_SECONDS."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS + 1):
                await asyncio.gather(*(part.close() for part in self._parts))
        except TimeoutError:
            access_log.log.warning("some work was not finished within %s seconds", DRAIN_SECONDS)
        self._invoker.close()


def by_api(authorizers: Sequence[Authorizer]) -> dict[str, Authorizer]:
    return {authorizer.spec.api: authorizer for authorizer in authorizers}


# ── The process ──────────────────────────────────────────────────────────────────────────────────────────────────


def http_part(here: Machine, options: argparse.Namespace) -> Gateway:
    from stacks.local import mail_page
    from stacks.local.object_server import objects_app
    from stacks.local.object_urls import MOUNT

    invoker = Invoker(*invocation.threads(options.processes))
    objects = opened(objects_app(here), Cors(options.allow_origin))
    mounts: dict[str, App] = {MOUNT: objects, **mail_page.mounts(here, wanted=not options.no_mail_page)}
    part = HttpPart(
        here,
        discover.routes(),
        discover.authorizers(),
        invoker,
        mounts=mounts,
        openapi=render_openapi,
        allow_origins=options.allow_origin,
    )
    return Gateway([part], invoker)


def websocket_part(here: Machine, options: argparse.Namespace) -> Gateway:
    invoker = Invoker()
    first, second = (socket.socket(fileno=fd) for fd in options.listeners) if options.listeners else (None, None)
    listeners = (first, second) if first and second else None
    return Gateway(
        [WebSocketPart(here, discover.sockets(), discover.authorizers(), invoker, listeners=listeners)], invoker
    )


def render_openapi() -> dict[str, Any]:
    from slipway.single import application

    document: dict[str, Any] = application().openapi()
    return document


async def run(here: Machine, options: argparse.Namespace) -> None:
    handler = access_log.start()

    async def flush() -> None:
        while True:
            await asyncio.sleep(access_log.FLUSH_SECONDS)
            handler.flush()

    flushing = asyncio.create_task(flush())
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        gateway = (http_part if options.part == HTTP else websocket_part)(here, options)
        await gateway.start()
        print("ready", flush=True)
        await stopping.wait()
        await gateway.stop()
    finally:
        flushing.cancel()
        handler.flush()


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that started it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m stacks.local.gateway")
    found.add_argument("part", choices=[HTTP, WEBSOCKET])
    found.add_argument("data", type=Path, help="the machine's data folder")
    found.add_argument("--processes", type=int, default=1, help="how many HTTP processes there are, this one included")
    found.add_argument("--allow-origin", action="append", default=[], help="an origin that CORS allows; repeatable")
    found.add_argument("--no-mail-page", action="store_true", help="no /mail, whatever mail_page.py says")
    found.add_argument("--listeners", type=int, nargs=2, metavar="FD", help="open already: WebSocket API, @connections")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parent = os.getppid()
    options = parser().parse_args(arguments)
    end_with_parent(parent)
    try:
        here = machine.load(options.data)
        settings.apply(here.settings())
        from stacks.local.capabilities import provider

        capabilities.provide(provider(here))
        uvloop.run(run(here, options))
    except (OSError, machine.NewerData, PortTaken) as e:
        print(f"gateway cannot start on {options.data}: {e}".replace("\n", " "), file=sys.stderr)
        sys.exit(CANNOT_START)
    sys.stderr.flush()
    os._exit(0)  # a function that hangs would keep the interpreter waiting for its thread


if __name__ == "__main__":
    main()
