"""uvicorn for one ASGI application on one listening socket, its settings those of a gateway."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from stacks.local.asgi import App
from stacks.local.one_write import OneWriteProtocol

DRAIN_SECONDS = 8  # of the ten until the supervisor kills


class HttpServer:
    """`start` returns when it answers, `close` when what was in work is done, at most DRAIN_SECONDS later."""

    def __init__(self, app: App) -> None:
        self._server = Server(config(app))
        self._serving: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.listening.wait()

    async def close(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


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


def config(app: App) -> uvicorn.Config:
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
