"""The gateway's transport: one write a response, whole and in order whatever the reader does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from stacks.local.http_server import HttpServer, config
from stacks.local.one_write import OneWrite
from stacks.local.ports import listen

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(body: bytes) -> AsyncIterator[int]:
    """A port that answers every request with this body."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    port = free_port()
    server = HttpServer(app)
    await server.start(listen(port))
    try:
        yield port
    finally:
        await server.close()


def in_uvloop(coroutine: Any) -> Any:
    return uvloop.run(asyncio.wait_for(coroutine, 30))


def test_head_and_body_leave_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = OneWrite._write
    monkeypatch.setattr(OneWrite, "_write", lambda self, data: written.append(data) or write(self, data))

    async def ask() -> None:
        async with served(b"hello") as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(REQUEST)
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            writer.close()

    in_uvloop(ask())
    assert len(written) == 2
    assert all(data.startswith(b"HTTP/1.1 200") and data.endswith(b"hello") for data in written)


def test_a_slow_reader_gets_every_byte_in_order() -> None:
    body = b"".join(b"%09d\n" % number for number in range(800_000))

    async def ask() -> bytes:
        async with served(body) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            writer.write(REQUEST + REQUEST)
            await asyncio.sleep(0.2)  # more than the kernel holds: the rest waits in the transport
            await reader.readuntil(b"\r\n\r\n")
            first = await reader.readexactly(len(body))
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == first
            writer.close()
            return first

    assert in_uvloop(ask()) == body


def test_what_comes_later_never_overtakes_what_the_kernel_did_not_take() -> None:
    async def ask() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        inner, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        transport = OneWrite(inner, loop)
        transport.write(b"a" * 5_000_000)
        await asyncio.sleep(0)
        assert transport.get_write_buffer_size() > 0, "the control: the kernel did not take it all"
        theirs.setblocking(False)
        got = theirs.recv(1_000_000)  # now it has room again, and the loop has not seen it yet
        transport.write(b"b")
        transport.close()
        while part := await loop.sock_recv(theirs, 1_000_000):
            got += part
        theirs.close()
        assert got == b"a" * 5_000_000 + b"b"

    in_uvloop(ask())


def test_a_reader_that_leaves_disturbs_nobody() -> None:
    complaints: list[Any] = []

    async def ask() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with served(b"x" * 5_000_000) as port:
            for _ in range(20):
                gone = socket.create_connection(("127.0.0.1", port))
                gone.sendall(REQUEST * 3)
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not a goodbye
                gone.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(5_000_000)
            writer.close()
            return answer

    assert in_uvloop(ask()) == b"x" * 5_000_000
    assert complaints == []


def test_it_stands_where_uvicorn_looks_for_a_protocol() -> None:
    ours = uvicorn.Config(lambda: None, http=config(lambda: None).http)  # type: ignore[arg-type]
    ours.load()
    assert ours.http_protocol_class.__name__ == "OneWriteProtocol"
