from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from slipway import access_tokens, capabilities
from slipway.access_tokens import KEYS_SECONDS, LINGER_SECONDS, Verifier
from typer.testing import CliRunner, Result

from stacks.local import machine as machines
from stacks.local import signing_seeds
from stacks.local.cli import app
from stacks.local.machine import Machine
from tests.api import Api

PassTime = Callable[[int], None]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def kept(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine.save()
    monkeypatch.setattr(access_tokens, "_signer", access_tokens.Signer())
    return machine


@pytest.fixture
def pass_time(owner: psycopg.Connection) -> PassTime:
    """Seconds go by for the keys, and for the process that signs. Tokens do not age."""

    def go_by(seconds: int) -> None:
        owner.execute(
            """update signing_keys set created_at = created_at - make_interval(secs => %(s)s),
                                       retired_at = retired_at - make_interval(secs => %(s)s)""",
            {"s": seconds},
        )
        access_tokens._signer._chosen -= seconds

    return go_by


def rotate(machine: Machine, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["rotate-keys", *arguments, "--data", machine.data])


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def shown(api: Api) -> set[str]:
    return {key["kid"] for key in api.call("GET /.well-known/jwks.json").json["keys"]}


def login(api: Api, email: str) -> dict[str, Any]:
    session: dict[str, Any] = api.call("POST /v1/auth/login", body={"email": email, "password": PASSWORD}).json
    return session


def accepted(token: str) -> bool:
    """By a process that begins now."""
    try:
        with capabilities.granting("authorizer", (capabilities.DATABASE,)):
            Verifier().verify(token)
    except jwt.InvalidTokenError:
        return False
    return True


@pytest.fixture
def ann(api: Api) -> dict[str, Any]:
    session: dict[str, Any] = api.call(
        "POST /v1/auth/register", body={"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}
    ).json
    return session


def test_two_keys_overlap_and_nobody_is_logged_out(
    api: Api, ann: dict[str, Any], pass_time: PassTime, kept: Machine
) -> None:
    old = ann["access_token"]
    assert rotate(kept).exit_code == 0
    (new,) = shown(api) - {kid(old)}
    assert accepted(old), "tokens of before still work"
    assert kid(login(api, "ann@example.com")["access_token"]) == kid(old), "not before every verifier knows the new key"
    pass_time(KEYS_SECONDS + 1)
    fresh = login(api, "ann@example.com")["access_token"]
    assert kid(fresh) == new and accepted(fresh) and accepted(old)
    assert shown(api) == {kid(old), new}

    assert rotate(kept, "--drop-old").exit_code == 0
    assert accepted(old), "until the last token that it has signed has expired"
    pass_time(LINGER_SECONDS + 1)
    assert not accepted(old) and accepted(fresh)
    assert shown(api) == {new}
    answer = api.call("POST /v1/auth/refresh", body={"refresh_token": ann["refresh_token"]})
    assert answer.status == 200 and kid(answer.json["access_token"]) == new


def test_a_leaked_key_is_refused_at_once_and_refresh_tokens_go_on(api: Api, ann: dict[str, Any], kept: Machine) -> None:
    old = ann["access_token"]
    done = rotate(kept, "--leaked", "--json")
    assert json.loads(done.stdout)["old tokens"] == "refused"
    assert not accepted(old) and kid(old) not in shown(api)
    answer = api.call("POST /v1/auth/refresh", body={"refresh_token": ann["refresh_token"]})
    assert answer.status == 200 and accepted(answer.json["access_token"])


def test_a_leak_in_the_middle_of_a_rotation_ends_both_keys(kept: Machine) -> None:
    rotate(kept)
    during = machines.load(Path(kept.data)).seeds
    assert rotate(kept, "--leaked").exit_code == 0
    after = machines.load(Path(kept.data)).seeds
    assert len(during) == 2 and len(after) == 1 and not set(after) & set(during)


def test_a_leak_also_ends_a_key_that_lingers(ann: dict[str, Any], kept: Machine) -> None:
    rotate(kept)
    rotate(kept, "--drop-old")
    assert accepted(ann["access_token"])
    rotate(kept, "--leaked")
    assert not accepted(ann["access_token"])


def test_steps_out_of_turn_change_nothing_and_say_what_to_do(api: Api, kept: Machine) -> None:
    done = rotate(kept, "--drop-old")
    assert done.exit_code == 1 and "begin with `slipway rotate-keys`" in done.stderr
    assert machines.load(Path(kept.data)) == kept
    rotate(kept)
    under_way, keys = machines.load(Path(kept.data)), shown(api)
    done = rotate(kept)
    assert done.exit_code == 1 and "--drop-old` first" in done.stderr
    assert (machines.load(Path(kept.data)), shown(api)) == (under_way, keys)
    assert rotate(kept, "--leaked", "--drop-old").exit_code == 2


def test_a_crash_before_the_new_seed_is_kept_leaves_the_old_one_signing(
    api: Api, ann: dict[str, Any], kept: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "save", lambda self: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        signing_seeds.replace_all(kept)
    assert machines.load(Path(kept.data)) == kept
    token = login(api, "ann@example.com")["access_token"]
    assert kid(token) == kid(ann["access_token"]) and accepted(token)


def test_a_folder_where_nothing_runs_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["rotate-keys", "--data", str(tmp_path / "none")])
    assert done.exit_code == 1 and "is no data folder" in done.stderr


def test_the_seeds_are_the_owner_s_alone(kept: Machine) -> None:
    rotate(kept)
    assert (Path(kept.data) / "machine.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in Path(kept.data).iterdir()] == ["machine.json"], "nothing is left of the writing"
