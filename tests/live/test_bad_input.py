from __future__ import annotations

import json

import pytest

from scripts.client import Client, Problem
from tests.live.conftest import Platform


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("POST", "/v1/teams", b"{", {"content-type": "application/json"}, 400, "invalid_json"),
        ("POST", "/v1/teams", b"\xff\xfe", {"content-type": "application/json"}, 400, "invalid_json"),
        (
            "POST",
            "/v1/teams",
            b"a=b",
            {"content-type": "application/x-www-form-urlencoded"},
            415,
            "unsupported_media_type",
        ),
        ("POST", "/v1/teams", {}, {}, 422, "invalid"),
        ("POST", "/v1/teams", {"name": "x", "plan": "free"}, {}, 422, "invalid"),
        ("POST", "/v1/teams", {"name": "a\u0000b"}, {}, 422, "invalid"),
        ("POST", "/v1/teams", {"name": "x" * 1000}, {}, 422, "invalid"),
        ("POST", "/v1/teams", [], {}, 422, "invalid"),
        ("GET", "/v1/projects/prj_nonsense", None, {}, 404, "not_found"),
        ("GET", "/v1/projects/prj_01m7z6jc17e1zb1ax04b0aqvb1", None, {}, 404, "not_found"),
        ("GET", "/v1/teams?limit=0", None, {}, 422, "invalid"),
        ("GET", "/v1/teams?limit=1000", None, {}, 422, "invalid"),
        ("GET", "/v1/teams?cursor=%21%21", None, {}, 422, "invalid"),
    ],
)
def test_bad_requests_get_a_problem_with_a_stable_code(
    client: Client, method: str, path: str, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.send(method, path, body, headers)
    assert (answer.status, answer.json.get("code")) == (status, code), answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e/x", "a//b", "/abs", "a%00b", "a%5cb", "nul", ".git/config", "x" * 300, "%ff%fe"],
)
def test_bad_file_paths_are_refused(client: Client, path: str) -> None:
    project = client.project("P")
    answer = client.send("PUT", f"/v1/projects/{project['id']}/files/{path}", b"x")
    assert answer.status in (400, 404, 422), answer.content
    assert client.call("GET", f"/v1/projects/{project['id']}/files")["data"] == []


def test_a_file_above_the_limit_is_refused_with_the_limit(client: Client) -> None:
    project = client.project("P")
    answer = client.send("PUT", f"/v1/projects/{project['id']}/files/big", b"x" * (4 * 2**20 + 1))
    assert (answer.status, answer.json["code"], answer.json["allowed"]) == (413, "too_large", 4 * 2**20)
    assert client.save(project["id"], "fits", b"x" * 4 * 2**20)["size"] == 4 * 2**20
    read = client.send("GET", f"/v1/projects/{project['id']}/files/fits")
    assert (read.status, len(read.content)) == (200, 4 * 2**20)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "slp_run_nonsense"])
def test_bad_tokens_are_refused(platform: Platform, token: str) -> None:
    client = platform.client()
    client.token = token
    answer = client.send("GET", "/v1/me")
    assert answer.status == 401, answer.content


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid"),
        ('{"action": "nonsense"}', "unknown_action"),
        ('{"action": "room.subscribe"}', "invalid"),
        ('{"action": "room.subscribe", "room": "usr_01m7z6jc17e1zb1ax04b0aqvb1"}', "invalid"),
        ('{"action": "room.subscribe", "room": "run_01m7z6jc17e1zb1ax04b0aqvb1"}', "not_found"),
        ('{"action": "room.subscribe", "room": "run_01m7z6jc17e1zb1ax04b0aqvb1", "extra": 1}', "invalid"),
        ('{"action": "ping", "extra": 1}', "invalid"),
    ],
)
def test_bad_frames_get_an_error_frame(client: Client, frame: str, code: str) -> None:
    socket = client.socket()
    socket.connection.send(frame)
    answer = json.loads(socket.connection.recv(timeout=10))
    assert (answer["ok"], answer["error"]["code"]) == (False, code), answer
    assert socket.ask("ping")["data"] == "pong"
    socket.close()


def test_a_socket_ticket_works_once(client: Client) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    ticket = client.call("POST", "/v1/socket/tickets")
    with connect(ticket["url"]):
        pass
    with pytest.raises(InvalidStatus) as refused, connect(ticket["url"]):
        pass
    assert refused.value.response.status_code in (401, 403)


def test_a_run_without_files_or_with_an_unknown_entry_is_refused(client: Client) -> None:
    project = client.project("P")
    with pytest.raises(Problem, match="no_files"):
        client.call("POST", f"/v1/projects/{project['id']}/runs", {})
    client.save(project["id"], "main.py", b"")
    with pytest.raises(Problem, match="entry"):
        client.call("POST", f"/v1/projects/{project['id']}/runs", {"entry": "other.py"})


@pytest.mark.parametrize("body", [{"language": "cobol"}, {}])
def test_a_program_that_cannot_be_started_ends_with_a_reason(client: Client, body: dict[str, str]) -> None:
    project = client.project("P")
    client.save(project["id"], "notes.txt", b"no program")
    run = client.call("POST", f"/v1/projects/{project['id']}/runs", body)
    ended = client.wait(run["id"], 30)
    assert ended["status"] == "never_started", ended
    assert ended["reason"]
