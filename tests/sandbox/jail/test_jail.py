"""The walls: what a program cannot see, reach or leave behind. Each has a positive control beside it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from slipway_sandbox.jail.jail import Jail


def python(run: Any, program: str, **fields: Any) -> Any:
    """What a program printed as JSON."""
    ran = run("import json, os, socket, sys\ndef say(x): print(json.dumps(x))\n" + program, **fields)
    assert ran.result.status == "succeeded", (ran.result, ran.stderr)
    return json.loads(ran.stdout)


def test_no_network_but_loopback(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        found = python(
            run,
            f"""
def reach(address):
    try: socket.create_connection(address, 2).close(); return 0
    except OSError as error: return error.errno
own = socket.create_server(("127.0.0.1", 0))
say([reach({host.getsockname()!r}), reach(("1.1.1.1", 53)), reach(own.getsockname())])
""",
        )
    assert found == [111, 101, 0]  # refused: it is another loopback; unreachable; its own


def test_nothing_of_the_platform_in_the_environment(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SECRET", "hunter2")
    found = python(run, "say([dict(os.environ), open('/proc/self/environ').read()])")
    assert "hunter2" not in json.dumps(found)
    assert found[0]["HOME"] == "/tmp"
    assert found[0]["TZ"] == "UTC"


def test_no_process_of_the_host_is_visible(run: Any) -> None:
    assert python(run, "say(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))") == [1, 2]


def test_process_1_cannot_be_read_or_ended(run: Any) -> None:
    program = """
import signal
found = []
for path in ("environ", "mem", "maps", "fd/3", "root/etc", "cwd"):
    try: found.append(os.listdir(f"/proc/1/{path}") if "/" in path else open(f"/proc/1/{path}").read(10))
    except OSError as error: found.append(error.errno)
for number in range(1, 65):
    try: os.kill(1, number)
    except (OSError, ValueError): pass
say(found)
"""
    assert set(python(run, program)) <= {13, 20, 1}


def test_no_descriptor_is_inherited(run: Any) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    found = python(run, "say(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))")
    os.close(reader)
    os.close(writer)
    assert found == [0, 1, 2, 3]  # 3 is the listing itself


def test_programs_are_nobody_special(run: Any) -> None:
    program = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
say([os.getuid(), os.getgid(), *(status[name].strip() for name in ("CapEff", "CapPrm", "NoNewPrivs"))])
"""
    assert python(run, program) == [1000, 1000, "0" * 16, "0" * 16, "1"]


def test_no_new_user_namespace(run: Any) -> None:
    ran = run({"main.sh": "unshare --user true"})
    assert ran.result.exit_code != 0
    assert b"unshare" in ran.stderr


def test_as_root_the_run_has_a_uid_of_its_own_on_the_host() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give uids away")
    with Jail.start() as first, Jail.start() as second:
        uids = {Path(f"/proc/{jail.started.pid}").stat().st_uid for jail in (first, second)}
        owners = {jail.who.uid for jail in (first, second)}
        assert len(owners) == 2
        assert 0 not in owners
        status = Path(f"/proc/{first.started.pid}/status").read_text()
        assert f"Uid:\t{first.who.uid}\t" in status, uids


def test_only_its_own_folders_can_be_written(run: Any) -> None:
    program = """
def write(folder):
    try: open(folder + "/probe", "w").close(); return True
    except OSError: return False
say([f for f in ("/", "/usr", "/etc", "/dev", "/bin", "/proc", "/proc/sys/kernel", "/job", "/tmp", "/dev/shm") if write(f)])
"""
    assert python(run, program) == ["/job", "/tmp", "/dev/shm"]


def test_system_folders_are_shown_selectively(run: Any) -> None:
    found = python(run, "say([sorted(os.listdir('/')), os.listdir('/etc')])")
    assert {"home", "var", "srv", "run", "sys"}.isdisjoint(found[0])
    assert set(found[1]) <= {"passwd", "group", "hosts", "nsswitch.conf", "alternatives", "ld.so.cache", "sandbox"}


def test_two_runs_do_not_see_each_other(run: Any) -> None:
    program = "print(os.path.exists('/tmp/mark') or os.path.exists('/job/mark') or os.path.exists('/dev/shm/mark'))\n"
    program += "[open(p + '/mark', 'w').close() for p in ('/tmp', '/job', '/dev/shm')]"
    assert [run("import os\n" + program).stdout for _ in range(2)] == [b"False\n"] * 2


def test_nothing_is_left_of_a_sandbox(languages: dict[str, str]) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    with Jail.start() as jail:
        assert Path(f"/proc/{jail.started.pid}").exists()
        pid, slot = jail.started.pid, jail.slot
    assert not Path(f"/proc/{pid}").exists()
    assert set(Path("/proc/self/fd").iterdir()) == before
    if slot:
        assert not getattr(slot, "pids", getattr(slot, "path", Path("/"))).joinpath("cgroup.procs").exists()


def test_a_sandbox_is_used_for_one_job_only(languages: dict[str, str]) -> None:
    from slipway_sandbox.execution import execute
    from slipway_sandbox.job import Job, Source

    job = Job(sources=(Source("main.py", b"pass"),))
    with Jail.start() as jail:
        assert execute(jail, job, languages, lambda *_: None).status == "succeeded"
        assert execute(jail, job, languages, lambda *_: None).status != "succeeded"


def test_the_time_zone_and_names_are_the_same_everywhere(run: Any) -> None:
    found = python(
        run, "import pwd, time\nsay([pwd.getpwuid(os.getuid()).pw_name, time.tzname[0], socket.gethostname()])"
    )
    assert found == ["runner", "UTC", "sandbox"]
