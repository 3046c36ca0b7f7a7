"""The layer of third-party packages: really built, from the lock, for Lambda's processor."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stacks import layer

LAMBDA_LIMIT = 250_000_000  # bytes, all layers and the function together


def contents(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mode,
            int(path.stat().st_mtime) if path.is_file() else 0,
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.slow
def test_two_builds_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = layer.build(tmp_path / "one" / "deps"), layer.build(tmp_path / "two" / "deps")
    assert contents(first.folder) == contents(second.folder)
    assert first.size < LAMBDA_LIMIT / 4


def test_the_layer_is_for_lambdas_processor_and_has_no_path_of_this_machine() -> None:
    folder = layer.ensure()
    compiled = [path for path in folder.rglob("*.so*") if path.is_file()]
    assert compiled
    for library in compiled:
        machine = library.read_bytes()[18:20]
        assert machine == b"\xb7\x00", f"{library.name} is not for aarch64"
    for bytecode in list(folder.rglob("*.pyc"))[:200]:
        content = bytecode.read_bytes()
        assert content[4:8] == b"\x01\x00\x00\x00", "not unchecked-hash: Lambda's time stamps would make it stale"
        assert str(layer.ROOT).encode() not in content


def test_boto3_is_left_to_lambda_itself() -> None:
    assert not list(layer.ensure().glob("python/boto*"))


def test_a_lock_that_cannot_be_installed_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("pydantic==2.14.3 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(layer.NotBuilt, match="could not install"):
        layer.build(tmp_path / "deps", locked=lock)
    assert not (tmp_path / "deps").exists()


def test_a_stale_layer_serves_when_it_cannot_be_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(*_: object) -> None:
        raise layer.NotBuilt("no network")

    monkeypatch.setattr(layer, "build", offline)
    with pytest.raises(layer.NotBuilt):
        layer.ensure(tmp_path / "deps")
    (tmp_path / "deps").mkdir()
    assert layer.ensure(tmp_path / "deps") == tmp_path / "deps"
    assert "was not rebuilt: no network" in capsys.readouterr().err


def test_no_interpreter_of_an_unknown_version_is_found() -> None:
    assert layer.interpreter("3.99") is None
