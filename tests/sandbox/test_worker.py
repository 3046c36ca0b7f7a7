"""The worker's protocol, against a real receiver: one job, its output, files and result, whatever the network does."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.receiver import Receiver, wait

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A real worker process, started as a supervisor does."""

    def __init__(self, languages: dict[str, str], *options: str) -> None:
        command = [sys.executable, "-m", "slipway_sandbox.worker", "--bind", "127.0.0.1:0", *options]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers/sandbox"), "SLIPWAY_SECRET": "hunter2"}
        self.process = subprocess.Popen(
            [*command, "--languages", json.dumps(languages)], stdout=subprocess.PIPE, env=env, text=True
        )
        assert self.process.stdout
        self.ready = json.loads(self.process.stdout.readline())

    def push(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.ready["address"], timeout=10)
        connection.request("POST", path, body=json.dumps(body), headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer

    def exit_code(self, seconds: float = 20) -> int:
        return self.process.wait(seconds)


@pytest.fixture
def platform() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def start(languages: dict[str, str]) -> Iterator[Any]:
    workers: list[Worker] = []

    def begin(*options: str) -> Worker:
        workers.append(Worker(languages, *options))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        assert worker.process.stdout
        worker.process.stdout.close()


def manifest(url: str, program: str | bytes, **fields: Any) -> dict[str, Any]:
    content = program if isinstance(program, bytes) else program.encode()
    return {
        "run_id": "run_1",
        "attempt": 1,
        "token": "slp_run_secret",
        "report_url": f"{url}/v1/worker/runs/run_1",
        "sources": {"inline": [{"path": "main.py", "content_base64": base64.b64encode(content).decode()}]},
        **fields,
    }


def test_a_job_is_run_reported_and_the_worker_ends(start: Any, platform: Receiver, languages: dict[str, str]) -> None:
    worker = start()
    assert worker.ready["ready"] is True
    assert worker.ready["languages"] == languages
    program = (
        "import os, sys\nos.mkdir('out')\nopen('out/x.txt', 'w').write('kept')\nprint('hello')\nprint(os.environ)\n"
        "print('bad', file=sys.stderr)\nsys.exit(3)"
    )
    body = manifest(platform.url, program, artifacts={"patterns": ["out/**"], "max_files": 5, "max_bytes": 1000})
    assert worker.push("/job", body) == (202, {"accepted": True})
    result = platform.result()
    assert (result["status"], result["exit_code"], result["attempt"]) == ("failed", 3, 1)
    assert result["language_version"] == languages["python"]
    assert result["isolation"]["network"] == "none but loopback"
    digest = hashlib.sha256(b"kept").hexdigest()
    assert result["artifacts"] == [{"path": "out/x.txt", "size": 4, "sha256": digest}]
    assert platform.uploads == {"/put/out/x.txt?signed=1": b"kept"}
    assert platform.output("stdout").startswith(b"hello\n")
    assert b"hunter2" not in platform.output("stdout")
    assert platform.output("stderr") == b"bad\n"
    assert platform.tokens == {"Bearer slp_run_secret"}
    assert worker.exit_code() == 0


def test_the_first_output_comes_before_the_end(start: Any, platform: Receiver) -> None:
    worker = start()
    worker.push("/job", manifest(platform.url, "import time\nprint(1)\ntime.sleep(1)\nprint(2)"))
    platform.result()
    first, last = platform.reports[0], platform.reports[-1]
    assert first[1].endswith("/output")
    assert last[0] - first[0] > 0.8
    chunk = first[2]["chunks"][0]
    assert (chunk["seq"], chunk["stream"]) == (1, "stdout")
    assert base64.b64decode(chunk["data_base64"]).startswith(b"1")
    assert chunk["at"].endswith("Z")


def test_reports_survive_errors_and_lost_connections(start: Any, platform: Receiver) -> None:
    platform.faults = {"output": [500, 0, 503], "result": [0, 502], "artifacts": [500]}
    worker = start()
    body = manifest(platform.url, "print('x' * 300_000)\nopen('a', 'w')", artifacts={"patterns": ["a"]})
    worker.push("/job", body)
    result = platform.result()
    assert result["status"] == "succeeded"
    assert [a["path"] for a in result["artifacts"]] == ["a"]
    assert platform.output("stdout") == b"x" * 300_000 + b"\n"
    for report in platform.of("output"):
        sizes = [len(base64.b64decode(c["data_base64"])) for c in report["chunks"]]
        assert max(sizes) <= 16 * 1024
        assert sum(sizes) <= 128 * 1024
    assert worker.exit_code() == 0


def test_a_receiver_that_was_down_gets_everything_later(start: Any) -> None:
    port_holder = Receiver()
    port = port_holder.server_address[1]
    port_holder.close()
    worker = start()
    assert worker.push("/job", manifest(f"http://127.0.0.1:{port}", "for n in range(100): print(n)"))[0] == 202
    time.sleep(1)
    late = Receiver(port)
    assert late.result()["status"] == "succeeded"
    assert late.output("stdout") == b"".join(b"%d\n" % n for n in range(100))
    late.close()


def test_a_worker_takes_one_job(start: Any, platform: Receiver) -> None:
    worker = start()
    body = manifest(platform.url, "import time\ntime.sleep(1)")
    assert worker.push("/job", body)[0] == 202
    assert worker.push("/job", body)[0] == 409
    platform.result()
    assert worker.exit_code() == 0


def test_a_malformed_manifest_is_refused_and_the_worker_stays_free(start: Any, platform: Receiver) -> None:
    worker = start()
    for bad in ({}, [], None, {"run_id": 1}, manifest("ftp://x", ""), {**manifest(platform.url, ""), "extra": 1}):
        status, answer = worker.push("/job", bad)
        assert (status, answer["code"]) == (400, "bad_manifest")
    assert worker.push("/other", {})[0] == 404
    assert worker.push("/job", manifest(platform.url, "print(1)"))[0] == 202
    assert platform.result()["status"] == "succeeded"


def test_only_the_token_of_the_job_cancels_it(start: Any, platform: Receiver) -> None:
    worker = start()
    assert worker.push("/cancel", {"token_sha256": ""})[0] == 403
    worker.push("/job", manifest(platform.url, "import time\nprint(1)\ntime.sleep(60)"))
    wait(lambda: platform.output("stdout") == b"1\n")
    for wrong in ({"token_sha256": "0" * 64}, {"token": "slp_run_secret"}, {}, [], {"token_sha256": "é"}):
        assert worker.push("/cancel", wrong)[0] == 403
    assert worker.push("/cancel", {"token_sha256": hashlib.sha256(b"slp_run_secret").hexdigest()})[0] == 202
    assert platform.result(5)["status"] == "cancelled"
    assert worker.exit_code() == 0


def test_the_answer_to_a_report_cancels_too(start: Any, platform: Receiver) -> None:
    platform.cancel = True
    worker = start()
    worker.push("/job", manifest(platform.url, "import time\nprint(1)\ntime.sleep(60)"))
    assert platform.result(5)["status"] == "cancelled"
    assert worker.exit_code() == 0


def test_a_silent_run_hears_of_its_cancellation_by_heartbeat(start: Any, platform: Receiver) -> None:
    platform.cancel = True
    worker = start()
    worker.push("/job", manifest(platform.url, "import time\ntime.sleep(60)"))
    assert platform.result(10)["status"] == "cancelled"
    assert platform.of("heartbeat") == [{"attempt": 1}]


def test_a_stale_attempt_stops_and_reports_nothing_more(start: Any, platform: Receiver) -> None:
    platform.faults = {"output": [409]}
    worker = start()
    worker.push("/job", manifest(platform.url, "import time\nprint(1)\ntime.sleep(60)"))
    assert worker.exit_code(5) == 0
    assert platform.reports == []


def test_sigterm_reports_the_run_as_lost(start: Any, platform: Receiver) -> None:
    worker = start()
    worker.push("/job", manifest(platform.url, "import time\nprint(1)\ntime.sleep(60)"))
    wait(lambda: platform.output("stdout") == b"1\n")
    worker.process.send_signal(signal.SIGTERM)
    result = platform.result(5)
    assert result["status"] == "lost"
    assert "told to stop" in result["reason"]
    assert worker.exit_code(5) == 0


def test_sigterm_ends_an_idle_worker(start: Any) -> None:
    worker = start()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.exit_code(5) == 0


def test_output_beyond_the_limit_ends_the_run_with_a_mark(start: Any, platform: Receiver) -> None:
    worker = start()
    worker.push("/job", manifest(platform.url, "while True: print('x' * 99)", limits={"output_bytes": 50_000}))
    result = platform.result()
    assert (result["status"], result["truncated"], result["output_bytes"]) == ("output_exceeded", True, 50_000)
    assert len(platform.output("stdout")) == 50_000
    assert b"output limit" in platform.output("system")


def test_sources_may_come_as_a_bundle(start: Any, platform: Receiver) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("main.py", "import part\nprint(part.x)")
        zipped.writestr("part.py", "x = 5")
    platform.bundle = archive.getvalue()
    sources = {"bundle_url": f"{platform.url}/b?s=1", "sha256": hashlib.sha256(platform.bundle).hexdigest()}
    start().push("/job", manifest(platform.url, "", sources=sources))
    platform.result()
    assert platform.output("stdout") == b"5\n"
    start().push("/job", manifest(platform.url, "", sources={**sources, "sha256": "0" * 64}))
    wait(lambda: len(platform.of("result")) == 2)
    assert platform.result()["status"] == "lost"
    assert "sha-256" in platform.result()["reason"]


def test_a_job_with_more_disk_than_was_prepared_gets_it(start: Any, platform: Receiver) -> None:
    worker = start("--disk-bytes", "1000000")
    body = manifest(platform.url, "open('x', 'wb').write(b'x' * 5_000_000)", limits={"disk_bytes": 10_000_000})
    worker.push("/job", body)
    assert platform.result()["status"] == "succeeded"


def test_a_job_with_less_disk_than_was_prepared_is_held_to_it(start: Any, platform: Receiver) -> None:
    program = "import time\nopen('x', 'wb').write(b'x' * 5_000_000)\ntime.sleep(30)"
    start().push("/job", manifest(platform.url, program, limits={"disk_bytes": 1_000_000}))
    assert platform.result()["status"] == "disk_exceeded"


def test_poisonous_output_arrives_as_it_was(start: Any, platform: Receiver) -> None:
    poison = b"\\0\\xff\\xfe" + b"l" * 900_000
    start().push(
        "/job", manifest(platform.url, b"import sys\nsys.stdout.buffer.write(b'\\0\\xff\\xfe' + b'l' * 900_000)")
    )
    assert platform.result()["status"] == "succeeded"
    assert platform.output("stdout") == poison.replace(b"\\0\\xff\\xfe", b"\0\xff\xfe")


def test_a_worker_and_its_sandbox_end_with_their_parent(
    languages: dict[str, str], platform: Receiver, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "slipway_sandbox.worker",
        "--die-with-parent",
        "--languages",
        json.dumps(languages),
    ]
    parent = f"import subprocess, time\np = subprocess.Popen({command!r})\nprint(p.pid, flush=True)\ntime.sleep(60)"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers/sandbox")}
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, env=env, text=True) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert json.loads(process.stdout.readline())["ready"]
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert children
        process.kill()
        wait(lambda: not any(_alive(p) for p in (str(pid), *children)), 5)


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
