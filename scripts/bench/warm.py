"""The shell's own price: a warm call of a route with a validated body and no database, against FastAPI + Mangum."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from slipway import ids

from scripts.bench import event, samples
from scripts.bench.report import Figure

TURNS, CALLS = 30, 300
TARGET = 0.2

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def run() -> list[Figure]:
    from scripts.bench.echo_route import echo
    from scripts.bench.reference_fastapi import handler

    given = request()
    same_answer(echo(given, None), handler(given, None))
    found = samples.in_turn(
        TURNS, {"ours": lambda: microseconds(echo, given), "fastapi": lambda: microseconds(handler, given)}
    )
    ours, reference = found["ours"], found["fastapi"]
    by_reference = samples.ratio(ours, reference)
    return [
        Figure("ours ÷ FastAPI + Mangum", by_reference.text(), f"≤ {TARGET}", by_reference.median <= TARGET),
        Figure("ours", samples.spread(ours).text("µs", 0)),
        Figure("FastAPI + Mangum", samples.spread(reference).text("µs", 0)),
    ]


def request() -> dict[str, Any]:
    """The event of the echo route, which is that of the projects' route with another path."""
    given = event.create_project(ids.new(), ids.new(), ids.new(), {"name": "Project"})
    path = f"/v1/echo/{given['pathParameters']['workspace_id']}"
    given["requestContext"]["http"]["path"] = path
    return given | {"rawPath": path}


def same_answer(ours: dict[str, Any], reference: dict[str, Any]) -> None:
    """A reference that does less work would flatter us, one that does other work would prove nothing."""
    fields = [{**json.loads(answer["body"]), "created_at": "", "updated_at": ""} for answer in (ours, reference)]
    if fields[0] != fields[1] or ours["statusCode"] != reference["statusCode"]:
        raise RuntimeError(f"the answers differ: {ours} and {reference}")
    if missing := ours["headers"].keys() - reference["headers"].keys():
        raise RuntimeError(f"the reference's answer lacks the headers {sorted(missing)}")


def microseconds(handler: Handler, given: dict[str, Any]) -> float:
    """Of one call, as the mean of CALLS."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        handler(given, None)
    return (time.perf_counter() - begin) / CALLS * 1e6
