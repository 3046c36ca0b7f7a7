"""`slipway rotate-keys`: other keys for access tokens (docs/decisions/0003-signing-seeds.md).

Exit codes: 0 done · 1 not the turn of it, or nothing runs on the folder · 2 wrong usage.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from stacks.local import lock
from stacks.local.machine import Machine
from stacks.local.operating import DATA, Data, Json, operating

DropOld = Annotated[bool, typer.Option("--drop-old", help="The second step: sign and accept the new key only.")]
Leaked = Annotated[bool, typer.Option("--leaked", help="Somebody has the key: a new one, and no old token is good.")]


def rotate_keys(drop_old: DropOld = False, leaked: Leaked = False, data: Data = DATA, as_json: Json = False) -> None:
    """Sign access tokens with a new key: once without options, later with --drop-old; nobody has to log in again.

    The new key signs five minutes after the first step, when every process knows it. --drop-old may follow at any time
    after: what the old key has signed is accepted until it has expired, 20 minutes at most. A running platform takes both
    up by itself. --leaked does both at once and starts the HTTP processes anew, one after the other; apps get new access
    tokens with their refresh tokens, which no key signs.
    """
    if drop_old and leaked:
        raise typer.BadParameter("--leaked drops the old keys already: give one of the two")
    from stacks.local import signing_seeds

    renewed = 0
    with operating(data, "slipway rotate-keys") as here:
        try:
            if leaked:
                signing_seeds.replace_all(here)
                renewed = _renew(here)
            else:
                (signing_seeds.drop_old if drop_old else signing_seeds.add)(here)
        except signing_seeds.OutOfTurn as refused:
            typer.echo(str(refused), err=True)
            raise typer.Exit(1) from None
        said = _told(drop_old, leaked, renewed)
    typer.echo(json.dumps(said) if as_json else "\n".join(f"{name}: {value}" for name, value in said.items()))


def _renew(here: Machine) -> int:
    from stacks.local import http_processes

    supervisor = lock.holder(Path(here.data))
    try:
        return http_processes.renew(supervisor, here.port) if supervisor else 0
    except http_processes.NotBack as error:
        typer.echo(f"{error}; the keys are exchanged", err=True)
        raise typer.Exit(1) from None


def _told(drop_old: bool, leaked: bool, renewed: int) -> dict[str, str | int]:
    from slipway.access_tokens import KEYS_SECONDS, LINGER_SECONDS

    if leaked:
        return {"signs": "a new key", "old tokens": "refused", "http processes started anew": renewed}
    if drop_old:
        return {
            "signs": "the new key",
            "old tokens": f"accepted until they expire, {_in(LINGER_SECONDS)} at the latest",
        }
    return {
        "signs": f"a new key from {_in(KEYS_SECONDS)} on",
        "old tokens": "accepted",
        "next": "slipway rotate-keys --drop-old",
    }


def _in(seconds: int) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M:%S} UTC"
