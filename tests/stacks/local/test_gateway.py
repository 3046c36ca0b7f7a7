"""The gateway as processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from stacks.local import ports
from stacks.local.ports import HOST
from tests.stacks.local.declared import Running, free_ports, machine

COMMAND = (sys.executable, "-m", "stacks.local.gateway")
PARTS = ("http", "websocket")


@pytest.fixture
def here(tmp_path: Path) -> Running:
    own = machine(free_ports(), str(tmp_path))
    own.save()
    return Running(own)


@contextmanager
def process(
    here: Running, part: str, *arguments: str, pass_fds: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    command = (*COMMAND, part, here.machine.data, *arguments)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=pass_fds)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def ready(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n", child.stderr.read() if child.stderr else ""


def ended(child: subprocess.Popen[str]) -> list[str]:
    """The lines of its log, after SIGTERM."""
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=10)
    assert child.returncode == 0 and out == ""
    return err.splitlines()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_the_http_process_says_ready_answers_and_ends_at_sigterm(here: Running) -> None:
    with process(here, "http") as child:
        ready(child)
        assert here.request("GET", "/nothing")[::2] == (404, b'{"message":"Not Found"}')
        assert [ports.listening(number) for number in ports.around(here.port)] == [1, 0, 0]
        (line,) = [json.loads(line) for line in ended(child) if '"request"' in line]
    assert (line["method"], line["route"], line["status"]) == ("GET", "-", 404)


def test_the_websocket_process_answers_on_two_ports_and_ends_at_sigterm(here: Running) -> None:
    with process(here, "websocket") as child:
        ready(child)
        assert here.request("GET", "/", port=here.port + 1)[0] == 426
        assert here.request("GET", "/@connections/x", port=here.port + 2)[0] == 403
        assert ports.listening(here.port) == 0
        ended(child)


def test_http_processes_share_the_port_and_each_answers(here: Running) -> None:
    with process(here, "http", "--processes", "2") as one, process(here, "http", "--processes", "2") as other:
        ready(one), ready(other)
        for _ in range(60):  # each connection goes to one by chance: 2 in 2^60 that one gets none
            assert here.request("GET", "/nothing")[0] == 404
        counts = [sum('"request"' in line for line in ended(child)) for child in (one, other)]
    assert sum(counts) == 60 and all(counts), counts


def test_when_an_http_process_is_killed_the_other_one_answers_every_request(here: Running) -> None:
    with process(here, "http") as one, process(here, "http") as other:
        ready(one), ready(other)
        one.kill()
        one.wait(5)
        until(lambda: ports.listening(here.port) == 1)
        assert [here.request("GET", "/nothing")[0] for _ in range(20)] == [404] * 20
        with process(here, "http") as again:
            ready(again)
            assert ports.listening(here.port) == 2


@pytest.mark.parametrize(("part", "offset"), [("http", 0), ("websocket", 0), ("websocket", 1), ("websocket", 2)])
def test_a_taken_port_is_one_line_and_exit_code_3(here: Running, part: str, offset: int) -> None:
    with socket.create_server((HOST, here.port + offset)), process(here, part) as child:
        out, err = child.communicate(timeout=20)
    assert child.returncode == 3 and out == ""
    assert err.count("\n") == 1 and f"port {here.port + offset} cannot be had" in err


def test_listeners_that_are_kept_for_it_outlive_it_and_callers_wait_for_the_next(here: Running) -> None:
    first, second = ports.take(here.port)
    with closing(first), closing(second):
        kept = (first.fileno(), second.fileno())
        given = ("--listeners", *map(str, kept))
        with process(here, "websocket", *given, pass_fds=kept) as child:
            ready(child)
            child.kill()
            child.wait(5)
        with closing(socket.create_connection((HOST, here.port + 2), timeout=20)) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            with process(here, "websocket", *given, pass_fds=kept) as child:
                ready(child)
                assert waiting.recv(12) == b"HTTP/1.1 403"


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_without_a_machine_is_one_line_and_exit_code_3(tmp_path: Path, part: str) -> None:
    command = [*COMMAND, part, str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert child.returncode == 3 and child.stderr.count("\n") == 1 and "machine.json" in child.stderr


def test_it_dies_with_the_process_that_started_it(here: Running) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)\n"
        "print(child.stdout.readline().strip(), child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, *COMMAND, "http", here.machine.data]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        word, pid = parent.stdout.readline().split()
        assert word == "ready"
        parent.kill()
    end = time.monotonic() + 5
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        while time.monotonic() < end:
            socket.create_connection((HOST, here.port)).close()
            time.sleep(0.05)
        os.kill(int(pid), signal.SIGKILL)
        pytest.fail("the gateway outlived its parent")


def test_an_allowed_origin_is_named_on_the_command_line(here: Running) -> None:
    origin = "https://app.example.com"
    with process(here, "http", "--allow-origin", origin) as child:
        ready(child)
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        for path in ("/v1/x", "/_objects/artifacts/x"):
            assert here.request("OPTIONS", path, headers=headers)[1]["access-control-allow-origin"] == origin
        status, shown, _ = here.request("GET", "/_objects/artifacts/x", headers={"Origin": origin})
        assert (status, shown["access-control-allow-origin"]) == (403, origin), "a script sees even why it may not"
        others = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        assert (
            here.request("OPTIONS", "/_objects/artifacts/x", headers=others)[1]["access-control-allow-origin"] is None
        )
        assert here.request("GET", "/mail", headers={"Origin": origin})[1]["access-control-allow-origin"] is None
