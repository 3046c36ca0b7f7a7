"""The letters that wait to be sent, and the tokens of their links."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from tests.core.backstage import consume, sent


def letters(everything: psycopg.Connection, kind: str = "", to: str = "") -> list[Any]:
    """Oldest first; of one kind, to one address, where these are given. Inquiries are answered first."""
    consume(everything, "inquiries")
    return [m for m in sent(everything, "mail") if kind in ("", m["kind"]) and to in ("", m["to"])]


def token(everything: psycopg.Connection, kind: str, to: str = "") -> str:
    """The token of the newest letter of that kind."""
    found = re.search(r"#token=(\S+)", letters(everything, kind, to)[-1]["text"])
    assert found, "no link in the letter"
    return found[1]


def quiet(everything: psycopg.Connection, seconds: int = 3600) -> None:
    """Let so much time pass since the last letters that new ones are sent."""
    for table in ("email_tokens", "registrations"):
        everything.execute(f"update {table} set created_at = created_at - make_interval(secs => %s)", (seconds,))
