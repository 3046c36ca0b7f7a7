from __future__ import annotations

import http.client
import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from stacks.local import lock, machine, ports, postgres
from tests.stacks.local.declared import free_ports
from tests.stacks.local.started import Up

pytestmark = pytest.mark.slow


# A user namespace that allows one more inside it, which is used up at once: as on a kernel that refuses them.
LIMIT = "echo 1 > /proc/sys/user/max_user_namespaces"
ORDINARY = 'exec unshare --user --map-user=1000 --map-group=1000 -- "$@"'
NO_MORE_NAMESPACES = ("unshare", "--user", "--map-root-user", "--", "sh", "-c", f"{LIMIT} && {ORDINARY}", "sh")


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def port(facts: dict[str, Any]) -> int:
    return int(facts["api"].rpartition(":")[2])


def sees_websockets(facts: dict[str, Any]) -> bool:
    """The WebSocket API answers, and so does its @connections."""
    for number, status in ((port(facts) + 1, 426), (port(facts) + 2, 403)):
        try:
            get(f"http://127.0.0.1:{number}/")
            return False
        except urllib.error.HTTPError as error:
            if error.code != status:
                return False
        except OSError:
            return False
    return True


@contextmanager
def asking(url: str, clients: int) -> Iterator[list[int]]:
    """So many clients that ask one time after another; what each request got: its status, or 0 when it was lost."""
    answers: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                answers.append(get(url))
            except (OSError, http.client.HTTPException):
                answers.append(0)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join(20)


def healthy(facts: dict[str, Any]) -> bool:
    try:
        return get(f"{facts['api']}/health") == 200
    except OSError:
        return False


def test_it_starts_answers_and_leaves_nothing_behind(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    assert get(f"{facts['api']}/health") == 200
    assert get(facts["docs"]) == 200
    assert "python" in facts["languages"]
    assert machine.load(one.data).owner_url
    family = one.family()
    assert len(family) > 5
    one.process.send_signal(signal.SIGTERM)
    _, said = one.process.communicate(timeout=60)
    assert one.process.returncode == 0
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert not (one.data / lock.NAME).exists()
    steps = [line.split()[0] for line in said.splitlines() if line.endswith(" ms")]
    assert steps == ["check", "data", "Postgres", "migrations", "queues", "gateway", "consumers", "workers", "ready"]


def test_what_was_kept_is_there_again_and_the_second_start_is_quick(up: Callable[..., Up]) -> None:
    one = up()
    one.ready()
    secrets = machine.load(one.data).signing_seed
    one.process.terminate()
    one.process.wait(60)
    again = up()
    again.ready()
    assert machine.load(one.data).signing_seed == secrets
    print(f"warm start: {again.seconds:.2f} s")
    assert again.seconds < 20  # the promise is 5 on an idle machine; this only catches a hang


def test_killed_it_takes_everything_along_and_the_next_one_recovers(up: Callable[..., Up]) -> None:
    one = up()
    one.ready()
    family = one.family()
    one.process.kill()
    assert psutil.wait_procs(family, timeout=15)[1] == []
    assert up().ready()["languages"]


def test_a_killed_part_comes_back(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    for what in ("gateway websocket", "postgres"):
        (victim,) = [p for p in psutil.Process(one.process.pid).children() if what in " ".join(p.cmdline()[:4])]
        victim.kill()
        victim.wait(5)
        until(lambda: healthy(facts) and sees_websockets(facts))
    url = machine.load(one.data).owner_url
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_killed_http_process_costs_only_what_it_had_in_work_and_comes_back(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    assert facts["http_processes"] == 2
    victim = next(p for p in one.family() if "stacks.local.gateway http" in " ".join(p.cmdline()))
    with asking(f"{facts['api']}/health", clients=4) as answers:
        until(lambda: len(answers) > 100)
        victim.kill()
        until(lambda: ports.listening(port(facts)) == 1, 5)
        between = len(answers)
        until(lambda: len(answers) > between + 100)
        until(lambda: ports.listening(port(facts)) == 2)
        again = len(answers)
        until(lambda: len(answers) > again + 100)
    lost = [answer for answer in answers if answer != 200]
    assert len(lost) <= 4, lost  # one in work for each client at most
    names = [" ".join(p.cmdline()) for p in one.family()]
    assert sum("stacks.local.gateway http" in name for name in names) == 2


def test_all_killed_http_processes_come_back(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    for victim in [p for p in one.family() if "stacks.local.gateway http" in " ".join(p.cmdline())]:
        victim.kill()
        victim.wait(5)
    until(lambda: ports.listening(port(facts)) == 2)
    assert healthy(facts)


def test_a_second_platform_on_the_port_or_beside_it_is_refused(up: Callable[..., Up], tmp_path: Path) -> None:
    one = up()
    facts = one.ready()
    for number in (port(facts) - 1, port(facts), port(facts) + 2):
        code, said = up(tmp_path / f"other-{number}", port=number).refusal()
        assert code == 3
        assert "cannot be had (address already in use)" in said
    assert ports.listening(port(facts)) == 2
    assert healthy(facts)


def test_a_second_up_on_the_same_data_is_refused(up: Callable[..., Up]) -> None:
    one = up()
    one.ready()
    code, said = up(one.data).refusal()
    assert code == 3
    assert f"in use by another slipway up (pid {one.process.pid})" in said


@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_port_is_named_with_the_way_out(up: Callable[..., Up], shared: bool) -> None:
    number = free_ports()
    with ports.listen(number, shared=shared):
        code, said = up(port=number).refusal()
    assert code == 3
    assert f"port {number} cannot be had" in said
    assert "PORT=" in said


def test_data_of_a_newer_version_is_left_alone(up: Callable[..., Up], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    kept = json.dumps({"format": machine.FORMAT + 1, "unknown": True})
    (tmp_path / "data" / "machine.json").write_text(kept)
    code, said = up().refusal()
    assert code == 3
    assert "written by a newer Slipway" in said
    assert (tmp_path / "data" / "machine.json").read_text() == kept


def test_a_data_folder_that_cannot_be_written_is_named_with_the_way_out(up: Callable[..., Up], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = up(tmp_path / "file" / "data").refusal()
    assert code == 3
    assert "cannot be written" in said
    assert "DATA=" in said


def test_another_server_is_used_when_it_is_given_and_its_address_is_not_passed_on(
    up: Callable[..., Up], tmp_path: Path
) -> None:
    with postgres.running(tmp_path / "other") as server:
        one = up(DATABASE_URL=server.superuser_url)
        one.ready()
        assert not (one.data / "postgres").exists()
        gateway = next(p for p in one.family() if "stacks.local.gateway http" in " ".join(p.cmdline()))
        assert "DATABASE_URL" not in gateway.environ()
        one.process.terminate()
        one.process.wait(60)


def test_another_server_that_does_not_answer_is_told_without_its_password(up: Callable[..., Up]) -> None:
    code, said = up(DATABASE_URL="postgresql://me:hush@127.0.0.1:1/postgres").refusal()
    assert code == 3
    assert "check DATABASE_URL" in said
    assert "hush" not in said


def test_without_a_sandbox_it_starts_and_says_that_runs_are_unavailable(up: Callable[..., Up]) -> None:
    facts = up(within=NO_MORE_NAMESPACES).ready()
    assert facts["languages"] == []
    assert facts["runs"].startswith("unavailable: ")
    assert healthy(facts)


def test_a_web_app_elsewhere_may_call_when_its_origin_was_named(up: Callable[..., Up]) -> None:
    app, other = "https://app.example.com", "http://localhost:5173"
    facts = up(ALLOW_ORIGINS=f"{app} {other}").ready()
    for origin, allowed in ((app, app), (other, other), ("https://evil.example", None)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        ask = urllib.request.Request(f"{facts['api']}/v1/auth/login", method="OPTIONS", headers=headers)
        with urllib.request.urlopen(ask, timeout=5) as answer:
            assert answer.headers["access-control-allow-origin"] == allowed
