"""A team comes near a limit of its plan, or has reached it."""

from __future__ import annotations

from datetime import datetime

from slipway.letters.names import plain
from slipway.letters.times import moment


def usage_notice(
    team: str,
    meter: str,
    percent: int,
    used: str | int,
    allowed: str | int,
    resets_at: datetime | None,
    hard: bool = True,
) -> tuple[str, str]:
    """Subject and text. `used` and `allowed` with their unit (`412 minutes`); `resets_at` None: the limit is a standing one.

    `hard` False: the plan does not stop there.
    """
    if not hard:
        return _counted_on(team, meter, percent, used, allowed, resets_at)
    reached = percent >= 100
    then = "What is over it is refused" if reached else "At 100 % what is over it is refused"
    until = f" until {moment(resets_at)}, when the count begins again" if resets_at else ", until some of it is freed"
    return f"“{plain(team)}” has used {percent} % of its {meter}", (
        "Hello,\n\n"
        f"the team “{plain(team)}” has used {used} of {allowed} ({percent} %) of its {meter}.\n\n"
        f"{then}{until}, or until the team has a larger plan.\n"
    )


def _counted_on(
    team: str, meter: str, percent: int, used: str | int, allowed: str | int, resets_at: datetime | None
) -> tuple[str, str]:
    again = f" The count begins again on {moment(resets_at)}." if resets_at else ""
    return f"“{plain(team)}” has used {percent} % of its {meter}", (
        "Hello,\n\n"
        f"the team “{plain(team)}” has used {used} of {allowed} ({percent} %) of its {meter}.\n\n"
        f"Nothing is refused: what is over the plan is counted on.{again}\n"
    )
