"""A small client of the public HTTP and WebSocket APIs: what the demo, the live tests and the benchmarks speak."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]


class Problem(Exception):
    """An answer of 400 or more; `document` is its problem document."""

    def __init__(self, status: int, document: Json) -> None:
        super().__init__(f"{status} {document.get('code', '')}: {document.get('detail', document.get('message', ''))}")
        self.status = status
        self.document = document


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """One kept-alive connection, used by one thread."""

    def __init__(self, base_url: str, token: str = "", timeout: float = 35) -> None:
        parts = urlsplit(base_url)
        self.base_url, self.token, self.timeout = base_url, token, timeout
        self._http = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Any status; `body` bytes go as they are, anything else as JSON. Each POST is a new one, unless its header says
        that it is a retry."""
        given = {"idempotency-key": uuid.uuid4().hex} if method == "POST" else {}
        given |= headers or {}
        if self.token:
            given["authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        elif body is not None:
            given.setdefault("content-type", "application/octet-stream")
        try:
            self._http.request(method, path, body, given)
            response = self._http.getresponse()
            content = response.read()
        except (http.client.HTTPException, OSError):
            self._http.close()
            raise
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON of a success, or Problem."""
        answer = self.send(method, path, body, headers)
        if answer.status >= 400:
            raise Problem(answer.status, answer.json)
        return answer.json if answer.content else None

    def register(self, name: str) -> Json:
        """A new person; the client speaks for them from now on."""
        email = f"{name.lower()}-{time.time_ns()}@example.com"
        session: Json = self.call(
            "POST", "/v1/auth/register", {"email": email, "password": "correct horse battery", "name": name}
        )
        self.token = session["access_token"]
        return session

    def project(self, name: str) -> Json:
        """A project in a new team and workspace."""
        team = self.call("POST", "/v1/teams", {"name": f"{name}'s team"})
        workspace = self.call("POST", f"/v1/teams/{team['id']}/workspaces", {"name": "Main"})
        project: Json = self.call("POST", f"/v1/workspaces/{workspace['id']}/projects", {"name": name})
        return project

    def save(self, project_id: str, path: str, content: bytes) -> Json:
        saved: Json = self.call("PUT", f"/v1/projects/{project_id}/files/{quote(path)}", content)
        return saved

    def wait(self, run_id: str, seconds: float = 60) -> Json:
        """The run when it has ended; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run: Json = self.call("GET", f"/v1/runs/{run_id}")
            if run["finished_at"]:
                return run
            time.sleep(0.05)
        raise TimeoutError(f"{run_id} is still {run['status']} after {seconds} s: {run}")

    def socket(self) -> Socket:
        ticket = self.call("POST", "/v1/socket/tickets")
        return Socket(connect(ticket["url"], close_timeout=2, max_size=None, legacy=True))


@dataclass
class Socket:
    """One WebSocket connection: messages with answers, and rooms whose events come in order and without gaps."""

    connection: ClientConnection
    events: list[Json] = field(default_factory=list)
    last_id: int = 0

    def ask(self, action: str, **fields: Any) -> Json:
        """Send a message and wait for its answer; events that come meanwhile are kept."""
        self.last_id += 1
        self.connection.send(json.dumps({"action": action, "id": self.last_id, **fields}))
        while True:
            message: Json = json.loads(self.connection.recv(timeout=30))
            if message.get("id") == self.last_id:
                if not message["ok"]:
                    raise Problem(message["error"]["status"], message["error"])
                return message
            self.events.append(message)

    def follow(self, room: str, after: int | None = 0, timeout: float = 60) -> Iterator[Json]:
        """A room's events after a number, in order; a gap is filled by asking again."""
        last, waiting = after, {}
        deadline = time.monotonic() + timeout
        for event in self._missed(room, last):
            last = event["seq"]
            yield event
        while time.monotonic() < deadline:
            for event in self._received(room):
                waiting[event["seq"]] = event
            if last is None and waiting:
                last = min(waiting) - 1
            while last is not None and last + 1 in waiting:
                last += 1
                yield waiting.pop(last)
            waiting = {seq: event for seq, event in waiting.items() if last is None or seq > last}
            if waiting:
                for event in self._missed(room, last):
                    waiting[event["seq"]] = event
                continue
            try:
                self.events.append(json.loads(self.connection.recv(timeout=max(0.0, deadline - time.monotonic()))))
            except TimeoutError:
                break
        raise TimeoutError(f"no further event of {room} within {timeout} s")

    def close(self) -> None:
        self.connection.close()

    def _missed(self, room: str, after: int | None) -> Iterator[Json]:
        while True:
            data = self.ask("room.subscribe", room=room, after=after)["data"]
            for event in data["events"]:
                after = event["seq"]
                yield {**event, "event": event["type"], "room": room}
            if not data["has_more"]:
                return

    def _received(self, room: str) -> list[Json]:
        mine = [event for event in self.events if event.get("room") == room]
        self.events = [event for event in self.events if event.get("room") != room]
        return mine
