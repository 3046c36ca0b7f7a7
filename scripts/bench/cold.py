"""Cold start: import and first call of a real POST route in a fresh process, against FastAPI + Mangum and bare imports."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.bench import event, samples
from scripts.bench.ground import ROOT, Ground, ground
from scripts.bench.report import Figure

TURNS = 15
FASTAPI, BARE = 0.45, 1.3


class Process:
    """Starts one variant again and again; `cpu` collects beside the wall times that a call returns, in ms."""

    def __init__(self, variant: str, here: Ground) -> None:
        self.command = [sys.executable, "-m", "scripts.bench.first_call", variant]
        self.environment = here.environment()
        self.event = json.dumps(event.create_project(here.workspace_id, here.user_id, here.session_id, {"name": "P"}))
        self.cpu: list[float] = []

    def __call__(self) -> float:
        done = subprocess.run(
            self.command,
            input=self.event,
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        if found["status"] != 201:
            raise RuntimeError(f"{self.command[-1]} answered {found['status']}: {done.stdout}")
        self.cpu.append(found["cpu"])
        return float(found["wall"])


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as here:
        variants = {name: Process(name, here) for name in ("ours", "fastapi", "bare")}
        for process in variants.values():
            process()  # writes bytecode where there is none yet
            process.cpu.clear()
        wall = samples.in_turn(TURNS, variants)
    ours, reference, bare = wall["ours"], wall["fastapi"], wall["bare"]
    by_reference, by_bare = samples.ratio(ours, reference), samples.ratio(ours, bare)
    cpu = samples.ratio(variants["ours"].cpu, variants["fastapi"].cpu)
    return [
        Figure("ours ÷ FastAPI + Mangum", by_reference.text(), f"≤ {FASTAPI}", by_reference.median <= FASTAPI),
        Figure("ours ÷ bare imports", by_bare.text(), f"≤ {BARE}", by_bare.median <= BARE),
        Figure("ours ÷ FastAPI + Mangum, CPU time only", cpu.text()),
        Figure("ours", samples.spread(ours).text("ms", 0)),
        Figure("FastAPI + Mangum", samples.spread(reference).text("ms", 0)),
        Figure("bare imports", samples.spread(bare).text("ms", 0)),
    ]
