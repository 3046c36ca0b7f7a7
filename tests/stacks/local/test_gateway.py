"""The gateway as a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stacks.local import gateway
from tests.stacks.local.declared import Running, free_ports, machine

COMMAND = (sys.executable, "-m", "stacks.local.gateway")


@pytest.fixture
def here(tmp_path: Path) -> Running:
    own = machine(free_ports(), str(tmp_path))
    own.save()
    return Running(own)


@contextmanager
def process(here: Running, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = (*COMMAND, here.machine.data, *arguments)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def ready(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n", child.stderr.read() if child.stderr else ""


def test_it_says_ready_answers_on_both_ports_and_ends_at_sigterm(here: Running) -> None:
    with process(here) as child:
        ready(child)
        assert here.request("GET", "/nothing")[::2] == (404, b'{"message":"Not Found"}')
        socket.create_connection((gateway.HOST, here.port + 1)).close()
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=10)
    assert child.returncode == 0 and out == ""
    line = json.loads(next(line for line in err.splitlines() if '"request"' in line))
    assert (line["method"], line["route"], line["status"]) == ("GET", "-", 404)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_taken_port_is_one_line_and_exit_code_3(here: Running, offset: int) -> None:
    with socket.socket() as other:
        other.bind((gateway.HOST, here.port + offset))
        other.listen()
        with process(here) as child:
            out, err = child.communicate(timeout=20)
    assert child.returncode == 3 and out == ""
    assert err.count("\n") == 1 and f"port {here.port + offset}" in err and "taken" in err


def test_a_folder_without_a_machine_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    child = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, text=True, timeout=20, check=False)
    assert child.returncode == 3 and child.stderr.count("\n") == 1 and "machine.json" in child.stderr


def test_it_dies_with_the_process_that_started_it(here: Running) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)\n"
        "print(child.stdout.readline().strip(), child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, *COMMAND, here.machine.data]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        word, pid = parent.stdout.readline().split()
        assert word == "ready"
        parent.kill()
    end = time.monotonic() + 5
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        while time.monotonic() < end:
            socket.create_connection((gateway.HOST, here.port)).close()
            time.sleep(0.05)
        os.kill(int(pid), signal.SIGKILL)
        pytest.fail("the gateway outlived its parent")


def test_an_allowed_origin_is_named_on_the_command_line(here: Running) -> None:
    origin = "https://app.example.com"
    with process(here, "--allow-origin", origin) as child:
        ready(child)
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        assert here.request("OPTIONS", "/v1/x", headers=headers)[1]["access-control-allow-origin"] == origin


def test_it_listens_on_the_loopback_address_only() -> None:
    with contextlib.closing(gateway.listen(0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
