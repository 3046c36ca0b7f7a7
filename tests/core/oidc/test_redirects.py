from __future__ import annotations

import pytest
from slipway import settings
from slipway.oidc import redirects

from stacks.local.machine import Machine


@pytest.fixture
def web(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_WEB_URL", "https://app.example.com/")
    settings.reset()


ALLOWED = [
    "https://app.example.com/oidc/callback",
    "http://127.0.0.1:5000/any/path",
    "http://localhost/",
    "http://[::1]:8/x",
]
REFUSED = [
    "https://app.example.com/oidc/callback/", "https://app.example.com/oidc/callback?x=1", "https://app.example.com/",
    "https://app.example.com.evil.example/oidc/callback", "https://app.example.com@evil.example/oidc/callback",
    "http://app.example.com/oidc/callback", "https://127.0.0.1/x", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/",
    "http://user@127.0.0.1/",
    "http://evil.example/127.0.0.1", "http://127.0.0.1:80:90/", "http://127.0.0.1/?next=x", "http://127.0.0.1/#x", "http://127.1/",
    "http://[::1/", "http://localhost.evil.example/", "javascript:alert(1)", "",
]  # fmt: skip


@pytest.mark.parametrize("uri", ALLOWED)
def test_the_web_app_and_this_machine_may_be_sent_back_to(web: None, uri: str) -> None:
    assert redirects.allowed(uri)


@pytest.mark.parametrize("uri", REFUSED)
def test_nothing_else_may(web: None, uri: str) -> None:
    assert not redirects.allowed(uri)


def test_without_a_web_app_of_its_own_it_is_at_the_public_url(machine: Machine) -> None:
    assert redirects.web_app() == f"{machine.public_url}/oidc/callback"
