from __future__ import annotations

from collections.abc import Callable
from typing import Any

import argon2
import psycopg
import pytest
from slipway import passwords

from tests.api import Api
from tests.core.origins import login

PASSWORD = "correct horse"


def test_a_password_is_kept_only_as_argon2id(api: Api, everything: psycopg.Connection) -> None:
    api.register()
    ((kept,),) = everything.execute("select password_hash from users").fetchall()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_two_hashes_at_a_time_and_no_more(
    api: Api, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    ann = api.register()
    inside, most, lock = 0, 0, threading.Lock()
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: str) -> Any:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            return verify(self, hash, password)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert in_threads(lambda _: login(ann.user["email"], PASSWORD).status, [None] * 5) == [200] * 5
    assert most == 2


def test_a_hash_with_other_parameters_is_made_again_at_the_next_login(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    everything.execute("update users set password_hash = %s", (weak,))
    assert login(ann.user["email"], "wrong horse").status == 401
    assert everything.execute("select password_hash from users").fetchone() == (weak,)
    assert login(ann.user["email"], PASSWORD).status == 200
    ((kept,),) = everything.execute("select password_hash from users").fetchall()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert login(ann.user["email"], PASSWORD).status == 200
    assert everything.execute("select password_hash from users").fetchone() == (kept,), "once is enough"


def test_two_logins_at_once_make_the_hash_again_without_hindering_each_other(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Barrier

    ann = api.register()
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    everything.execute("update users set password_hash = %s", (weak,))
    both, hashed = Barrier(2, timeout=10), passwords.hashed

    def meeting(password: str) -> str:
        both.wait()
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", meeting)
    assert in_threads(lambda _: login(ann.user["email"], PASSWORD).status, [None] * 2) == [200] * 2
