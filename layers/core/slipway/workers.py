"""The warm workers, as the container service reports their lives; and asking for more of them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from slipway import db
from slipway.capabilities import RUN_TASKS, use
from slipway.catalogue import RUNS
from slipway.db import sql
from slipway.runs import lease
from slipway.runs.run import RunMessage

PORT = 9000  # where a worker task waits for its job; on one machine the address names its own


class StartWorkers(BaseModel):
    """A message of the `workers` queue."""

    count: int


class TaskChange(BaseModel):
    """The part that matters of an ECS "Task State Change"."""

    task_arn: str = Field(alias="taskArn")
    last_status: str = Field(alias="lastStatus")
    stopped_reason: str = Field(default="", alias="stoppedReason")
    attachments: list[dict[str, Any]] = []

    def address(self) -> str | None:
        """host:port of the task's network interface."""
        for attachment in self.attachments:
            for detail in attachment.get("details", []):
                if detail.get("name") == "privateIPv4Address":
                    value = str(detail["value"])
                    return value if ":" in value else f"{value}:{PORT}"
        return None


ARRIVED = sql(
    """insert into workers (task_arn, address, state) values (%(task_arn)s, %(address)s, 'idle')
       on conflict (task_arn) do nothing"""
)
# The row stays for a while: news of a task may come in any order, and one that stopped must not seem to arrive later.
LEFT = sql(
    """insert into workers (task_arn, address, state) values (%(task_arn)s, '', 'gone')
       on conflict (task_arn) do update set state = 'gone', team_id = null, run_id = null"""
)
HAD = sql("select team_id, run_id, attempt from workers where task_arn = %(task_arn)s for update")
# One for each idle worker: two that arrive together must not both wake the same run.
NEXT_RUNS = sql("select team_id, id from app.next_queued_runs((select count(*) from workers where state = 'idle'))")


def start(message: StartWorkers) -> None:
    use(RUN_TASKS).start("run", message.count)


def changed(change: TaskChange) -> None:
    """A worker came: note it, and wake the runs that have waited longest. It went: what it had goes to another."""
    if change.last_status == "RUNNING" and (address := change.address()):
        with db.for_platform() as tx:
            tx.run(ARRIVED, task_arn=change.task_arn, address=address)
            for waiting in tx.all(NEXT_RUNS):
                tx.send(RUNS, RunMessage(team_id=waiting["team_id"], run_id=waiting["id"]))
    elif change.last_status in ("STOPPED", "DEPROVISIONING"):
        with db.for_platform() as tx:
            had = tx.one(HAD, task_arn=change.task_arn)
            tx.run(LEFT, task_arn=change.task_arn)
        if had and had["run_id"]:
            with db.for_team(had["team_id"]) as tx:
                reason = f"the worker stopped: {change.stopped_reason or 'no reason given'}"
                lease.give_back(tx, had["team_id"], had["run_id"], had["attempt"], reason)
