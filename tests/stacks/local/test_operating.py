from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from slipway import capabilities, db, platform
from slipway.capabilities import DATABASE, MIGRATIONS, SIGNING_KEYS, UndeclaredUse
from slipway.errors import Error

from stacks.local.machine import Machine
from stacks.local.operating import operating


def test_within_the_owner_s_database_may_be_used_and_nothing_else(machine: Machine) -> None:
    machine.save()
    with operating(Path(machine.data), "slipway test") as here:
        assert here == machine
        assert capabilities.use(MIGRATIONS).conninfo() == machine.owner_url
        assert capabilities.use(DATABASE).conninfo() == machine.app_url
        with db.for_platform() as tx:
            assert tx.rates == []
        with pytest.raises(UndeclaredUse, match="slipway test"):
            capabilities.use(SIGNING_KEYS)
    with pytest.raises(UndeclaredUse):
        capabilities.use(MIGRATIONS)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (platform.Unknown("nobody has registered with this address"), "nobody has registered with this address\n"),
        (Error("not_found"), "there is no such team\n"),
    ],
)
def test_what_does_not_exist_is_one_line_and_exit_code_one(
    machine: Machine, capsys: pytest.CaptureFixture[str], raised: Exception, said: str
) -> None:
    machine.save()
    with pytest.raises(typer.Exit) as ended, operating(Path(machine.data), "slipway test"):
        raise raised
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == said


def test_a_folder_without_a_machine_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), operating(tmp_path / "none", "slipway test"):
        pytest.fail("there is nothing to work on")
    assert f"{tmp_path / 'none'} is no data folder" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_told_with_what_to_do(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://slipway_owner@127.0.0.1:{nobody.getsockname()[1]}/slipway"
        replace(machine, owner_url=url, app_url=url).save()
        with pytest.raises(typer.Exit), operating(Path(machine.data), "slipway test"):
            platform.operators()
    said = capsys.readouterr().err
    assert "is `slipway up` running?" in said and said.count("\n") == 1


def test_an_error_of_ours_is_not_hidden(machine: Machine) -> None:
    machine.save()
    with pytest.raises(ZeroDivisionError), operating(Path(machine.data), "slipway test"):
        _ = 1 // 0
