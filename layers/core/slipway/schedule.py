"""`@schedule("rate(1 minute)", uses=(DATABASE,))`: a job that EventBridge starts by the clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.capabilities import Capability
from slipway.function import Event, Function, Spec, identify

UNITS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec(Spec):
    rate: str  # EventBridge's own expression

    @property
    def seconds(self) -> int:
        match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", self.rate)
        if not match:
            raise ValueError(f"{self.module}: schedule {self.rate!r} is not rate(N minutes|hours|days)")
        return int(match[1]) * UNITS[match[2]]


class Schedule(Function):
    kind: ClassVar[str] = "schedule"
    spec: ScheduleSpec

    def __call__(self, event: Event, context: Any) -> None:
        from slipway import trigger

        trigger.once(self, context)


def schedule(
    rate: str, *, uses: tuple[Capability[Any], ...] = (), memory: int = 512, timeout: int = 60
) -> Callable[[Callable[..., Any]], Schedule]:
    def declare(body: Callable[..., Any]) -> Schedule:
        return Schedule(ScheduleSpec(**identify(body, uses, memory, timeout), rate=rate), body)

    return declare
