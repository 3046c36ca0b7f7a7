"""The custom resource, against a real HTTP listener in CloudFormation's place."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest

from stacks import invoke_on_deploy
from stacks.environment import ROOT

EVENT = {
    "RequestType": "Update",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Step",
    "ResourceProperties": {"Function": "arn:migrate:live", "DetailType": "Migrate", "Phase": "pre", "Digest": "1"},
}


class Lambda:
    """Answers Invoke as boto3 does."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return self.answer


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            got[-1]["type"] = self.headers["content-type"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    thread.join()
    server.server_close()


def run(
    monkeypatch: pytest.MonkeyPatch, url: str, answer: dict[str, Any], kind: str = "Update"
) -> list[dict[str, Any]]:
    fake = Lambda(answer)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: fake)
    invoke_on_deploy.handler({**EVENT, "RequestType": kind, "ResponseURL": url}, None)
    return fake.asked


def test_a_migration_that_succeeds_lets_the_deploy_go_on(
    monkeypatch: pytest.MonkeyPatch, cloudformation: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = cloudformation
    (asked,) = run(monkeypatch, url, {"StatusCode": 200})
    assert json.loads(asked["Payload"]) == {
        "source": "slipway.deploy",
        "detail-type": "Migrate",
        "detail": {"phase": "pre"},
    }
    assert [(answer["Status"], answer["type"]) for answer in got] == [("SUCCESS", "")]


def test_a_migration_that_fails_stops_the_deploy_and_says_why(
    monkeypatch: pytest.MonkeyPatch, cloudformation: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = cloudformation
    run(monkeypatch, url, {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"column exists")})
    assert got[0]["Status"] == "FAILED"
    assert "column exists" in got[0]["Reason"]


def test_taking_the_environment_down_migrates_nothing(
    monkeypatch: pytest.MonkeyPatch, cloudformation: tuple[str, list[dict[str, Any]]]
) -> None:
    url, got = cloudformation
    assert run(monkeypatch, url, {"FunctionError": "Unhandled"}, kind="Delete") == []
    assert got[0]["Status"] == "SUCCESS"


def test_the_source_fits_into_a_template() -> None:
    assert len((ROOT / "stacks" / "invoke_on_deploy.py").read_bytes()) <= 4096
