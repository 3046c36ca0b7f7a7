"""Writing the CloudFormation templates of an environment, from a clean folder."""

from __future__ import annotations

import subprocess
import tempfile
import time

from scripts.bench import samples
from scripts.bench.ground import ROOT
from scripts.bench.report import Figure

TURNS = 2
TARGET_SECONDS = 60


def run() -> list[Figure]:
    took = samples.spread([seconds() for _ in range(TURNS)])
    return [Figure("scripts/synth dev", took.text("s", 1), f"< {TARGET_SECONDS} s", took.median < TARGET_SECONDS)]


def seconds() -> float:
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        subprocess.run([ROOT / "scripts" / "synth", "dev", folder], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin
