"""`slipway audit verify`: the audit logs' chains, walked on the machine itself (docs/audit.md).

Exit codes: 0 all are whole · 1 one is broken, or nothing runs on the folder · 2 wrong usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from stacks.local.operating import DATA, Data, operating

if TYPE_CHECKING:
    from slipway.audit_chain import AuditCheck, AuditResult

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The teams' audit logs.")


@app.callback()
def audit() -> None:
    """The teams' audit logs."""


@app.command()
def verify(
    data: Data = DATA,
    team: Annotated[str | None, typer.Option(help="One team (team_…); all without it.")] = None,
    noted: Annotated[
        str | None, typer.Option(help="With --team: a head noted earlier, SEQ:HASH, that the chain must still contain.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a team on stdout.")] = False,
) -> None:
    """Walk the chain of every team's audit events, from the first to the head; exit code 1 when one is broken."""
    team_id, check = _team(team), _check(team, noted)
    broken = False
    with operating(data, "slipway audit verify"):
        for walked_id, result in _walked(team_id, check):
            broken = broken or not result.verified
            typer.echo(_line(walked_id, result, as_json))
    raise typer.Exit(int(broken))


def _team(text: str | None) -> UUID | None:
    from slipway import ids

    try:
        return ids.decode("team", text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text} is no team's id: it begins with team_") from None


def _check(team: str | None, noted: str | None) -> AuditCheck:
    from slipway.audit_chain import AuditCheck, AuditHead

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


def _walked(team_id: UUID | None, check: AuditCheck) -> Iterator[tuple[UUID, AuditResult]]:
    from slipway import audit_chain, db

    if team_id is None:
        yield from audit_chain.walked()
        return
    with db.for_team(team_id) as tx:
        result = audit_chain.walk(tx, team_id, check, most=2**62)
    yield team_id, result


def _line(team_id: UUID, result: AuditResult, as_json: bool) -> str:
    from slipway import ids

    team = ids.encode("team", team_id)
    if as_json:
        return json.dumps({"team_id": team, **result.model_dump(mode="json")})
    if result.verified:
        return f"whole   {team}  {result.events} events, head {result.head.seq}:{result.head.hash}"
    return f"BROKEN  {team}  at event {result.first_broken_seq}; head {result.head.seq}:{result.head.hash}"
