from __future__ import annotations

import asyncio
import http.client
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from stacks.local import http_server, ports
from stacks.local.asgi import Receive, Scope, Send
from stacks.local.http_server import HttpServer
from tests.stacks.local.declared import free_ports

seen: list[Scope] = []


def answering(seconds: float) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def get(port: int, **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=10)
    try:
        connection.request("GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


async def served(seconds: float = 0) -> tuple[HttpServer, int]:
    port = free_ports()
    server = HttpServer(answering(seconds))
    await server.start(ports.listen(port))
    return server, port


def test_what_is_in_work_is_finished_and_nothing_new_is_taken() -> None:
    async def main() -> None:
        server, port = await served(1)
        asking = asyncio.create_task(asyncio.to_thread(get, port))
        await asyncio.sleep(0.2)
        closing = asyncio.create_task(server.close())
        async with asyncio.timeout(5):
            while ports.listening(port):
                await asyncio.sleep(0.02)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(get, port)
        assert (await asking)[:2] == (200, b"ok")
        await closing

    asyncio.run(main())


def test_what_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "DRAIN_SECONDS", 1)

    async def main() -> None:
        server, port = await served(60)
        asking = asyncio.create_task(asyncio.to_thread(get, port))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(5):
            await server.close()
        with suppress(http.client.HTTPException, OSError):
            assert (await asking)[0] != 200

    asyncio.run(main())


def test_signals_stay_with_the_process_and_the_server_says_nothing_of_itself() -> None:
    async def main() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        server, port = await served()
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        _, _, headers = await asyncio.to_thread(get, port, x_forwarded_for="203.0.113.7", x_forwarded_proto="https")
        await server.close()
        assert headers["server"] is None
        assert (seen[-1]["client"][0], seen[-1]["scheme"]) == (ports.HOST, "http"), (
            "nobody names an address for another"
        )

    asyncio.run(main())
