"""Each environment is synthesized once for a test session, by the script that people run, whatever the number of
pytest's workers."""

from __future__ import annotations

import fcntl
import json
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from stacks import layer
from stacks.environment import ROOT

ENVIRONMENTS = ("dev", "staging", "prod")


@dataclass(frozen=True)
class Assembly:
    """What a synthesis wrote."""

    name: str
    folder: Path

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        """By the stack's name without the prefix: `routes-projects`."""
        prefix, suffix = f"slipway-{self.name}-", ".template.json"
        files = sorted(self.folder.glob(f"*{suffix}"))
        return {f.name.removeprefix(prefix).removesuffix(suffix): json.loads(f.read_text()) for f in files}

    @cached_property
    def resources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every resource, by (stack, logical id)."""
        return {
            (stack, id): resource
            for stack, template in self.templates.items()
            for id, resource in template.get("Resources", {}).items()
        }

    def of(self, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The properties of every resource of an AWS type."""
        return {key: r.get("Properties", {}) for key, r in self.resources.items() if r["Type"] == kind}


def synth(name: str, folder: Path) -> Assembly:
    """Without credentials and without a Docker: the environment is empty but for the PATH."""
    done = subprocess.run(
        [ROOT / "scripts" / "synth", name, folder],
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"scripts/synth {name} failed:\n{done.stdout}\n{done.stderr}"
    return Assembly(name, folder)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session see."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, shared: Path) -> Assembly:
    return synthesized(request.param, shared)


@pytest.fixture(scope="session")
def prod(shared: Path) -> Assembly:
    return synthesized("prod", shared)


def synthesized(name: str, shared: Path) -> Assembly:
    folder = shared / f"cdk-{name}"
    # One lock for all: synthesis fills build/, which they share.
    with (shared / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "manifest.json").exists():
            return Assembly(name, folder)
        layer.named("deps")  # fetched here: in an empty environment there is no mirror and no certificate of one
        return synth(name, folder)


def flat(value: Any) -> str:
    """An intrinsic as one readable string: `arn:${AWS::Partition}:sqs:…`, imports as `${export-name}`."""
    match value:
        case str() | int():
            return str(value)
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::ImportValue": name}:
            return f"${{{flat(name)}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": text}:
            return str(text)
        case {"Fn::Join": [between, parts]}:
            return str(between).join(flat(part) for part in parts)
    raise TypeError(f"flat() does not know {value!r}")
