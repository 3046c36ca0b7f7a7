from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.live.conftest import ROOT, Platform


@pytest.fixture(scope="module")
def told(platform: Platform) -> list[str]:
    """What the demo prints, line by line."""
    command = [sys.executable, "-m", "scripts.demo", "--port", str(platform.port), "--data", str(platform.data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_every_program_runs_to_its_own_end(told: list[str]) -> None:
    ended = [line.split("exit code ")[1].split(",")[0] for line in told if line.lstrip().startswith("ended ")]
    assert ended == ["0", "0", "0", "7"], told
    assert not any(line.lstrip().startswith("stopped") for line in told)
    assert any("fetched  receipt.txt: 'thank you" in line for line in told)


@pytest.mark.parametrize(
    ("step", "refusal"),
    [
        ("looks in", "404 not_found"),
        ("Bob edits", "403 forbidden"),
        ("once more", "401 invalid_token"),
        ("it writes", "403 insufficient_scope"),
        ("revoked", "401 unauthenticated"),
        ("one more", "402 quota_exceeded"),
    ],
)
def test_team_work_is_refused_where_it_should_be(told: list[str], step: str, refusal: str) -> None:
    (line,) = [line for line in told if line.lstrip().startswith(f"{step}  ")]
    assert line.strip().startswith(f"{step}  {refusal}:")


def test_what_is_allowed_between_the_refusals_works(told: list[str]) -> None:
    text = "\n".join(told)
    assert re.search(r"^ +Bob reads  import sys, time$", text, re.M)
    assert re.search(r"^ +it reads  \d{3} bytes of main.py$", text, re.M)
    assert re.search(r"^ +ran  run (\d+) of \1 today$", text, re.M)
    assert re.search(r"limit runs_per_day · allowed \d+ · used \d+ · resets_at .* · allowed_by ", text)
