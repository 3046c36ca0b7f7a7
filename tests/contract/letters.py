"""Tokens of letters that the prepared world's people have not opened yet."""

from __future__ import annotations

import hashlib

import psycopg

from tests.api import Person

VERIFY_TOKEN = "slp_et_" + "v" * 43
RESET_TOKEN = "slp_et_" + "s" * 43
CONFIRM_TOKEN = "slp_et_" + "c" * 43


def put(everything: psycopg.Connection, verifying: Person, resetting: Person) -> None:
    verify, reset, confirm = (hashlib.sha256(t.encode()).digest() for t in (VERIFY_TOKEN, RESET_TOKEN, CONFIRM_TOKEN))
    everything.execute(
        "update email_tokens set token_hash = %s where kind = 'verify' and user_id = %s", (verify, verifying.user_id)
    )
    everything.execute(
        """insert into email_tokens (user_id, kind, token_hash, email, request_id, expires_at)
           values (%s, 'reset', %s, %s, gen_random_uuid(), now() + interval '1 day')""",
        (resetting.user_id, reset, resetting.user["email"]),
    )
    everything.execute(
        """insert into registrations (email, name, token_hash, request_id, expires_at)
           values ('waits@example.com', 'Waits', %s, gen_random_uuid(), now() + interval '1 day')""",
        (confirm,),
    )
