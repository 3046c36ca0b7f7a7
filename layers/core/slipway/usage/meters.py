"""What is counted: each meter, its unit, and the limit of the plan that it is measured by."""

from __future__ import annotations

from typing import Literal, NamedTuple

MeterName = Literal[
    "api_calls", "runs", "run_seconds", "agent_minutes", "ai_tokens", "preview_minutes", "storage_byte_hours"
]


class Meter(NamedTuple):
    """`limit` is the plan's meter for the same thing, "" where plans do not limit it."""

    unit: str
    limit: str
    what: str


METERS: dict[MeterName, Meter] = {
    "api_calls": Meter("calls", "", "requests of people and keys about the team, once a minute"),
    "runs": Meter("runs", "runs_per_day", "runs that a worker ran, at their end"),
    "run_seconds": Meter("seconds", "run_seconds", "wall time of runs, each rounded up to a second, at its end"),
    "agent_minutes": Meter("minutes", "agent_minutes", "wall time of agents, each rounded up to a minute"),
    "ai_tokens": Meter("tokens", "ai_tokens", "tokens in and out of language models"),
    "preview_minutes": Meter("minutes", "preview_minutes", "wall time of previews that have a server"),
    "storage_byte_hours": Meter("byte hours", "", "bytes of distinct file contents that are kept, once an hour"),
}
