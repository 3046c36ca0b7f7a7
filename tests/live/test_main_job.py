from __future__ import annotations

import base64
import time
from urllib.request import urlopen

import pytest

from scripts.client import Client, Json
from tests.live.conftest import Platform


def run(client: Client, files: dict[str, bytes], **body: object) -> tuple[Json, bytes, list[Json]]:
    """The ended run, its stdout, and every event of its room."""
    project = client.project("P")
    for path, content in files.items():
        client.save(project["id"], path, content)
    socket = client.socket()
    started = client.call("POST", f"/v1/projects/{project['id']}/runs", body)
    events = []
    for event in socket.follow(started["id"]):
        events.append(event)
        if event["event"] == "run.finished":
            break
    socket.close()
    out = b"".join(base64.b64decode(e["data"]["data_base64"]) for e in events if is_output(e, "stdout"))
    return events[-1]["data"], out, events


def is_output(event: Json, stream: str) -> bool:
    return event["event"] == "run.output" and event["data"]["stream"] == stream


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("main.py", b"print(6 * 7)", b"42\n"),
        ("main.js", b"console.log(6 * 7)", b"42\n"),
        ("main.sh", b"echo $((6 * 7))", b"42\n"),
        ("main.c", b'#include <stdio.h>\nint main(void) { printf("%d\\n", 6 * 7); return 0; }', b"42\n"),
    ],
)
def test_a_program_runs_and_its_output_arrives(client: Client, path: str, source: bytes, said: bytes) -> None:
    ended, out, events = run(client, {path: source})
    assert (ended["status"], ended["result"]["exit_code"], out) == ("succeeded", 0, said), ended
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))


def test_several_files_input_arguments_and_an_artifact(client: Client) -> None:
    files = {
        "main.py": b"import sys\nfrom lib.words import shout\nprint(shout(sys.stdin.read()), sys.argv[1:])\n"
        b"open('out.txt', 'w').write('kept')\n",
        "lib/words.py": b"def shout(text):\n    return text.upper()\n",
    }
    ended, out, _ = run(client, files, stdin="hello", arguments=["a b", "c"], artifacts=["*.txt"])
    assert ended["status"] == "succeeded", ended
    assert out == b"HELLO ['a b', 'c']\n"
    (artifact,) = client.call("GET", f"/v1/runs/{ended['id']}/artifacts")["data"]
    link = client.call("GET", f"/v1/runs/{ended['id']}/artifacts/{artifact['id']}")["download_url"]
    with urlopen(link) as response:
        assert response.read() == b"kept"


def test_output_arrives_while_the_program_runs(client: Client) -> None:
    project = client.project("P")
    source = b"import time, os\nfor i in range(3):\n    os.write(1, b'%d\\n' % i)\n    time.sleep(0.5)\n"
    client.save(project["id"], "main.py", source)
    socket = client.socket()
    started = client.call("POST", f"/v1/projects/{project['id']}/runs", {})
    seen: list[float] = []
    for event in socket.follow(started["id"]):
        if is_output(event, "stdout"):
            seen.append(time.monotonic())
        if event["event"] == "run.finished":
            break
    assert len(seen) == 3
    assert seen[2] - seen[0] > 0.7, "the chunks came together, not as they were written"


def test_a_reconnect_in_the_middle_gets_exactly_what_it_missed(client: Client) -> None:
    project = client.project("P")
    source = b"import time\nfor i in range(20):\n    print(i, flush=True)\n    time.sleep(0.1)\n"
    client.save(project["id"], "main.py", source)
    started = client.call("POST", f"/v1/projects/{project['id']}/runs", {})
    first, events = client.socket(), []
    for event in first.follow(started["id"]):
        events.append(event)
        if len(events) == 6:
            break
    first.close()
    time.sleep(0.5)
    second = client.socket()
    for event in second.follow(started["id"], after=events[-1]["seq"]):
        events.append(event)
        if event["event"] == "run.finished":
            break
    second.close()
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    out = b"".join(base64.b64decode(e["data"]["data_base64"]) for e in events if is_output(e, "stdout"))
    assert out.split() == [str(i).encode() for i in range(20)]


def test_the_log_route_and_the_room_have_the_same_numbers(client: Client) -> None:
    ended, _, events = run(client, {"main.py": b"for i in range(5): print(i)"})
    log = client.call("GET", f"/v1/runs/{ended['id']}/log")
    assert log["finished"]
    assert [c["seq"] for c in log["chunks"]] == [e["seq"] for e in events if e["event"] == "run.output"]
    rest = client.call("GET", f"/v1/runs/{ended['id']}/log?after={log['chunks'][-1]['seq']}")
    assert rest["chunks"] == []


def test_cancel_ends_a_running_program(client: Client) -> None:
    project = client.project("P")
    client.save(project["id"], "main.py", b"import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    socket = client.socket()
    started = client.call("POST", f"/v1/projects/{project['id']}/runs", {})
    begin = 0.0
    for event in socket.follow(started["id"]):
        if event["event"] == "run.output" and not begin:
            client.call("POST", f"/v1/runs/{started['id']}/cancel")
            begin = time.monotonic()
        if event["event"] == "run.finished":
            assert event["data"]["status"] == "cancelled"
            break
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (b"import sys; sys.exit(3)", "failed"),
        (b"import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signalled"),
        (b"while True: pass", "timed_out"),
        (b"x = bytearray(2 * 2**30)\nprint(len(x))", "memory_exceeded"),
        (b"while True: print('x' * 1000000)", "output_exceeded"),
    ],
)
def test_what_ended_a_program_is_told(client: Client, source: bytes, status: str) -> None:
    ended, _, _ = run(client, {"main.py": source}, wall_seconds=5)
    if status == "memory_exceeded":  # Python sees the refusal as a MemoryError where rlimits are all there is
        assert ended["status"] in ("memory_exceeded", "failed"), ended
    else:
        assert ended["status"] == status, ended


def test_two_people_at_once_see_their_own(platform: Platform) -> None:
    ann, bob = platform.client(), platform.client()
    ann.register("Ann")
    bob.register("Bob")
    results = [run(ann, {"main.py": b"print('ann')"}), run(bob, {"main.py": b"print('bob')"})]
    assert [out for _, out, _ in results] == [b"ann\n", b"bob\n"]
    assert bob.send("GET", f"/v1/runs/{results[0][0]['id']}").status == 404
