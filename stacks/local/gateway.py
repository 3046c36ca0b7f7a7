"""The process that answers: HTTP API, WebSocket API, `@connections`, object URLs and docs, in one event loop.

`python -m stacks.local.gateway <data folder>` listens on 127.0.0.1 at the machine's port, and at the next one for
WebSockets, prints `ready` when both do, and logs JSON lines to stderr. A taken port is one line on stderr and exit
code 3. SIGTERM stops accepting, finishes what is in work within ten seconds, and closes the sockets with 1001.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from slipway import capabilities, discover, settings
from slipway.authorizer import Authorizer
from slipway.route import Route
from slipway.socket import Socket

from stacks.local import access_log, connections, interactive_docs, machine
from stacks.local.asgi import App
from stacks.local.connections import ConnectionsApi
from stacks.local.http import HttpApi
from stacks.local.interactive_docs import InteractiveDocs
from stacks.local.invocation import Invoker
from stacks.local.machine import Machine
from stacks.local.one_write import OneWriteProtocol
from stacks.local.processes import CANNOT_START
from stacks.local.socket import Limits, SocketApi

HOST = "127.0.0.1"
DRAIN_SECONDS = 8  # of the ten until the supervisor kills
_PR_SET_PDEATHSIG = 1


class PortTaken(RuntimeError):
    """Another process listens on the port."""


class Gateway:
    """Both APIs of one machine. `start` returns when they listen, `serve` when `stop` was called and all is done."""

    def __init__(
        self,
        here: Machine,
        routes: Sequence[Route],
        sockets: Sequence[Socket],
        authorizers: Sequence[Authorizer],
        *,
        mounts: Mapping[str, App] | None = None,
        openapi: Callable[[], dict[str, Any]] | None = None,
        allow_origins: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        """Call within a running event loop. `openapi` renders the document for /docs; without it there are no docs."""
        by_api = {authorizer.spec.api: authorizer for authorizer in authorizers}
        self._invoker = Invoker()
        self._port = here.port
        self._sockets = SocketApi(sockets, by_api.get("socket"), self._invoker, limits)
        behaviours: dict[str, App] = {
            connections.PREFIX: ConnectionsApi(self._sockets.peers, here.access_key, here.secret_key), **(mounts or {})
        }  # fmt: skip
        if openapi is not None:
            behaviours |= dict.fromkeys(interactive_docs.PREFIXES, InteractiveDocs(openapi))
        api = HttpApi(routes, by_api.get("http"), self._invoker, allow_origins=allow_origins, mounts=behaviours)
        self._server = Server(uvicorn_config(api))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises PortTaken."""
        http, websocket = listen(self._port), listen(self._port + 1)
        await self._sockets.start(websocket)
        self._serving = asyncio.create_task(self._server.serve(sockets=[http]))
        await self._server.listening.wait()

    async def serve(self) -> None:
        if self._serving is not None:
            await self._serving

    async def stop(self) -> None:
        """Stop accepting, finish what is in work, at most DRAIN_SECONDS."""
        self._server.should_exit = True
        try:
            async with asyncio.timeout(DRAIN_SECONDS + 1):
                await asyncio.gather(self._sockets.close(DRAIN_SECONDS - 2), self.serve())
        except TimeoutError:
            access_log.log.warning("some work was not finished within %s seconds", DRAIN_SECONDS)
        self._invoker.close()


class Server(uvicorn.Server):
    """uvicorn, which leaves signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


def uvicorn_config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=OneWriteProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def listen(port: int) -> socket.socket:
    """A socket bound to the port on the loopback address; raises PortTaken with the remedy."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)  # SO_REUSEADDR lets two processes bind: the second one fails only here
    except OSError as e:
        listener.close()
        raise PortTaken(f"port {port} of {HOST} is taken ({e.strerror}): stop its owner or choose --port") from e
    listener.setblocking(False)
    return listener


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that started it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


def render_openapi() -> dict[str, Any]:
    from slipway.single import application

    document: dict[str, Any] = application().openapi()
    return document


async def run(here: Machine, allow_origins: Sequence[str]) -> None:
    from stacks.local.object_server import objects_app
    from stacks.local.object_urls import MOUNT

    gateway = Gateway(
        here,
        discover.routes(),
        discover.sockets(),
        discover.authorizers(),
        mounts={MOUNT: objects_app(here)},
        openapi=render_openapi,
        allow_origins=allow_origins,
    )
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await gateway.start()
    print("ready", flush=True)
    await stopping.wait()
    await gateway.stop()


async def run_with_log(here: Machine, allow_origins: Sequence[str]) -> None:
    handler = access_log.start()

    async def flush() -> None:
        while True:
            await asyncio.sleep(access_log.FLUSH_SECONDS)
            handler.flush()

    flushing = asyncio.create_task(flush())
    try:
        await run(here, allow_origins)
    finally:
        flushing.cancel()
        handler.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m stacks.local.gateway")
    parser.add_argument("data", type=Path, help="the machine's data folder")
    parser.add_argument("--allow-origin", action="append", default=[], help="an origin that CORS allows; repeatable")
    options = parser.parse_args(arguments)
    end_with_parent(parent)
    try:
        here = machine.load(options.data)
        settings.apply(here.settings())
        from stacks.local.capabilities import provider

        capabilities.provide(provider(here))
        uvloop.run(run_with_log(here, options.allow_origin))
    except (OSError, machine.NewerData, PortTaken) as e:
        print(f"gateway cannot start on {options.data}: {e}".replace("\n", " "), file=sys.stderr)
        sys.exit(CANNOT_START)
    sys.stderr.flush()
    os._exit(0)  # a function that hangs would keep the interpreter waiting for its thread


if __name__ == "__main__":
    main()
