"""`python -m scripts.bench.first_call ours|fastapi|bare`: import and answer one event in a fresh process.

The event comes on stdin; JSON with the milliseconds of wall and CPU time from the first import to the answer goes to
stdout. What Lambda's own runtime has loaded by then (json, importlib) is loaded here too before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

VARIANTS = {
    "ours": ("functions.http.projects.create", "create"),
    "fastapi": ("scripts.bench.reference_fastapi", "handler"),
}


def answer(variant: str, event: dict[str, Any]) -> int:
    """The status of the first answer; the bare variant has none and imports only what both others need."""
    if variant == "bare":
        import psycopg  # noqa: F401
        from aws_lambda_powertools import Logger  # noqa: F401
        from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError  # noqa: F401

        return 201
    module, attribute = VARIANTS[variant]
    status: int = getattr(import_module(module), attribute)(event, None)["statusCode"]
    return status


def main() -> None:
    event = json.loads(sys.stdin.read())
    wall, cpu = time.perf_counter(), time.process_time()
    status = answer(sys.argv[1], event)
    times = {"wall": (time.perf_counter() - wall) * 1000, "cpu": (time.process_time() - cpu) * 1000}
    print(json.dumps({"status": status, **times}))


if __name__ == "__main__":
    main()
