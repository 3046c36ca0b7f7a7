"""What the processes of one machine agree on: made once at start-up, kept in the data folder, read by each process."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FORMAT = 1  # raise it when a data folder of the previous version cannot simply be opened


class NewerData(RuntimeError):
    """The data folder was written by a newer Slipway."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Addresses are 127.0.0.1 only. `*_secret` are random per data folder, hex."""

    data: str  # absolute folder
    port: int  # HTTP API; the WebSocket API listens on port + 1, its @connections on port + 2
    owner_url: str  # libpq, owns the schemas: migrations and the local queues
    app_url: str  # libpq, the application role: what functions get
    signing_seed: str  # of access tokens, hex; two with a comma between them during a rotation, the new one first
    object_secret: str  # signs object URLs
    access_key: str  # what boto3 clients of @connections must present
    secret_key: str
    workers: int  # warm workers kept ready
    format: int = FORMAT

    @property
    def seeds(self) -> list[str]:
        return self.signing_seed.split(",")

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port + 1}"

    @property
    def connections_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    def settings(self) -> dict[str, str]:
        """The settings that the functions read, as the stacks set them on AWS."""
        return {
            "SLIPWAY_STAGE": "local",
            "SLIPWAY_DATABASE_URL": self.app_url,
            "SLIPWAY_MIGRATIONS_URL": self.owner_url,
            "SLIPWAY_SIGNING_SEEDS": self.signing_seed,
            "SLIPWAY_PUBLIC_URL": self.public_url,
            "SLIPWAY_SOCKET_URL": self.socket_url,
            "SLIPWAY_CONNECTIONS_URL": self.connections_url,
        }

    def save(self) -> None:
        """In one step: those who read it meanwhile see the old one or the new one."""
        path = Path(self.data) / "machine.json"
        incoming = path.with_suffix(".new")
        with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)
        incoming.replace(path)


def load(data: Path) -> Machine:
    """The machine of a data folder; raises FileNotFoundError, or NewerData."""
    fields = json.loads((data / "machine.json").read_text())
    if fields.get("format", 0) > FORMAT:
        raise NewerData(f"{data} was written by a newer Slipway (format {fields['format']}, this one reads {FORMAT})")
    return Machine(**fields)


def open_or_create(data: Path, port: int, workers: int) -> Machine:
    """The folder's machine with these choices, its secrets kept; not saved yet."""
    try:
        return replace(load(data), port=port, workers=workers, data=str(data))
    except FileNotFoundError:
        return Machine(
            data=str(data),
            port=port,
            owner_url="",
            app_url="",
            signing_seed=secrets.token_hex(32),
            object_secret=secrets.token_hex(32),
            access_key="SLPL" + secrets.token_hex(8).upper(),
            secret_key=secrets.token_hex(20),
            workers=workers,
        )
