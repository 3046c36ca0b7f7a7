"""Logins with a provider that the contract's examples begin, continue and end; the provider stands for the whole run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from slipway import ids
from slipway.oidc import tickets

from tests.api import Person
from tests.conftest import SEED
from tests.core.oidc.issuer import ANN, standing

IDENTITY = UUID("0190a5b0-0000-7000-8000-00000000001d")
BINDING = "b" * 43
REDIRECT = "http://127.0.0.1:5000/done"
START = {"redirect_uri": REDIRECT, "binding_hash": tickets.hashed(BINDING)}


def put(everything: psycopg.Connection, person: Person) -> None:
    everything.execute(
        "insert into identities (user_id, id, provider, issuer, subject) values (%s, %s, 'test', 'https://p.example', 's')",
        (person.user_id, IDENTITY),
    )


def back() -> dict[str, str]:
    """What a browser has come back with, for an exchange."""
    claims = {"jti": str(ids.new()), "prv": "test", "red": REDIRECT, "bnd": START["binding_hash"]}
    state = tickets._state(SEED, tickets._sign(SEED, "state", tickets.STATE_SECONDS, claims), claims)
    code = standing().grant(tickets.hashed(state.verifier), state.nonce, REDIRECT, ANN)
    return {"code": code, "state": state.token, "binding": BINDING}


def assertion(subject: str, email: str = "") -> str:
    """Somebody whose address the provider has verified."""
    claims: dict[str, Any] = {
        "jti": str(ids.new()), "prv": "test", "idp": standing().url, "sub": subject, "email": email or f"{subject}@example.org",
        "email_verified": True, "name": subject,
    }  # fmt: skip
    return tickets._sign(SEED, "assertion", tickets.ASSERTION_SECONDS, claims)
