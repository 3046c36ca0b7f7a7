"""Asking the worker supervisor for tasks: rows that it takes, and a NOTIFY that wakes it. ECS RunTask's place."""

from __future__ import annotations

from stacks.local import sessions
from stacks.local.machine import Machine
from stacks.local.sessions import Connection

CHANNEL = "local_tasks"  # NOTIFY's payload is the task's name


def request(machine: Machine, task: str, count: int) -> None:
    """Ask for `count` more workers of a task; returns when the request is stored. A count below 1 asks for none."""
    if count < 1:
        return

    def store(connection: Connection) -> None:
        connection.execute(
            "with asked as (insert into local.task_requests (task, count) values (%(task)s, %(count)s) returning task)"
            " select pg_notify(%(channel)s, task) from asked",
            {"task": task, "count": count, "channel": CHANNEL},
        )

    sessions.run(machine.owner_url, store, patience=5.0)


def take(connection: Connection) -> list[tuple[str, int]]:
    """The requests since the last call, added up by task; each is handed out once."""
    return connection.execute(
        "with taken as (delete from local.task_requests returning task, count)"
        " select task, sum(count)::int from taken group by task order by task"
    ).fetchall()


class SupervisedTasks:
    """The TaskRunner of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def start(self, task: str, count: int) -> None:
        request(self._machine, task, count)
