"""The seeds of a machine's access tokens exchanged for others, while the platform runs (slipway/access_tokens.py says why in
this order). The processes that sign read them from machine.json at each token, so none is started anew."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from slipway import access_tokens, capabilities
from slipway.access_tokens import LINGER_SECONDS
from slipway.capabilities import SIGNING_KEYS

from stacks.local.capabilities import provider
from stacks.local.machine import Machine


class OutOfTurn(RuntimeError):
    """A rotation is under way already, or none is; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Seeds that machine.json does not have, or not yet."""

    chosen: Sequence[str]

    def seeds(self) -> Sequence[str]:
        return self.chosen


def add(here: Machine) -> Machine:
    """A new key beside the old one: shown at once, it signs `access_tokens.KEYS_SECONDS` later. Raises OutOfTurn."""
    if len(here.seeds) > 1:
        raise OutOfTurn("a rotation is under way: end it with `slipway rotate-keys --drop-old` first")
    return _exchange(here, [secrets.token_hex(32), *here.seeds], LINGER_SECONDS)


def drop_old(here: Machine) -> Machine:
    """The first key alone from now on; the others verify until their last token has expired. Raises OutOfTurn."""
    if len(here.seeds) < 2:
        raise OutOfTurn("there is one key only: begin with `slipway rotate-keys`")
    return _exchange(here, here.seeds[:1], LINGER_SECONDS)


def replace_all(here: Machine) -> Machine:
    """One new key, and no token of any other is good any more. A process that verifies believes in what it has read for
    `access_tokens.KEYS_SECONDS` at most, unless it is started anew."""
    return _exchange(here, [secrets.token_hex(32)], 0)


def _exchange(here: Machine, seeds: list[str], linger_seconds: int) -> Machine:
    """Shown to verifiers first, kept then, and the old ones end last: a crash in between leaves a key that is accepted
    and never signs, or an old one that lingers until the command is given again, but no token that nobody accepts."""
    _publish(here, [*seeds, *here.seeds], LINGER_SECONDS)
    kept = replace(here, signing_seed=",".join(seeds))
    kept.save()
    _publish(kept, seeds, linger_seconds)
    return kept


def _publish(here: Machine, seeds: Sequence[str], linger_seconds: int) -> None:
    local = provider(here)
    capabilities.provide(lambda capability: Chosen(seeds) if capability is SIGNING_KEYS else local(capability))
    try:
        with (
            capabilities.granting("slipway rotate-keys", (SIGNING_KEYS,)),
            psycopg.connect(here.owner_url) as connection,
        ):
            access_tokens.publish(connection, linger_seconds)
    finally:
        capabilities.provide(local)
