"""The capabilities on one machine: Postgres for queues, files for objects, the gateway for connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from slipway import settings
from slipway.capabilities import Capability, Kind, Mail, Provider
from slipway.oidc.providers import SettingProviders
from slipway.worker_network import HttpWorkerNetwork

from stacks.local import machine as machines
from stacks.local.machine import Machine
from stacks.local.mailbox import Mailbox
from stacks.local.posts import SignedConnections
from stacks.local.queues import PostgresQueue
from stacks.local.storage import DiskObjects
from stacks.local.tasks import SupervisedTasks


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    prepares: bool = True

    def conninfo(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class MachineSeeds:
    """As machine.json has them now, so that `slipway rotate-keys` needs no restart; without a file, as they were."""

    machine: Machine

    def seeds(self) -> Sequence[str]:
        try:
            return machines.load(Path(self.machine.data)).seeds
        except FileNotFoundError:
            return self.machine.seeds


def mail(machine: Machine) -> Mail:
    """A mail server when the operator has named one, else files."""
    url = settings.get("SLIPWAY_SMTP_URL")
    if url:
        from stacks.local.smtp import SmtpMail

        return SmtpMail(url)
    return Mailbox(machine)


MAKERS: dict[Kind, Callable[[Machine, Capability[Any]], Any]] = {
    "database": lambda machine, _: Address(machine.app_url),
    "migrations": lambda machine, _: Address(machine.owner_url),
    "queue": lambda machine, capability: PostgresQueue(machine.owner_url, capability.resource),
    "objects": lambda machine, capability: DiskObjects(machine, capability.resource, capability.access),
    "connections": lambda machine, _: SignedConnections(machine),
    "tasks": lambda machine, _: SupervisedTasks(machine),
    "worker_network": lambda *_: HttpWorkerNetwork(),
    "signing_keys": lambda machine, _: MachineSeeds(machine),
    "mail": lambda machine, _: mail(machine),
    "oidc_providers": lambda *_: SettingProviders(),
}


def provider(machine: Machine) -> Provider:
    """For `slipway.capabilities.provide`; each client is made once per process."""

    @cache
    def client(capability: Capability[Any]) -> Any:
        return MAKERS[capability.kind](machine, capability)

    return client
