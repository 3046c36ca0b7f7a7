"""Logging in with a password: the same answer and work for every address, and a delay that grows with each failure.

Attempts are counted before the password is looked at, so that parallel ones cannot run ahead of the count, by address
and network: who guesses elsewhere keeps nobody out. A device that the account has had a session on (the same network
and browser) is counted apart, so that not even a neighbour behind the same router does. Nobody is ever locked out:
the wait ends after a minute at most.
"""

from __future__ import annotations

import hashlib

from slipway import db, networks, passwords, sessions
from slipway.caller import Origin
from slipway.db import sql
from slipway.errors import Error
from slipway.sessions import Proof, Session
from slipway.texts import Email, Input, Password


class Login(Input):
    email: Email
    password: Password


BEGIN = sql(
    """select id, password_hash, known, wait
         from app.begin_login(%(email)s, %(account)s, %(network)s, %(user_agent)s)"""
)
WAIT = sql("select app.attempt_wait(%(account)s, %(network)s, false) as wait")
COUNT = sql("select app.attempt(%(account)s, %(network)s, false)")


def log_in(login: Login, origin: Origin) -> Session:
    """Raises invalid_credentials, or too_many_requests with the seconds to wait."""
    account, network = _digest(login.email), networks.of(origin.address)
    with db.for_platform() as tx:
        asked = {"email": login.email, "account": account, "network": network, "user_agent": origin.user_agent}
        found = tx.one(BEGIN, **asked) or {}
    refuse_early(found["wait"])
    if not passwords.matches(found["password_hash"], login.password):
        raise Error("invalid_credentials")
    with db.for_user(found["id"]) as tx:
        proof = Proof(found["password_hash"], account, found["known"])
        session = sessions.open(tx, found["id"], origin, proof)
    renewed = passwords.renewed(found["password_hash"], login.password)
    if renewed:  # in a transaction of its own: two logins at once share the row, and neither could change it then
        with db.for_user(found["id"]) as tx:
            passwords.renew(tx, found["id"], found["password_hash"], renewed)
    return session


def refuse_early(seconds: int) -> None:
    """Raise too_many_requests unless there is nothing to wait for."""
    if seconds:
        raise Error(
            "too_many_requests",
            f"Too many failures in a row: try again in {seconds} s.",
            headers={"retry-after": str(seconds)},
            limit="failures_in_a_row",
            resets_in_seconds=seconds,
            allowed_by="waiting",
        )


def wait_to_register(origin: Origin) -> None:
    """Raise too_many_requests for a network that has just asked for many addresses that are taken."""
    with db.for_platform() as tx:
        row = tx.one(WAIT, account=_digest("registering"), network=networks.of(origin.address))
    refuse_early(row["wait"] if row else 0)


def count_taken(origin: Origin) -> None:
    """An answer has told that an address has an account."""
    with db.for_platform() as tx:
        tx.run(COUNT, account=_digest("registering"), network=networks.of(origin.address))


def _digest(address: str) -> bytes:
    return hashlib.sha256(address.encode()).digest()
