"""`slipway usage replay`: the sums of the metering ledger made again, or compared with it (docs/metering.md).

Exit codes: 0 all sums are the ledger's, now at least · 1 with --check: some are not; or nothing runs on the folder ·
2 wrong usage.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from stacks.local.operating import DATA, Data, Json, operating

if TYPE_CHECKING:
    from slipway.usage.replay import Difference

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What teams have used.")
USUAL_DAYS = 100


@app.callback()
def usage() -> None:
    """What teams have used."""


@app.command()
def replay(
    check: Annotated[bool, typer.Option("--check", help="Only say where they differ.")] = False,
    team: Annotated[str | None, typer.Option(help="One team (team_…); all without it.")] = None,
    first: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day (UTC); 100 days ago without it.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to and with this day; today without it.")
    ] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make the sums by hour and day again from the ledger's lines, while metering goes on."""
    from slipway import ids
    from slipway.usage import replay as ledger

    try:
        team_id = ids.decode("team", team) if team else None
    except ValueError:
        raise typer.BadParameter(f"{team} is no team's id: it begins with team_") from None
    days = _days(first, last)
    different = 0
    with operating(data, "slipway usage"):
        for found in ledger.replay(*days, team_id, mend=not check):
            different += 1
            typer.echo(found.model_dump_json() if as_json else _line(found))
    if not as_json:
        done = "all sums are the ledger's" if not different else "they differ" if check else "they were mended"
        typer.echo(f"{days[0]} to {days[1]}: {different} differences, {done}")
    raise typer.Exit(int(check and different > 0))


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    begins = first.date() if first else today - timedelta(days=USUAL_DAYS)
    ends = last.date() if last else today
    if begins > ends:
        raise typer.BadParameter(f"{begins} is after {ends}: --first comes before --last")
    return begins, ends


def _line(found: Difference) -> str:
    from slipway import ids

    return (
        f"{ids.encode('team', found.team_id)}  {found.meter:<18} {found.summary:<4} {found.at:%Y-%m-%d %H:00}  "
        f"kept {found.kept}, the ledger has {found.counted}"
    )
