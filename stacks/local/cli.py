"""`slipway up | down | status | doctor | logs | operator | plan | usage | audit | rotate-keys`: one machine from here.

Exit codes: 0 done (up: ended by Ctrl-C or SIGTERM) · 1 not running, or something needed is missing · 2 wrong usage ·
3 cannot start, and the last line on stderr says why and how to mend it. `--json` prints JSON instead of a table.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

import typer

from stacks.local import audit_command, operator_command, plan_command, rotate_command, usage_command
from stacks.local.machine import Machine

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
app.add_typer(operator_command.app, name="operator")
app.add_typer(plan_command.app, name="plan")
app.add_typer(usage_command.app, name="usage")
app.add_typer(audit_command.app, name="audit")
NOT_RUNNING, CANNOT_START = 1, 3

Data = Annotated[Path, typer.Option(help="Folder of everything that is kept.", resolve_path=True)]
Port = Annotated[int, typer.Option(help="HTTP; the WebSocket API takes the two after it.", min=1, max=65533)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
DATA, PORT = Path("data"), 8000


@app.command()
def up(
    data: Data = DATA,
    port: Port = PORT,
    workers: Annotated[int | None, typer.Option(help="Warm sandbox workers; by default one per core.", min=1)] = None,
    http_processes: Annotated[
        int | None,
        typer.Option(help="Processes of the HTTP API; by default one per core, at most 4.", min=1),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(envvar="DATABASE_URL", help="Another PostgreSQL; its role may create roles and databases."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(envvar="ALLOW_ORIGINS", help="Origin of a web app that may call the API (CORS); repeatable."),
    ] = None,
    no_mail_page: Annotated[bool, typer.Option("--no-mail-page", help="Show nobody the letters at /mail.")] = False,
    as_json: Json = False,
) -> None:
    """Start everything and stay until Ctrl-C or SIGTERM, which leave nothing behind."""
    from stacks.local import up as story

    os.environ.pop("DATABASE_URL", None)  # it opens everything: not for the processes that we start
    origins = tuple(origin_of(text) for text in allow_origin or ())
    workers = workers or max(2, min(8, os.cpu_count() or 2))
    choices = story.Choices(
        data, port, workers, http_processes or story.default_http_processes(), database_url, not no_mail_page, origins
    )
    try:
        asyncio.run(story.run(choices, lambda line: typer.echo(line, err=as_json), lambda m: show(facts(m), as_json)))
    except story.REFUSALS as error:
        fail(str(error), CANNOT_START)


@app.command()
def down(data: Data = DATA, as_json: Json = False) -> None:
    """End the `slipway up` of a data folder, and wait for its end."""
    from stacks.local import down as story

    try:
        pid = story.run(data)
    except story.StillRunning as error:
        fail(str(error), NOT_RUNNING)
    if as_json:
        typer.echo(json.dumps({"stopped": pid}))
    else:
        typer.echo(f"slipway up (pid {pid}) has ended" if pid else f"nothing runs on {data}")


@app.command()
def status(data: Data = DATA, as_json: Json = False) -> None:
    """What runs on a data folder; exit code 1 when it is not running or not healthy."""
    from stacks.local import doctor, lock, machine

    pid = lock.holder(data)
    if pid is None:
        show({"data": str(data), "running": False}, as_json)
        raise typer.Exit(NOT_RUNNING)
    here = machine.load(data)
    health = doctor.get(f"{here.public_url}/health")
    show({"running": True, "pid": pid, "health": health, **facts(here)}, as_json)
    raise typer.Exit(0 if health == "200" else NOT_RUNNING)


@app.command()
def doctor(data: Data = DATA, port: Port = PORT, as_json: Json = False) -> None:
    """Look at all that is needed here, with a remedy for what is missing; exit code 1 when a needed thing is."""
    from stacks.local import doctor as story

    findings = story.examine(data, port)
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps({"findings": [asdict(f) for f in findings]}, indent=1))
    for f in () if as_json else findings:
        mark = "ok     " if f.ok else "MISSING" if f.needed else "without"
        typer.echo(f"{mark} {f.name:<12} {f.found}" + ("" if f.ok else f"\n{'':<20} → {f.remedy}"))
    if any(f.needed and not f.ok for f in findings):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(help="http, websocket, consumers, workers or postgres; all without it.")
    ] = None,
    data: Data = DATA,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the last lines.", min=0)] = 50,
    as_json: Json = False,
) -> None:
    """The last lines of the logs; with --json each as {"log": …, "line": …}."""
    from stacks.local import logs as story

    try:
        for log, line in story.read(data / "logs", name, lines, follow):
            typer.echo(
                json.dumps({"log": log, "line": line}) if as_json else line if log == name else f"{log:<10} {line}"
            )
    except story.NoSuchLog as error:
        fail(str(error), NOT_RUNNING)
    except KeyboardInterrupt:  # how one ends --follow
        return


app.command("rotate-keys")(rotate_command.rotate_keys)


def origin_of(text: str) -> str:
    """As browsers send it: scheme, host and port, and nothing after them."""
    parts = urlsplit(text)
    if text != "*" and (parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != text.lower()):
        raise typer.BadParameter(f"{text} is no origin: write it as https://app.example.com, without a path")
    return text


def facts(here: Machine) -> dict[str, Any]:
    """What a person wants to know of a running machine, as it answers now."""
    from stacks.local import doctor, ports, workers

    sandbox = workers.load(Path(here.data)).sandbox
    mail = f"{here.public_url}/mail"
    return {
        "api": here.public_url,
        "docs": f"{here.public_url}/docs",
        **({"mail": mail} if doctor.get(mail) == "200" else {}),
        "websocket": here.socket_url,
        "http_processes": ports.listening(here.port),
        "data": here.data,
        "logs": str(Path(here.data) / "logs"),
        "languages": sorted(sandbox.languages),
        **({} if sandbox.languages else {"runs": f"unavailable: {sandbox.unavailable}"}),
    }


def show(what: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(what))
        return
    for name, value in what.items():
        text = ", ".join(value) or "none" if isinstance(value, list) else str(value)
        typer.echo(f"  {typer.style(f'{name:<14}', bold=True)}  {text}")


def fail(message: str, code: int) -> NoReturn:
    typer.echo(f"slipway: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
