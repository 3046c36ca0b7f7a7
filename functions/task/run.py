"""Run one job of a project in a sandbox."""

from __future__ import annotations

from slipway.task import task

PORT = 9000


@task(cpu=1024, memory=2048, port=PORT)
def run() -> None:
    from slipway_sandbox.worker import serve

    raise SystemExit(serve(f"auto:{PORT}"))
