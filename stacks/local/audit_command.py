"""`slipway audit verify`: the audit logs' chains, walked on the machine itself (docs/audit.md).

Exit codes: 0 all are whole · 1 one is broken, or nothing runs on the folder · 2 wrong usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from slipway import audit_chain, capabilities, db, ids, settings
from slipway.audit_chain import AuditCheck, AuditHead, AuditResult
from slipway.errors import Error

from stacks.local import machine
from stacks.local.capabilities import provider

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The teams' audit logs.")


@app.callback()
def audit() -> None:
    """The teams' audit logs."""


@app.command()
def verify(
    data: Annotated[Path, typer.Option(help="Folder of everything that is kept.", resolve_path=True)] = Path("data"),
    team: Annotated[str | None, typer.Option(help="One team (team_…); all without it.")] = None,
    noted: Annotated[
        str | None, typer.Option(help="With --team: a head noted earlier, SEQ:HASH, that the chain must still contain.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a team on stdout.")] = False,
) -> None:
    """Walk the chain of every team's audit events, from the first to the head; exit code 1 when one is broken."""
    check = _check(team, noted)
    try:
        here = machine.load(data)
    except FileNotFoundError:
        _fail(f"{data} is no data folder: start `slipway up --data {data}` first")
    settings.apply(here.settings())
    capabilities.provide(provider(here))
    broken = False
    try:
        with capabilities.granting("slipway audit verify", (capabilities.DATABASE,)):
            for team_id, result in _walked(team, check):
                broken = broken or not result.verified
                typer.echo(_line(team_id, result, as_json))
    except Error as error:
        _fail(f"the database of {data} does not answer: is `slipway up` running? ({error.cause or error.detail})")
    finally:
        db.close()
    raise typer.Exit(int(broken))


def _check(team: str | None, noted: str | None) -> AuditCheck:
    if noted is None:
        return AuditCheck()
    seq, _, hash = noted.partition(":")
    try:
        head = AuditHead.model_validate({"seq": seq, "hash": hash})
    except ValueError:
        raise typer.BadParameter("write it as SEQ:HASH, such as 12:9f86…, 64 hex digits") from None
    if team is None:
        raise typer.BadParameter("a noted head is one team's: give --team too")
    return AuditCheck(noted=head)


def _walked(team: str | None, check: AuditCheck) -> Iterator[tuple[UUID, AuditResult]]:
    if team is None:
        yield from audit_chain.walked()
        return
    try:
        team_id = ids.decode("team", team)
    except ValueError:
        raise typer.BadParameter(f"{team} is no team's id: it begins with team_") from None
    with db.for_team(team_id) as tx:
        result = audit_chain.walk(tx, team_id, check, most=2**62)
    yield team_id, result


def _line(team_id: UUID, result: AuditResult, as_json: bool) -> str:
    team = ids.encode("team", team_id)
    if as_json:
        return json.dumps({"team_id": team, **result.model_dump(mode="json")})
    if result.verified:
        return f"whole   {team}  {result.events} events, head {result.head.seq}:{result.head.hash}"
    return f"BROKEN  {team}  at event {result.first_broken_seq}; head {result.head.seq}:{result.head.hash}"


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
