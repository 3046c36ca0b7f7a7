from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stacks.local import doctor, lock
from stacks.local.cli import app
from tests.stacks.local.declared import free_ports


def slipway(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_status_and_down_of_a_folder_where_nothing_runs(tmp_path: Path) -> None:
    assert slipway("status", "--data", str(tmp_path)).exit_code == 1
    answer = slipway("status", "--data", str(tmp_path), "--json")
    assert json.loads(answer.stdout) == {"data": str(tmp_path), "running": False}
    assert slipway("down", "--data", str(tmp_path)).exit_code == 0


def test_down_ends_the_holder_of_the_folder(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; from pathlib import Path; from stacks.local import lock\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
        "with lock.held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    answer = slipway("down", "--data", str(tmp_path), "--json")
    assert json.loads(answer.stdout) == {"stopped": other.pid}
    assert other.wait(5) == 0


def test_doctor_is_content_with_this_machine_and_names_the_languages(tmp_path: Path) -> None:
    answer = slipway("doctor", "--data", str(tmp_path), "--port", str(free_ports()), "--json")
    findings = {f["name"]: f for f in json.loads(answer.stdout)["findings"]}
    assert answer.exit_code == 0, answer.stdout
    assert {"system", "Python", "programs", "user", "ports", "data folder", "disk", "sandbox"} <= set(findings)
    assert findings["python"]["ok"]


def test_doctor_names_the_remedy_and_fails_when_a_needed_thing_is_missing(tmp_path: Path) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 2)):
        answer = slipway("doctor", "--data", str(tmp_path), "--port", str(port))
    assert answer.exit_code == 1
    assert f"MISSING ports        port {port + 2} cannot be had" in answer.stdout
    assert "→ choose another with PORT=" in answer.stdout


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.disk(tmp_path / "not" / "there").ok
    monkeypatch.setattr(doctor, "FREE_NEEDED", 2**40)
    found = doctor.disk(tmp_path)
    assert not found.ok
    assert "MB free" in found.found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_refused() -> None:
    assert not doctor.writable(Path("/usr/slipway")).ok


def test_logs_shows_the_last_lines_of_one_log_or_all(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "gateway.log").write_text("1\n2\n3\n")
    (logs / "workers.log").write_bytes(b"bad \xff byte\n")
    assert slipway("logs", "gateway", "-n", "2", "--data", str(tmp_path)).stdout == "2\n3\n"
    answer = slipway("logs", "--data", str(tmp_path), "--json")
    assert [json.loads(line)["log"] for line in answer.stdout.splitlines()] == ["gateway"] * 3 + ["workers"]
    (logs / "http-1.log").write_text("a\n")
    (logs / "http-2.log").write_text("b\n")
    assert slipway("logs", "http", "--data", str(tmp_path)).stdout == "http-1     a\nhttp-2     b\n"
    assert slipway("logs", "http-2", "--data", str(tmp_path)).stdout == "b\n"
    missing = slipway("logs", "nobody", "--data", str(tmp_path))
    assert missing.exit_code == 1
    assert "there is: gateway, http-1, http-2, workers" in missing.stderr


def test_logs_follows_what_is_written_and_a_log_that_was_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "gateway.log"
    log.parent.mkdir()
    log.write_text("old old old\n")
    command = [sys.executable, "-m", "stacks.local.cli", "logs", "gateway", "-f", "--data", str(tmp_path)]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "old old old\n"
        with log.open("a") as file:
            file.write("whole\nhal")
            file.flush()
            assert reader.stdout.readline() == "whole\n"
            file.write("f\n")
        assert reader.stdout.readline() == "half\n"
        log.unlink()
        log.write_text("new\n")
        assert reader.stdout.readline() == "new\n"
    finally:
        reader.kill()
        reader.wait()


def test_wrong_usage_is_exit_code_two() -> None:
    assert slipway("up", "--port", "0").exit_code == 2
    assert slipway("up", "--port", "65534").exit_code == 2
    assert slipway("up", "--http-processes", "0").exit_code == 2
    assert slipway("nonsense").exit_code == 2


def test_help_needs_no_database_driver() -> None:
    code = "import sys; from stacks.local import cli; print([m for m in sys.modules if m.split('.')[0] in ('psycopg', 'rich')])"
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"import of the command line: {(time.monotonic() - begin) * 1000:.0f} ms")
    assert "psycopg" not in done.stdout


def test_the_lock_names_us_while_we_hold_it(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        assert lock.holder(tmp_path) == os.getpid()
