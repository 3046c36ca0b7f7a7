"""`@event("aws.ecs", "ECS Task State Change", uses=(DATABASE,))`: something that EventBridge reports.

The body takes one pydantic model, parsed from the event's `detail`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway import function
from slipway.capabilities import Capability
from slipway.function import Function, Spec, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec(Spec):
    source: str
    detail_type: str


class Event(Function):
    kind: ClassVar[str] = "event"
    spec: EventSpec

    def __call__(self, event: function.Event, context: Any) -> None:
        from slipway import trigger

        trigger.detail(self, event, context)


def event(
    source: str,
    detail_type: str,
    *,
    uses: tuple[Capability[Any], ...] = (),
    memory: int = 512,
    timeout: int = 30,
) -> Callable[[Callable[..., Any]], Event]:
    def declare(body: Callable[..., Any]) -> Event:
        common = identify(body, uses, memory, timeout)
        return Event(EventSpec(**common, source=source, detail_type=detail_type), body)

    return declare
