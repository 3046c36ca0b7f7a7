"""Every limit holds for the run as a whole, and its status names the limit that was met."""

from __future__ import annotations

from typing import Any

MB = 1024 * 1024


def test_wall_time(run: Any) -> None:
    ran = run("import time\ntime.sleep(60)", limits={"wall_seconds": 0.5})
    assert ran.result.status == "timed_out"
    assert 400 < ran.result.wall_ms < 2000


def test_cpu_time_of_all_processes_together(run: Any) -> None:
    program = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    ran = run(program, limits={"cpu_seconds": 1})
    assert ran.result.status == "timed_out"
    assert "CPU" in ran.result.reason
    assert 900 < ran.result.cpu_ms < 3000


def test_memory_of_one_process(run: Any) -> None:
    program = "data = []\nwhile True: data.append(b'x' * 1_000_000)"
    ran = run(program, limits={"memory_bytes": 64 * MB})
    assert ran.result.status == "memory_exceeded"
    assert ran.result.peak_memory_bytes < 300 * MB


def test_memory_of_all_processes_together(run: Any) -> None:
    program = (
        "import os, time\nchildren = [os.fork() for _ in range(2)]\n"
        "data = b'x' * 40_000_000\ntime.sleep(3)\nif all(children): print([os.waitstatus_to_exitcode(os.wait()[1]) "
        "for _ in (1, 2)], flush=True); os.kill(os.getpid(), 9)"
    )
    ran = run(program, limits={"memory_bytes": 100 * MB})
    assert ran.result.status == "memory_exceeded"


def test_a_program_within_its_memory_is_left_alone(run: Any) -> None:
    ran = run("data = b'x' * 60_000_000\nprint(len(data))", limits={"memory_bytes": 128 * MB})
    assert (ran.result.status, ran.stdout) == ("succeeded", b"60000000\n")
    assert 60_000_000 < ran.result.peak_memory_bytes < 128 * MB


def test_a_fork_bomb(run: Any) -> None:
    ran = run({"main.sh": "bomb() { bomb | bomb & }; bomb; while true; do bomb; done"}, limits={"processes": 20})
    assert ran.result.status == "process_limit"
    assert ran.result.wall_ms < 9000


def test_a_program_that_uses_all_its_processes_is_left_alone(run: Any) -> None:
    program = "import threading, time\nfor _ in range(19): threading.Thread(target=time.sleep, args=(1.2,)).start()\n"
    assert run(program, limits={"processes": 20}).result.status == "succeeded"


def test_open_files(run: Any) -> None:
    program = "import os\nfds = []\ntry:\n    while True: fds.append(os.dup(0))\nexcept OSError: print(len(fds) + 3)"
    assert run(program, limits={"open_files": 32}).stdout == b"32\n"


def test_disk_in_many_files(run: Any) -> None:
    program = "n = 0\nwhile True:\n    open(f'f{n}', 'wb').write(b'x' * 1_000_000); n += 1"
    ran = run(program, limits={"disk_bytes": 8 * MB})
    assert ran.result.status == "disk_exceeded"
    assert ran.result.disk_bytes <= 17 * MB


def test_disk_in_temporary_files_counts_too(run: Any) -> None:
    ran = run({"main.sh": "head -c 20000000 /dev/zero > /tmp/x"}, limits={"disk_bytes": 8 * MB})
    assert ran.result.status == "disk_exceeded"


def test_one_file(run: Any) -> None:
    ran = run({"main.sh": "exec head -c 9000000 /dev/zero > big"}, limits={"file_bytes": 1 * MB})
    assert (ran.result.status, ran.result.signal) == ("disk_exceeded", "SIGXFSZ")


def test_output(run: Any) -> None:
    ran = run("while True: print('x' * 1000)", limits={"output_bytes": 100_000})
    assert (ran.result.status, ran.result.truncated) == ("output_exceeded", True)
    assert len(ran.stdout) == ran.result.output_bytes == 100_000


def test_output_that_fits_exactly_is_whole(run: Any) -> None:
    ran = run("print('x' * 999)", limits={"output_bytes": 1000})
    assert (ran.result.status, ran.result.truncated, len(ran.stdout)) == ("succeeded", False, 1000)


def test_output_may_be_forbidden(run: Any) -> None:
    assert run("print(1)", limits={"output_bytes": 0}).result.status == "output_exceeded"
    assert run("pass", limits={"output_bytes": 0}).result.status == "succeeded"
