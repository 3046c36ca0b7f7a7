"""`@task(cpu=1024, memory=2048, max_seconds=3600)`: a container, ECS Fargate on AWS and a process on one machine.

A task holds no capability: it gets what it needs with its job, and a token that is good for that job only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.function import Function, Spec, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec(Spec):
    """`cpu` in 1/1024 of a core; `port` is where the task waits for its job; ended after `max_seconds`."""

    cpu: int
    port: int
    max_seconds: int


class Task(Function):
    kind: ClassVar[str] = "task"
    spec: TaskSpec

    def __call__(self, event: Any = None, context: Any = None) -> Any:
        return self.body()


def task(*, cpu: int, memory: int, port: int, max_seconds: int = 3600) -> Callable[[Callable[..., Any]], Task]:
    def declare(body: Callable[..., Any]) -> Task:
        common = identify(body, (), memory, max_seconds)
        return Task(TaskSpec(**common, cpu=cpu, port=port, max_seconds=max_seconds), body)

    return declare
