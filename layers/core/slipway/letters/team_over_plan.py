"""For operators: a team uses twice of what its plan allows."""

from __future__ import annotations

from slipway.letters.names import plain


def team_over_plan(team: str, team_id: str, meter: str, used: str | int, allowed: str | int) -> tuple[str, str]:
    """Subject and text. `team_id` as the API writes it; `used` and `allowed` with their unit."""
    return f"“{plain(team)}” uses twice what its plan allows", (
        "Hello,\n\n"
        f"the team “{plain(team)}” ({team_id}) has used {used} of its {meter}. "
        f"Its plan allows {allowed}, and does not stop there.\n\n"
        "Its owners were told at 50, 80 and 100 %. Set a larger plan or a limit, or talk to them.\n"
    )
