from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stacks.local import signature

KEYS = {"access_key": "KEY", "secret_key": "secret"}
TARGET = "/@connections/a%3D?x=1"


def signed(service: str = "execute-api", **extra: str) -> dict[str, str]:
    request = AWSRequest(method="POST", url=f"http://127.0.0.1:1{TARGET}", data=b"body", headers=extra)
    SigV4Auth(Credentials("KEY", "secret"), service, "local").add_auth(request)
    return {"host": "127.0.0.1:1", **{name.lower(): value for name, value in request.headers.items()}}


def test_what_was_signed_is_accepted() -> None:
    assert signature.verify("POST", TARGET, signed(), b"body", **KEYS)
    assert signature.verify("POST", TARGET, signed(**{"X-Amz-Target": "a"}), b"body", **KEYS)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("DELETE", TARGET, b"body"),
        ("POST", "/@connections/b%3D?x=1", b"body"),
        ("POST", "/@connections/a%3D?x=2", b"body"),
        ("POST", TARGET, b"other"),
        ("POST", TARGET, b""),
    ],
)
def test_a_changed_request_is_refused(method: str, target: str, body: bytes) -> None:
    assert not signature.verify(method, target, signed(), body, **KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": ""},
        {"authorization": "AWS4-HMAC-SHA256 Credential=KEY"},
        {"authorization": "Bearer x"},
        {"host": "evil.example"},
        {"x-amz-date": ""},
        {"x-amz-date": "yesterday"},
        {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"},
    ],
)
def test_a_changed_header_is_refused(change: dict[str, str]) -> None:
    assert not signature.verify("POST", TARGET, signed() | change, b"body", **KEYS)


def test_an_unsigned_host_is_refused() -> None:
    headers = signed()
    headers["authorization"] = headers["authorization"].replace("host;", "")
    assert not signature.verify("POST", TARGET, headers, b"body", **KEYS)


def test_another_service_or_key_is_refused() -> None:
    assert not signature.verify("POST", TARGET, signed("sqs"), b"body", **KEYS)
    assert not signature.verify("POST", TARGET, signed(), b"body", access_key="KEY", secret_key="other")
    assert not signature.verify("POST", TARGET, signed(), b"body", access_key="OTHER", secret_key="secret")


@pytest.mark.parametrize(("minutes", "accepted"), [(4, True), (-4, True), (6, False), (-6, False)])
def test_a_signature_lives_five_minutes(minutes: int, accepted: bool) -> None:
    headers = signed()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        assert signature.verify("POST", TARGET, headers, b"body", **KEYS) is accepted
