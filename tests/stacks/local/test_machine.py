from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.local import machine
from stacks.local.machine import FORMAT, Machine, NewerData, load, open_or_create


def test_secrets_are_made_once_and_choices_each_time(tmp_path: Path) -> None:
    first = open_or_create(tmp_path, 8000, 2)
    first.save()
    again = open_or_create(tmp_path, 9000, 4)
    assert again == replace(first, port=9000, workers=4)
    other = open_or_create(tmp_path / "other", 8000, 2)
    for secret in ("signing_seed", "object_secret", "access_key", "secret_key"):
        assert getattr(first, secret) != getattr(other, secret)


def test_what_is_kept_is_for_the_owner_alone(tmp_path: Path) -> None:
    open_or_create(tmp_path, 8000, 2).save()
    assert (tmp_path / "machine.json").stat().st_mode & 0o777 == 0o600


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    made = open_or_create(tmp_path, 8000, 2)
    replace(made, format=FORMAT + 1).save()
    with pytest.raises(NewerData, match="newer Slipway"):
        load(tmp_path)


def test_who_reads_while_it_is_written_sees_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    made = open_or_create(tmp_path, 8000, 2)
    made.save()
    done, broken = threading.Event(), list[Exception]()

    def read() -> None:
        while not done.is_set():
            try:
                load(tmp_path)
            except (json.JSONDecodeError, OSError) as error:
                broken.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for port in range(1000, 2000):
        replace(made, port=port).save()
    done.set()
    reader.join()
    assert broken == []


def test_every_setting_of_a_machine_is_one_that_functions_know(tmp_path: Path) -> None:
    from slipway import settings

    assert set(open_or_create(tmp_path, 8000, 2).settings()) <= {setting.name for setting in settings.SETTINGS}


def test_two_seeds_are_read_in_their_order(tmp_path: Path) -> None:
    made: Machine = replace(machine.open_or_create(tmp_path, 8000, 2), signing_seed="aa,bb")
    assert made.seeds == ["aa", "bb"]
