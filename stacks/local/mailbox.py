"""Letters as files, `<data>/mail/<time>-<letter's id>.eml`: e-mail on one machine that sends none.

They hold everybody's reset links, so folder and files are the owner's alone, and no letter stays for long.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from uuid import uuid4

from slipway import mail
from slipway.mail import Letter, NoSender, Sender

from stacks.local.machine import Machine

KEPT_SECONDS = 7 * 86400
KEPT_LETTERS = 1000
NOBODY = Sender("Slipway", "slipway@localhost")  # what is not sent needs no sender
_NAME = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def folder(machine: Machine) -> Path:
    return Path(machine.data) / "mail"


def name_of(letter: Letter) -> str:
    """Sorts by the time of posting; the same for each delivery of the same letter."""
    return f"{letter.posted_at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{letter.id}"


class Mailbox:
    """The Mail of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def send(self, message: Letter) -> None:
        place = folder(self._machine)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = place / f"{name_of(message)}.eml"
        if target.exists():  # a second delivery
            return
        incoming = place / f".{uuid4().hex}"
        try:
            incoming.touch(mode=0o600)
            incoming.write_bytes(mail.written(message, _sender()))
            incoming.rename(target)
        finally:
            incoming.unlink(missing_ok=True)
        sweep(self._machine)


def _sender() -> Sender:
    try:
        return mail.sender()
    except NoSender:
        return NOBODY


def names(machine: Machine) -> Sequence[str]:
    """Of the letters that are kept, newest first."""
    oldest = time.time() - KEPT_SECONDS
    found = []
    for file in folder(machine).glob("*.eml"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime >= oldest:
                found.append(file.stem)
    return sorted(found, reverse=True)


def read(machine: Machine, name: str) -> EmailMessage | None:
    """The letter; None when there is none of that name, or no longer."""
    if not _NAME.fullmatch(name):
        return None
    try:
        content = (folder(machine) / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None
    return BytesParser(policy=policy.default).parsebytes(content)


def sweep(machine: Machine) -> int:
    """Delete what is older than KEPT_SECONDS, then the oldest beyond KEPT_LETTERS; the number deleted."""
    place = folder(machine)
    if not place.is_dir():
        return 0
    excess = set(names(machine)[KEPT_LETTERS:])  # and not all but the newest: another process may just write one
    oldest = time.time() - KEPT_SECONDS
    deleted = 0
    for file in place.iterdir():
        with suppress(FileNotFoundError):
            if file.stem in excess or file.stat().st_mtime < oldest:
                file.unlink()
                deleted += 1
    return deleted
