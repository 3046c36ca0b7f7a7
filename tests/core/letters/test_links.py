from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import pytest
from slipway import settings
from slipway.letters import links


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    def choose(web: str, public: str) -> None:
        monkeypatch.setenv("SLIPWAY_WEB_URL", web)
        monkeypatch.setenv("SLIPWAY_PUBLIC_URL", public)
        settings.reset()

    yield choose
    settings.reset()


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (links.verify_email, "/verify-email"),
        (links.reset_password, "/reset-password"),
        (links.invitation, "/invitations"),
    ],
)
def test_a_link_leads_to_its_page_and_keeps_the_token_from_servers(
    at: Callable[[str, str], None], make: Callable[[str], str], path: str
) -> None:
    at("https://app.example.com/", "https://api.example.com")
    parts = urlsplit(make("a.b-c_d"))
    assert (parts.scheme, parts.netloc, parts.path, parts.query) == ("https", "app.example.com", path, "")
    assert parts.fragment == "token=a.b-c_d"


def test_without_a_web_app_of_its_own_links_lead_to_the_public_url(at: Callable[[str, str], None]) -> None:
    at("", "http://127.0.0.1:8000")
    assert links.verify_email("t") == "http://127.0.0.1:8000/verify-email#token=t"


def test_no_token_ends_a_link_or_its_line(at: Callable[[str, str], None]) -> None:
    at("", "http://127.0.0.1:8000")
    link = links.reset_password("a b&c#d\ne")
    assert not set(link) & set(" \n") and link.count("#") == 1 and "&" not in link
    assert unquote(urlsplit(link).fragment) == "token=a b&c#d\ne"
