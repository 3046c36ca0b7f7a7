from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from slipway.oidc import providers
from slipway.oidc.providers import BadProviders, secure

from stacks.local.machine import Machine
from tests.api import Api

GOOGLE = {
    "id": "google",
    "name": "Google",
    "issuer": "https://accounts.google.com",
    "client_id": "c",
    "client_secret": "hush",
}


def test_the_list_shows_ids_and_names_and_no_secret(
    api: Api, machine: Machine, configure: Callable[[str], None]
) -> None:
    configure("")
    assert api.call("GET /v1/oidc").json["data"] == []
    configure(json.dumps([GOOGLE, {**GOOGLE, "id": "own", "name": "Own"}]))
    answer = api.call("GET /v1/oidc")
    assert answer.json["data"] == [{"id": "google", "name": "Google"}, {"id": "own", "name": "Own"}]
    assert b"hush" not in answer.content


WRONG: list[Any] = [
    "{", "{}", '[{"id": "google"}]',
    [{**GOOGLE, "id": "Google"}],
    [{**GOOGLE, "issuer": "http://accounts.google.com"}],
    [{**GOOGLE, "issuer": "https://a.example/?x=1"}],
    [{**GOOGLE, "client_id": ""}],
    [{**GOOGLE, "unknown": 1}],
    [GOOGLE, GOOGLE],
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_setting_that_cannot_be_read_says_where_and_no_secret(
    wrong: Any, machine: Machine, configure: Callable[[str], None], granted: None
) -> None:
    configure(wrong if isinstance(wrong, str) else json.dumps(wrong))
    with pytest.raises(BadProviders, match="SLIPWAY_OIDC") as raised:
        providers.configured()
    assert "hush" not in str(raised.value)
    configure(json.dumps([GOOGLE]))
    assert providers.find("google").client_secret == "hush"


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example:8443/t?x=1", "http://127.0.0.1:1/", "http://localhost/x"]
)
def test_what_is_said_to_a_secure_url_stays_a_secret(url: str) -> None:
    assert secure(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example", "ftp://a.example", "https://", "https://user@a.example", "https://a.example/#f", "https://a.example:x/",
        "http://127.0.0.1.a.example/", "https://a.example/ x", "https://a.example/\n", "//a.example",
    ],
)  # fmt: skip
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        secure(url)


def test_plain_http_is_for_an_issuer_on_this_machine_alone() -> None:
    with pytest.raises(ValueError):
        secure("http://127.0.0.1:1/", loopback=False)
