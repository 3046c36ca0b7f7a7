"""The WebSocket API of one machine: connections, and their messages as events for functions.

Before the upgrade: the authorizer (identity source `?ticket=`; 401 without one, 403 when refused), then `$connect`,
whose status other than 2xx refuses the upgrade (502 when it fails). Messages go by `$request.body.action` to the
function of that action, else to `$default`; the body that it returns goes back to the same connection, as two-way
routes do.
Messages of one connection are worked on at the same time and may overtake one another, as on AWS.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import Any

from slipway.authorizer import Authorizer
from slipway.socket import Socket
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from stacks.local import access_log, http_response, policy, socket_event
from stacks.local.http_response import Malformed
from stacks.local.invocation import FunctionTimeout, Invoker
from stacks.local.socket_event import Handshake
from stacks.local.socket_peer import Peer, PeerConnection, Peers

LIFECYCLE = frozenset({"$connect", "$disconnect", "$default"})


@dataclass(frozen=True, slots=True)
class Limits:
    """API Gateway's quotas of WebSocket APIs; tests shorten the times."""

    frame_bytes: int = 32 * 1024
    message_bytes: int = 128 * 1024
    idle_seconds: float = 600
    life_seconds: float = 7200
    integration_seconds: float = 29
    in_work: int = 16  # messages of one connection; more wait in its buffers


class SocketApi:
    def __init__(
        self,
        functions: Sequence[Socket],
        authorizer: Authorizer | None,
        invoker: Invoker,
        limits: Limits | None = None,
    ) -> None:
        self.peers = Peers()
        self._functions = {function.spec.action: function for function in functions}
        self._authorizer = authorizer
        self._invoker = invoker
        self._limits = limits or Limits()
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        """Serve on a bound socket until `close`."""
        limits = self._limits
        self._server = await serve(
            self._serve,
            sock=listener,
            process_request=self._open,
            create_connection=PeerConnection,
            max_size=(limits.message_bytes, limits.frame_bytes),
            compression=None,  # API Gateway offers none, and it halves the fan-out
            ping_interval=None,  # nor does it ping
            open_timeout=limits.integration_seconds + 15,
            close_timeout=2,
            server_header=None,
        )

    async def close(self, seconds: float) -> None:
        """Stop accepting, give the messages in work `seconds`, then close every connection with 1001 and report it."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        await asyncio.gather(*(peer.close(1001, "Going away") for peer in self.peers.all()))
        await self._server.wait_closed()

    # ── Before the upgrade ───────────────────────────────────────────────────────────────────────────────────────

    async def _open(self, connection: ServerConnection, request: Request) -> Response | None:
        started = perf_counter()
        address = connection.remote_address
        handshake = Handshake(request.path, request.headers.raw_items(), address[0] if address else "127.0.0.1")
        request_id = socket_event.new_id()
        status, text = await self._admit(handshake, request, request_id)
        access_log.access("CONNECT", "$connect", status if text else 101, perf_counter() - started, request_id)
        if text:
            return _refuse(connection, handshake, request_id, status, text)
        assert isinstance(connection, PeerConnection)
        connection.peer = Peer(handshake, connection)
        return None

    async def _admit(self, handshake: Handshake, request: Request, request_id: str) -> tuple[int, str]:
        """The status and message of a refusal; the message is empty when the client may come in."""
        if request.path.partition("?")[0] != "/":
            return 403, "Forbidden"
        if request.headers.get("Upgrade", "").lower() != "websocket" or "Sec-WebSocket-Key" not in request.headers:
            return 426, "Upgrade Required"  # before the authorizer: a ticket is good once
        if not handshake.parameter("ticket"):
            return 401, "Unauthorized"
        try:
            if not await self._authorize(handshake, request_id):
                return 403, "Forbidden"
        except Exception as e:
            name = self._authorizer.spec.name if self._authorizer else "authorizer"
            access_log.failure(name, request_id, e)
            return 500, "Internal server error"
        return await self._connect(handshake, request_id)

    async def _authorize(self, handshake: Handshake, request_id: str) -> bool:
        if self._authorizer is None:
            raise Malformed("no authorizer is declared for the WebSocket API: add one under functions/")
        event = socket_event.authorizer(handshake, request_id)
        answer = await self._invoker.call(self._authorizer, event, request_id, self._seconds(self._authorizer))
        handshake.authorizer = policy.read(answer, socket_event.CONNECT_ARN)
        return handshake.authorizer is not None

    async def _connect(self, handshake: Handshake, request_id: str) -> tuple[int, str]:
        function = self._functions.get("$connect")
        if function is None:
            return 200, ""
        try:
            event = socket_event.connect(handshake, request_id)
            result = await self._invoker.call(function, event, request_id, self._seconds(function))
            status, body = read_result(result)
        except Exception as e:
            access_log.failure(function.spec.name, request_id, e)
            return 502, "Internal server error"
        return (status, "") if 200 <= status < 300 else (status, body or HTTPStatus(status).phrase)

    # ── Open ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, PeerConnection)
        peer = connection.peer
        self.peers.add(peer)
        timer = asyncio.create_task(self._expire(peer))
        slots = asyncio.Semaphore(self._limits.in_work)
        try:
            async for text in connection:
                if isinstance(text, bytes):
                    await peer.close(1003, "Binary frames are not supported")
                    break
                peer.touch()
                await slots.acquire()
                self._start(self._message(peer, text), slots.release)
        except ConnectionClosed:
            pass
        finally:
            timer.cancel()
            self.peers.remove(peer)
            await self._disconnect(peer)

    def _start(self, work: Awaitable[None], done: Callable[[], None]) -> None:
        async def run() -> None:
            try:
                await work
            finally:
                done()

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expire(self, peer: Peer) -> None:
        """Close the connection when it has been idle for too long, or open for too long."""
        end = monotonic() + self._limits.life_seconds
        while (now := monotonic()) < (until := min(end, peer.last_active + self._limits.idle_seconds)):
            await asyncio.sleep(until - now)
        await peer.close(1001, "Going away")

    async def _message(self, peer: Peer, text: str) -> None:
        started, request_id = perf_counter(), socket_event.new_id()
        function = self._route(text)
        if function is None:
            await peer.send(_error("Forbidden", peer.handshake, request_id))
            access_log.access("MESSAGE", "-", 403, perf_counter() - started, request_id)
            return
        status, reply = await self._invoke(function, peer, text, request_id)
        if reply:
            await peer.send(reply)
        access_log.access("MESSAGE", function.spec.action, status, perf_counter() - started, request_id)

    def _route(self, text: str) -> Socket | None:
        """By `$request.body.action`; what is not JSON, names no action or an unknown one goes to `$default`."""
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        action = body.get("action") if isinstance(body, dict) else None
        function = self._functions.get(action) if isinstance(action, str) and action not in LIFECYCLE else None
        return function or self._functions.get("$default")

    async def _invoke(self, function: Socket, peer: Peer, text: str, request_id: str) -> tuple[int, str]:
        """The status for the log, and what to send back; an error frame when the function failed."""
        event = socket_event.message(peer.handshake, function.spec.action, request_id, text)
        try:
            result = await self._invoker.call(function, event, request_id, self._seconds(function))
            status, body = read_result(result)
            if len(body.encode()) > self._limits.message_bytes:
                raise Malformed("the answer is longer than 128 KB")
            return status, body
        except FunctionTimeout as e:
            access_log.failure(function.spec.name, request_id, e)
            return 504, _error("Endpoint request timed out", peer.handshake, request_id)
        except Exception as e:
            access_log.failure(function.spec.name, request_id, e)
            return 500, _error("Internal server error", peer.handshake, request_id)

    async def _disconnect(self, peer: Peer) -> None:
        """Best effort: told once, and a failure is only logged."""
        function = self._functions.get("$disconnect")
        if function is None:
            return
        started, request_id = perf_counter(), socket_event.new_id()
        event = socket_event.disconnect(peer.handshake, request_id, *peer.closed_with())
        status = 200
        try:
            await self._invoker.call(function, event, request_id, self._seconds(function))
        except Exception as e:
            status = 500
            access_log.failure(function.spec.name, request_id, e)
        access_log.access("DISCONNECT", "$disconnect", status, perf_counter() - started, request_id)

    def _seconds(self, function: Socket | Authorizer) -> float:
        return min(function.spec.timeout, self._limits.integration_seconds)


def read_result(result: Any) -> tuple[int, str]:
    """`statusCode` and `body` of a route's answer, the body empty when there is none; raises Malformed."""
    if not isinstance(result, dict) or "statusCode" not in result:
        raise Malformed("a WebSocket route must answer {'statusCode': …}")
    response = http_response.parse(result)
    try:
        return response.status, response.body.decode()
    except UnicodeDecodeError as e:
        raise Malformed("the answer is not text, and this API carries text frames only") from e


def _error(text: str, handshake: Handshake, request_id: str) -> str:
    return json.dumps({"message": text, "connectionId": handshake.id, "requestId": request_id}, separators=(",", ":"))


def _refuse(connection: ServerConnection, handshake: Handshake, request_id: str, status: int, text: str) -> Response:
    response = connection.respond(status, _error(text, handshake, request_id))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response
