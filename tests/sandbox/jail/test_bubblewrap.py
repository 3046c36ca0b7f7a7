"""Every bubblewrap, interpreter and identity that may be chosen on some host works on this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from slipway_sandbox.jail import bubblewrap, identity, interpreter, view
from slipway_sandbox.jail.bubblewrap import Binary, NoSandbox, remedy
from slipway_sandbox.jail.identity import Identity
from slipway_sandbox.jail.interpreter import Interpreter
from slipway_sandbox.jail.jail import Jail
from slipway_sandbox.jail.step import Ending, Step
from slipway_sandbox.job import Limits


def version_inside() -> tuple[Ending, bytes]:
    said = bytearray()
    argv = (interpreter.find().path, "-c", "import os, sys; print(sys.version, os.getuid())")
    with Jail.start() as jail:
        step = Step(argv=argv, limits=Limits(), environment=view.ENVIRONMENT)
        return jail.run(step, lambda _stream, data, _at: said.extend(data)), bytes(said)


@pytest.mark.parametrize("path", bubblewrap._candidates())
def test_any_bubblewrap_will_do(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bubblewrap._lacking(path) == []
    monkeypatch.setattr(bubblewrap, "find", lambda: Binary(path, "test"))
    ending, said = version_inside()
    assert ending.status == "succeeded"
    assert said.endswith(b" 1000\n")


def test_our_own_interpreter_works_inside_wherever_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    prefix = os.path.realpath(sys.base_prefix)
    own = Interpreter(base, None if prefix == "/usr" else prefix)
    monkeypatch.setattr(interpreter, "find", lambda: own)
    ending, said = version_inside()
    assert ending.status == "succeeded"
    assert said.startswith(sys.version.split()[0].encode())


def test_without_a_uid_to_give_away_ours_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Identity(os.geteuid(), os.getegid(), own=False)
    monkeypatch.setattr(identity, "candidates", lambda _folders: (mine,))
    ending, said = version_inside()
    assert (ending.status, said.split()[-1]) == ("succeeded", b"1000")


def test_what_bubblewrap_complains_about_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "NAMESPACES", (*view.NAMESPACES, "--no-such-option"))
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(NoSandbox, match="no-such-option"):
        Jail.start()
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_refused_namespaces_come_with_a_remedy() -> None:
    said = "bwrap: No permissions to create new namespace, likely because the kernel does not allow it"
    assert "allow user namespaces" in remedy(said)
    assert "unmasked /proc" in remedy("bwrap: Can't mount proc on /newroot/proc: Operation not permitted")
