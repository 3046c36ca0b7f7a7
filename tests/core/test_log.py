from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import log

from tests.api import Api, Person
from tests.core.backstage import consume, deliver, say, tick, uuid_of
from tests.core.worker import Worker

Lines = Callable[[], list[str]]


def test_a_line_is_json_with_its_fields_its_function_and_its_request(log_lines: Lines) -> None:
    with log.request("projects_get", "r1"):
        log.info("said", count=3)
    log.info("later")
    first, second = map(json.loads, log_lines())
    assert (first["message"], first["count"], first["function"], first["request_id"]) == (
        "said",
        3,
        "projects_get",
        "r1",
    )
    assert first["level"] == "INFO" and first["timestamp"].endswith("+00:00")
    assert "request_id" not in second


def test_requests_at_the_same_time_keep_their_own_names(log_lines: Lines) -> None:
    together = threading.Barrier(4)

    def one(n: int) -> None:
        with log.request(f"f{n}", f"r{n}"):
            together.wait(5)
            log.info("said", n=n)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [json.loads(line) for line in log_lines()]
    assert sorted((line["n"], line["function"], line["request_id"]) for line in found) == [
        (n, f"f{n}", f"r{n}") for n in range(4)
    ]


def test_an_exception_comes_with_its_traceback(log_lines: Lines) -> None:
    try:
        raise ValueError("what")
    except ValueError:
        log.exception("failed", queue="runs")
    (line,) = map(json.loads, log_lines())
    assert (line["level"], line["queue"], line["exception_name"]) == ("ERROR", "runs", "ValueError")
    assert "test_log.py" in line["exception"]


class Tour:
    """A walk through every door with secrets of its own, in good and in bad requests."""

    PASSWORD, CONTENT, STDIN, OUTPUT = "pa55-walrus-1", "content-walrus-2", "stdin-walrus-3", "output-walrus-4"

    def __init__(self, api: Api, everything: psycopg.Connection) -> None:
        self.api, self.everything = api, everything
        self.secrets = {self.PASSWORD, self.CONTENT, self.STDIN, self.OUTPUT}

    def accounts(self) -> Person:
        body = {"email": "walrus@example.com", "password": self.PASSWORD, "name": "W"}
        made = self.api.call("POST /v1/auth/register", body).json
        for bad in ({**body, "name": ""}, body, {**body, "more": self.PASSWORD}, [self.PASSWORD]):
            assert self.api.call("POST /v1/auth/register", bad).status >= 400
        for password in (self.PASSWORD, self.PASSWORD + "x"):
            self.api.call("POST /v1/auth/login", {"email": "walrus@example.com", "password": password})
        renewed = self.api.call("POST /v1/auth/refresh", {"refresh_token": made["refresh_token"]}).json
        for token in (made["refresh_token"] + "x", made["refresh_token"] + "\0", made["access_token"]):
            self.api.call("POST /v1/auth/refresh", {"refresh_token": token})
            self.api.call("GET /v1/me", by=token)
        tokens = [pair[kind] for pair in (made, renewed) for kind in ("access_token", "refresh_token")]
        self.secrets |= {token.rpartition(".")[2] for token in tokens}
        return Person(renewed["access_token"], renewed["refresh_token"], made["user"])

    def files(self, person: Person) -> None:
        team = self.api.call("POST /v1/teams", {"name": "T"}, by=person).json
        path = {"team_id": team["id"]}
        workspace = self.api.call("POST /v1/teams/{team_id}/workspaces", {"name": "W"}, by=person, **path).json
        path = {"workspace_id": workspace["id"]}
        person.project = self.api.call(
            "POST /v1/workspaces/{workspace_id}/projects", {"name": "P"}, by=person, **path
        ).json
        content = self.CONTENT.encode()
        for name in ("main.py", "../main.py", "a\0b", "main.py/x"):
            self.api.save(person, name, content)
        self.api.save(person, "large", content * 400_000)
        with_trouble = "alter table blobs add constraint trouble check (size < 10) not valid"
        self.everything.execute(with_trouble)
        assert self.api.save(person, "new", content + b"!").status == 500
        self.everything.execute("alter table blobs drop constraint trouble")

    def socket(self, person: Person) -> None:
        ticket = self.api.call("POST /v1/socket/tickets", by=person).json["ticket"]
        self.secrets.add(ticket)
        say("$connect", person, "c1", kind="CONNECT")
        say("room.subscribe", person, "c1", room=person.project["id"], after=0, more=ticket)
        say("room.subscribe", person, "c1", room=person.project["id"], after=0)

    def run(self, person: Person, workers: Callable[[], Worker]) -> None:
        bad, good = workers(), workers()
        bad.answer = 500
        bad.arrive()
        good.arrive()
        run = self.api.run(person, stdin=self.STDIN).json
        self.api.run(person, stdin=[self.STDIN])
        say("room.subscribe", person, "c1", room=run["id"])
        consume(self.everything, "runs")
        self.secrets |= {bad.jobs[0]["token"], good.jobs[0]["token"]}
        output = self.OUTPUT.encode()
        self.secrets.add(base64.b64encode(output).decode())
        good.output(self.api, (1, output))
        good.output(self.api, (0, output))
        bad.output(self.api, (1, output))
        deliver("broadcast", {"connections": 7, "frames": ["x"]})
        deliver("runs", {"team_id": "x", "run_id": str(uuid_of(run["id"]))})
        good.finish(self.api)
        good.finish(self.api)
        tick("reconcile")
        tick("sweep")


def test_passwords_tokens_and_contents_never_reach_the_log(
    api: Api,
    everything: psycopg.Connection,
    workers: Callable[[], Worker],
    log_lines: Lines,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tour = Tour(api, everything)
    person = tour.accounts()
    tour.files(person)
    tour.socket(person)
    tour.run(person, workers)
    said = capfd.readouterr()
    everything_said = "\n".join([*log_lines(), said.out, said.err, caplog.text])
    assert "unhandled" in everything_said and "worker_refused" in everything_said  # the tour has left traces
    hexadecimal = {secret.encode().hex() for secret in tour.secrets}
    found: list[Any] = [s for s in (*tour.secrets, *hexadecimal, "Failing row") if s in everything_said]
    assert len(tour.secrets) > 8 and found == []
