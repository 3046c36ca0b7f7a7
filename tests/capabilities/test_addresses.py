"""Where the database is and what signs tokens: settings, secrets and short-lived passwords."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import psycopg
import pytest
import time_machine
from psycopg.conninfo import conninfo_to_dict
from slipway import aws, settings
from slipway.capabilities import DATABASE, MIGRATIONS, SIGNING_KEYS

from stacks.local.capabilities import provider
from stacks.local.machine import Machine

HOST = "app.proxy-abc.eu-central-1.rds.amazonaws.com"


def test_seeds_are_hex_of_32_bytes_and_the_first_signs(side: Any) -> None:
    seeds = side.provide(SIGNING_KEYS).seeds()
    assert seeds
    assert all(len(bytes.fromhex(seed)) == 32 for seed in seeds)


def test_aws_all_seeds_of_the_setting_are_known_in_their_order(on_aws: Any) -> None:
    assert on_aws.provide(SIGNING_KEYS).seeds() == ["aa" * 32, "bb" * 32]


def test_functions_connect_as_the_application_and_migrations_as_somebody_else(side: Any) -> None:
    application = conninfo_to_dict(side.provide(DATABASE).conninfo())
    migrations = conninfo_to_dict(side.provide(MIGRATIONS).conninfo())
    assert application["user"] == "slipway_app" != migrations.get("user")
    assert application["dbname"] == migrations["dbname"] == "slipway"


def test_machine_both_addresses_open_a_connection(machine: Machine) -> None:
    for capability, user in ((DATABASE, "slipway_app"), (MIGRATIONS, "slipway_owner")):
        with psycopg.connect(provider(machine)(capability).conninfo()) as connection:
            assert connection.execute("select current_user").fetchone() == (user,)


def test_machine_the_application_role_cannot_read_the_queues(machine: Machine) -> None:
    with psycopg.connect(machine.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from local.messages")


@pytest.fixture
def with_iam(on_aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SLIPWAY_DATABASE_IAM", "1")
    monkeypatch.setenv("SLIPWAY_DATABASE_URL", f"postgresql://slipway_app@{HOST}:5432/slipway")
    settings.reset()
    aws._tokens.clear()
    return on_aws


def test_aws_the_iam_token_is_the_one_that_rds_expects(with_iam: Any) -> None:
    with time_machine.travel(datetime(2026, 11, 1, tzinfo=UTC), tick=False):
        parts = conninfo_to_dict(with_iam.provide(DATABASE).conninfo())
        rds = boto3.client("rds", region_name="eu-central-1")
        expected = rds.generate_db_auth_token(HOST, 5432, "slipway_app")
    assert parts["password"] == expected
    assert parts["sslmode"] == "require"


def test_aws_the_iam_token_needs_no_network(with_iam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "Action=connect" in with_iam.provide(DATABASE).conninfo()


def test_aws_the_iam_token_is_kept_for_ten_minutes(with_iam: Any) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    seen = []
    for minutes in (0, 9, 11):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            seen.append(with_iam.provide(DATABASE).conninfo())
    assert seen[0] == seen[1] != seen[2]
