"""What a host offers is found by doing it; what it lacks comes with the remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from slipway_sandbox import check
from slipway_sandbox.jail import bubblewrap, view
from slipway_sandbox.languages import registry

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_prints_what_works() -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers/sandbox")}
    command = [sys.executable, "-m", "slipway_sandbox.check"]
    said = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert found["problems"] == []
    assert "python" in found["languages"]
    assert found["isolation"]["network"] == "none but loopback"
    assert "python" in subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def test_a_language_that_fails_its_self_test_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(registry.LANGUAGES["shell"], self_test="echo wrong")
    absent = replace(registry.LANGUAGES["c"], find=lambda: None)
    monkeypatch.setattr(check, "LANGUAGES", {"shell": broken, "c": absent})
    found = check.check()
    assert found.languages == {}
    assert "self-test" in found.missing["shell"]
    assert found.missing["c"] == absent.remedy
    assert not found.usable


def test_a_wall_that_does_not_stand_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tuple(option for option in view.NAMESPACES if option != "--unshare-net")
    monkeypatch.setattr(view, "NAMESPACES", shared)
    monkeypatch.setattr(check, "LANGUAGES", {})
    monkeypatch.setattr(check, "PROBE", check.PROBE.replace('("192.0.2.1", 80), 2)', '("127.0.0.1", 1), 2)'))
    assert any("network" in problem for problem in check.check().problems)


def test_a_probe_that_hangs_is_not_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "PROBE", "import time\ntime.sleep(60)")
    monkeypatch.setattr(check, "LIMITS", replace(check.LIMITS, wall_seconds=0.3))
    assert "timed_out" in check.check().problems[0]


def test_without_bubblewrap_the_remedy_is_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    bubblewrap.find.cache_clear()
    monkeypatch.setattr(bubblewrap, "_candidates", list)
    found = check.check()
    bubblewrap.find.cache_clear()
    assert not found.usable
    assert "bubblewrap" in found.problems[0]
    assert "install" in found.problems[0]
