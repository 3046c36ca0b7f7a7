from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from stacks.local import postgres, roles


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with tempfile.TemporaryDirectory() as folder, postgres.running(Path(folder)) as server:
        yield server


def value(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        return row[0] if row else None


def test_it_asks_for_a_password_and_listens_on_no_port(server: postgres.Server) -> None:
    assert value(server.superuser_url, "show listen_addresses") == ""
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(server.socket_folder), user="postgres", password="wrong", dbname="postgres")
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.folder / "password").stat().st_mode) == 0o600
    sockets = psutil.Process(server.process.pid).net_connections("inet")
    assert [s for s in sockets if s.status == psutil.CONN_LISTEN] == []


def test_an_acknowledged_commit_is_on_disk(server: postgres.Server) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert value(server.superuser_url, f"show {setting}") == "on", setting


def test_values_of_slow_statements_stay_out_of_the_log(server: postgres.Server) -> None:
    with psycopg.connect(server.superuser_url) as connection:
        connection.execute("select pg_sleep(0.12), %s", ("a-secret-token",))
    log = server.log.read_text()
    assert "pg_sleep" in log
    assert "a-secret-token" not in log


def test_bootstrap_twice_and_for_two_databases_gives_addresses_that_keep_working(server: postgres.Server) -> None:
    first = postgres.bootstrap(server.superuser_url, database="first")
    second = postgres.bootstrap(server.superuser_url, database="second")
    assert postgres.bootstrap(server.superuser_url, database="first") == first
    users = [value(url, "select current_user || '@' || current_database()") for url in (*first, *second)]
    assert users == ["slipway_owner@first", "slipway_app@first", "slipway_owner@second", "slipway_app@second"]


def test_the_application_role_has_no_way_round_row_level_security(server: postgres.Server) -> None:
    _, app_url = postgres.bootstrap(server.superuser_url)
    flags = (
        "select (rolsuper, rolbypassrls, rolcreatedb, rolcreaterole)::text from pg_roles where rolname = current_user"
    )
    assert value(app_url, flags) == "(f,f,f,f)"
    assert value(app_url, "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member"
                          " where r.rolname = current_user") == 0  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        value(app_url, "create schema mine")


def test_the_owner_makes_schemas_and_functions_that_belong_to_the_door(server: postgres.Server) -> None:
    owner_url, _ = postgres.bootstrap(server.superuser_url, database="doors")
    with psycopg.connect(owner_url) as connection:
        connection.execute("create schema app; grant create on schema app to slipway_door")
        connection.execute("create function app.f() returns int language sql as 'select 1'")
        connection.execute("alter function app.f() owner to slipway_door")


def test_another_server_needs_only_a_role_that_may_create_roles_and_databases(server: postgres.Server) -> None:
    with tempfile.TemporaryDirectory() as folder, postgres.running(Path(folder)) as other:
        with psycopg.connect(other.superuser_url, autocommit=True) as connection:
            connection.execute("create role admin login createrole createdb password 'admin'")
        admin_url = roles.address(other.superuser_url, "postgres", "admin", "admin")
        for _ in range(2):
            owner_url, app_url = postgres.bootstrap(admin_url, secret="kept by the caller")
        assert value(owner_url, "select current_user") == "slipway_owner"
        assert value(app_url, "select current_user") == "slipway_app"


def test_a_server_of_another_time_zone_answers_in_utc(server: postgres.Server) -> None:
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("create database eastern")
        connection.execute("alter database eastern set timezone = 'America/New_York'")
    _, app = postgres.bootstrap(server.superuser_url, database="eastern")
    with psycopg.connect(app) as connection:
        assert connection.execute("show timezone").fetchone() == ("UTC",)


def test_old_servers_that_leak_past_row_level_security_are_refused() -> None:
    roles.refuse_old(160010)
    with pytest.raises(roles.ServerTooOld, match=r"16\.9 is too old: 16\.10"):
        roles.refuse_old(160009)
    with pytest.raises(roles.ServerTooOld, match="15"):
        roles.refuse_old(150014)


def test_it_recovers_what_was_committed_before_it_was_killed(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as server:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
            server.process.kill()
        server.process.wait()
        server.start()
        assert value(server.superuser_url, "select answer from kept") == 42


def test_it_ends_the_server_of_a_crashed_predecessor(tmp_path: Path) -> None:
    abandoned = postgres.Server(tmp_path)
    abandoned.start()
    before = abandoned.process
    with postgres.running(tmp_path) as server:
        assert before.poll() is not None
        assert value(server.superuser_url, "select 1") == 1


def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from stacks.local import postgres\n"
        "server = postgres.Server(Path(sys.argv[1])); server.start(); print(server.process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while postgres.working_in(tmp_path / "data") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert postgres.working_in(tmp_path / "data") == []


def test_a_start_that_was_cut_short_is_made_good(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("16\n")
    with postgres.running(tmp_path) as server:
        assert value(server.superuser_url, "select 1") == 1


def test_a_long_path_gets_a_socket_elsewhere_that_goes_with_the_server(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)
    with postgres.running(deep) as server:
        folder = server.socket_folder
        assert not folder.is_relative_to(deep)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert value(server.superuser_url, "select 1") == 1
    assert not folder.exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with postgres.running(tmp_path):
        pass
    (tmp_path / "data" / "PG_VERSION").write_text("9.4\n")
    with pytest.raises(postgres.PostgresFailed, match="start: database files are incompatible with server"):
        postgres.Server(tmp_path).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_as_root_the_server_holds_no_capability(server: postgres.Server) -> None:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    namespaces = [Path(f"/proc/{who}/ns/user").readlink() for who in (server.process.pid, "self")]
    assert namespaces[0] != namespaces[1]


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as server:
        process = server.process
    assert process.returncode == 0
    assert postgres.working_in(server.data) == []
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
