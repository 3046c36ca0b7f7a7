from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from slipway.mail import Letter

from stacks.local import mailbox
from stacks.local.machine import Machine, open_or_create
from stacks.local.mailbox import Mailbox

AT = datetime(2026, 11, 3, 14, 5, 6, 789, UTC)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return open_or_create(tmp_path, 1, 0)


def letter(after: float = 0, **changed: Any) -> Letter:
    facts = {"id": uuid4(), "posted_at": AT + timedelta(seconds=after), "kind": "verify_email"}
    return Letter(**{**facts, "to": "ana@example.org", "subject": "Verify", "text": "T\n", **changed})


def aged(here: Machine, name: str, seconds: float) -> None:
    at = time.time() - seconds
    os.utime(mailbox.folder(here) / name, (at, at))


def test_folder_and_letters_are_the_owners_alone(here: Machine) -> None:
    before = os.umask(0)
    try:
        Mailbox(here).send(letter())
    finally:
        os.umask(before)
    (file,) = mailbox.folder(here).iterdir()
    assert (file.stat().st_mode & 0o777, mailbox.folder(here).stat().st_mode & 0o777) == (0o600, 0o700)


def test_names_sort_by_the_time_of_posting_newest_first(here: Machine) -> None:
    sent = [letter(after) for after in (2, 0.000_001, 3600, 0)]
    for one in sent:
        Mailbox(here).send(one)
    newest_first = sorted(sent, key=lambda one: one.posted_at, reverse=True)
    assert mailbox.names(here) == [mailbox.name_of(one) for one in newest_first]


def test_a_second_delivery_changes_nothing(here: Machine) -> None:
    one = letter(text="first\n")
    Mailbox(here).send(one)
    Mailbox(here).send(one.model_copy(update={"text": "second\n"}))
    found = mailbox.read(here, mailbox.name_of(one))
    assert found is not None and found.get_content().strip() == "first"
    assert len(mailbox.names(here)) == 1


def test_a_letter_that_cannot_be_written_leaves_nothing(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        Mailbox(here).send(letter())
    assert list(mailbox.folder(here).iterdir()) == []


def test_letters_of_a_week_ago_are_deleted_and_not_shown_before_that(here: Machine) -> None:
    old, young = letter(), letter(1)
    for one in (old, young):
        Mailbox(here).send(one)
    aged(here, f"{mailbox.name_of(old)}.eml", mailbox.KEPT_SECONDS + 60)
    aged(here, f"{mailbox.name_of(young)}.eml", mailbox.KEPT_SECONDS - 60)
    assert mailbox.names(here) == [mailbox.name_of(young)]
    assert mailbox.sweep(here) == 1
    assert [file.stem for file in mailbox.folder(here).iterdir()] == [mailbox.name_of(young)]


def test_only_so_many_letters_are_kept_and_the_oldest_go(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEPT_LETTERS", 3)
    sent = [letter(after) for after in range(5)]
    for one in sent:
        Mailbox(here).send(one)
    assert mailbox.names(here) == [mailbox.name_of(one) for one in reversed(sent[2:])]


def test_a_writing_that_broke_off_is_swept(here: Machine) -> None:
    Mailbox(here).send(letter())
    (mailbox.folder(here) / ".broken").write_text("x")
    aged(here, ".broken", mailbox.KEPT_SECONDS + 60)
    assert mailbox.sweep(here) == 1 and len(mailbox.names(here)) == 1


def test_a_machine_without_letters_has_none(here: Machine) -> None:
    assert mailbox.names(here) == [] and mailbox.sweep(here) == 0


@pytest.mark.parametrize("name", ["", "..", "../machine", "%2e%2e", ".broken", "20261103T140506000789Z-x"])
def test_nothing_but_a_letters_name_is_read(here: Machine, name: str) -> None:
    (Path(here.data) / "machine.eml").write_text("secret")
    mailbox.folder(here).mkdir()
    (mailbox.folder(here) / f"{name or 'x'}.eml").parent.joinpath("20261103T140506000789Z-x.eml").write_text("secret")
    assert mailbox.read(here, name) is None
