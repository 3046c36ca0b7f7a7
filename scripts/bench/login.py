"""Logging in: the handler's whole path, from event to session, against nothing but the password's verification."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psycopg
from slipway import discover, passwords

from scripts.bench import event, samples
from scripts.bench.ground import Ground, ground
from scripts.bench.report import Figure
from scripts.bench.warm import Handler

TURNS, CALLS = 30, 3
TARGET = 1.05
EMAIL, PASSWORD = "bench@example.com", "correct horse battery"


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as here:
        password_hash = passwords.hashed(PASSWORD)
        register(here, password_hash)
        login = cast(Handler, next(route for route in discover.routes() if route.spec.name == "accounts_login"))
        given = request(here)
        variants: dict[str, Callable[[], float]] = {
            "login": lambda: milliseconds(lambda: accepted(login(given, None))),
            "verify": lambda: milliseconds(lambda: accepted(passwords.matches(password_hash, PASSWORD))),
        }
        for warm_up in variants.values():
            warm_up()
        found = samples.in_turn(TURNS, variants)
    ratio = samples.ratio(found["login"], found["verify"])
    return [
        Figure("login ÷ argon2 verification", ratio.text(), f"≤ {TARGET}", ratio.median <= TARGET),
        Figure("login", samples.spread(found["login"]).text("ms", 1)),
        Figure("argon2 verification", samples.spread(found["verify"]).text("ms", 1)),
    ]


def register(here: Ground, password_hash: str) -> None:
    with psycopg.connect(here.superuser_url) as connection:
        connection.execute("update users set password_hash = %s where email = %s", (password_hash, EMAIL))


def request(here: Ground) -> dict[str, Any]:
    """The event of a login, which is that of the projects' route with another path and body."""
    body = {"email": EMAIL, "password": PASSWORD}
    given = event.create_project(here.workspace_id, here.user_id, here.session_id, body)
    path = "/v1/auth/login"
    given["requestContext"]["http"]["path"] = path
    del given["requestContext"]["authorizer"], given["pathParameters"]
    return given | {"rawPath": path, "routeKey": f"POST {path}"}


def accepted(answer: Any) -> None:
    """A refusal would be measured as a login."""
    if answer is not True and answer["statusCode"] != 200:
        raise RuntimeError(f"the login was refused: {answer}")


def milliseconds(call: Any) -> float:
    """Of one call, as the mean of CALLS."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - begin) / CALLS * 1e3
