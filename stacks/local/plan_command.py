"""`slipway plan show | set | limit`: a team's plan, and figures of its own in place of the plan's.

Exit codes: 0 done · 1 no such team, plan or meter, or nothing runs on the folder · 2 wrong usage.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from stacks.local.operating import DATA, Data, Json, operating

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What a team may use.")
Team = Annotated[str, typer.Argument(help="The team's id: team_…")]
Reason = Annotated[str, typer.Option(help="Kept in the history and in the team's audit log.")]


@app.command()
def show(team: Team, data: Data = DATA, as_json: Json = False) -> None:
    """The team's plan, its limits and what it uses of them."""
    from slipway import platform

    team_id = _team(team)
    with operating(data, "slipway plan"):
        found = platform.show(team_id)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    typer.echo(f"{found.title} ({found.plan}) since {found.since:%Y-%m-%d}")
    for limit in found.limits:
        allowed = "unlimited" if limit.allowed is None else str(limit.allowed)
        own = f"  {limit.source}" if limit.source == "override" else ""
        typer.echo(f"  {limit.meter:<18} {limit.used + limit.reserved:>12} of {allowed:<14} {limit.period}{own}")


@app.command("set")
def set_plan(
    team: Team,
    plan: Annotated[str, typer.Argument(help="Its name: free, starter, pro, enterprise, unlimited.")],
    reason: Reason,
    data: Data = DATA,
) -> None:
    """Give the team another plan, from now on."""
    from slipway import platform

    team_id = _team(team)
    with operating(data, "slipway plan"):
        platform.set_plan(team_id, plan, reason)
    typer.echo(f"{team} has the plan {plan}")


@app.command("limit")
def set_limit(
    team: Team,
    meter: Annotated[str, typer.Argument(help="As `slipway plan show` names it.")],
    value: Annotated[str, typer.Argument(help="A whole number, or unlimited.")],
    reason: Reason = "set on the machine",
    data: Data = DATA,
) -> None:
    """Give the team another limit than its plan's, from now on."""
    from slipway import platform

    team_id, number = _team(team), _number(value)
    with operating(data, "slipway plan"):
        platform.set_limit(team_id, meter, number, reason)
    typer.echo(f"{team} may use {value} {meter}")


def _team(text: str) -> UUID:
    from slipway import ids

    try:
        return ids.decode("team", text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no team's id: it begins with team_") from None


def _number(text: str) -> int | None:
    from slipway.entitlements import MAX_VALUE

    if text == "unlimited":
        return None
    if not text.isdecimal() or int(text) > MAX_VALUE:
        raise typer.BadParameter(f"{text} is neither a whole number up to {MAX_VALUE} nor `unlimited`")
    return int(text)
