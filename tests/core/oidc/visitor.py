"""Somebody who logs in with a provider: what the web app and the browser do."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from slipway.oidc import redirects, tickets

from tests.api import Api, Person, Response
from tests.core.oidc.issuer import Issuer

BINDING = "b" * 43


@dataclass
class Visitor:
    api: Api
    issuer: Issuer

    def start(self, redirect_uri: str | None = None, provider: str = "test") -> Response:
        body = {"redirect_uri": redirect_uri or redirects.web_app(), "binding_hash": tickets.hashed(BINDING)}
        return self.api.call("POST /v1/oidc/{provider}/start", body, provider=provider)

    def come_back(self, started: Response, **claims: Any) -> dict[str, str]:
        """Log in at the provider, over HTTP as a browser does; what the callback's query says."""
        if claims:
            self.issuer.person = claims
        url = urlsplit(started.json["authorization_url"])
        connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=10)
        connection.request("GET", f"{url.path}?{url.query}")
        answer = connection.getresponse()
        assert answer.status == 302
        connection.close()
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def exchange(self, back: dict[str, str], binding: str = BINDING, provider: str = "test") -> Response:
        return self.api.call("POST /v1/oidc/{provider}/exchange", {**back, "binding": binding}, provider=provider)

    def assertion(self, **claims: Any) -> str:
        given = self.exchange(self.come_back(self.start(), **claims))
        assert given.status == 200, given.content
        text: str = given.json["assertion"]
        return text

    def enter(self, assertion: str) -> Response:
        return self.api.call("POST /v1/oidc/sessions", {"assertion": assertion})

    def log_in(self, **claims: Any) -> Response:
        return self.enter(self.assertion(**claims))

    def person(self, **claims: Any) -> Person:
        """Logged in."""
        session = self.log_in(**claims)
        assert session.status == 200, session.content
        return Person(session.json["access_token"], session.json["refresh_token"], session.json["user"])
