from __future__ import annotations

import socket
import ssl
import time

import pytest
from slipway.oidc import outgoing
from slipway.oidc.outgoing import Unreachable

from tests.core.oidc.issuer import Issuer

DOCUMENT = "/.well-known/openid-configuration"


def test_a_document_is_fetched(issuer: Issuer) -> None:
    assert outgoing.document(issuer.url + DOCUMENT)["issuer"] == issuer.url


@pytest.mark.parametrize(
    ("how", "said"),
    [("redirects", "redirects"), ("is huge", "more than"), ("fails", "answered 500"), ("says nonsense", "no object")],
)
def test_an_answer_that_is_none_says_why(issuer: Issuer, how: str, said: str) -> None:
    issuer.wrong = f"{DOCUMENT} {how}"
    with pytest.raises(Unreachable, match=said):
        outgoing.document(issuer.url + DOCUMENT)
    assert issuer.asked == [DOCUMENT]


def test_bytes_that_come_one_by_one_do_not_buy_time(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.5)
    issuer.wrong = f"{DOCUMENT} drips"
    began = time.monotonic()
    with pytest.raises(Unreachable):
        outgoing.document(issuer.url + DOCUMENT)
    assert time.monotonic() - began < 3
    issuer.wrong = ""
    assert outgoing.document(issuer.url + DOCUMENT), "the next call has its own time"


def test_a_tls_handshake_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unreachable):
        outgoing.document(f"https://127.0.0.1:{listener.getsockname()[1]}/")


def test_who_cannot_prove_its_name_is_not_talked_to(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[ssl.SSLContext] = []
    make = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: contexts.append(made := make()) or made)
    with pytest.raises(Unreachable):
        outgoing.document(issuer.url.replace("http:", "https:"))
    assert contexts and all(c.check_hostname and c.verify_mode is ssl.CERT_REQUIRED for c in contexts)


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable):
        outgoing.document(f"http://127.0.0.1:{port}/")
