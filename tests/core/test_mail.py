from __future__ import annotations

import email
import json
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import ValidationError
from slipway import capabilities, db, mail, settings
from slipway.mail import BadAddress, Deferred, Letter, Refused, Sender

from stacks.local.machine import Machine
from tests.core.backstage import consume, deliver, sent

BY = Sender("Slipway", "no-reply@example.com")
AT = datetime(2026, 11, 3, 14, 5, 6, 789000, UTC)
ID = UUID("0190a5b0-0000-7000-8000-000000000001")


def letter(**changed: Any) -> Letter:
    facts = {"id": ID, "posted_at": AT, "kind": "verify_email", "to": "ana@example.org", "subject": "S", "text": "T\n"}
    return Letter(**{**facts, **changed})


def read(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=policy.default)


def text_of(message: Any) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def post(to: str = "ana@example.org", text: str = "secret-token") -> None:
    with db.for_platform() as tx:
        mail.post(tx, kind="verify_email", to=to, subject="Verify", text=text)


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "carried"),
    [
        ("ana@example.org", "ana@example.org"),
        (" Ana.B+c@Example.ORG ", "Ana.B+c@example.org"),
        ("o'neill@mail.example.co.uk", "o'neill@mail.example.co.uk"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_carried_in_ascii(given: str, carried: str) -> None:
    assert mail.address(given) == carried
    assert mail.address(carried) == carried


@pytest.mark.parametrize(
    "bad",
    [
        "", "ana", "ana@", "@example.org", "ana@localhost", "a,b@example.org", "<ana@example.org", "Ana <ana@example.org>",
        "ana@example.org>", "a;b@example.org", '"a b"@example.org', "ana@example.org\nBcc: b@example.org", "a\rb@example.org",
        "a:b@example.org", "ünï@example.org", ".ana@example.org", "a..b@example.org", "ana@-a.example", "ana@a_b.example",
        "ana@127.0.0.1", "ana@[127.0.0.1]", "a" * 65 + "@example.org", "ana@" + "a" * 64 + ".example", "a@" + "ab." * 90 + "de",
        "a\x00@example.org", "ana@example.org, b@example.org", "a@b@example.org", "ana@e\u0000.example", "a(b)@example.org",
    ],
)  # fmt: skip
def test_what_could_read_as_more_than_one_address_is_refused_without_quoting_it(bad: str) -> None:
    with pytest.raises(BadAddress) as refused:
        mail.address(bad)
    assert not bad or bad not in str(refused.value)
    with pytest.raises(ValidationError) as invalid:
        letter(to=bad)
    assert len(bad) < 5 or bad not in str(invalid.value)


# ── On the wire ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_letter_says_who_when_what_and_that_no_person_wrote_it() -> None:
    found = read(mail.written(letter(subject="Grüße", text="Hello Zoë,\n\nhttps://x.example/#token=abc\n"), BY))
    assert {name: str(found[name]) for name in ("From", "To", "Subject", "X-Slipway-Kind", "Auto-Submitted")} == {
        "From": "Slipway <no-reply@example.com>",
        "To": "ana@example.org",
        "Subject": "Grüße",
        "X-Slipway-Kind": "verify_email",
        "Auto-Submitted": "auto-generated",
    }
    assert found["Date"].datetime == AT.replace(microsecond=0)
    assert text_of(found) == "Hello Zoë,\n\nhttps://x.example/#token=abc\n"


def test_it_is_seven_bit_with_crlf_whatever_it_holds() -> None:
    assert mail.written(letter(text="é\n"), BY).isascii()
    content = mail.written(letter(subject="ü" * 200, text="é" * 5000 + "\n" + "x" * 3000 + "\n"), BY)
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.splitlines())) <= 998
    assert text_of(read(content)) == "é" * 5000 + "\n" + "x" * 3000 + "\n"


def test_its_message_id_is_its_own_id_however_often_it_is_written() -> None:
    first, again = (read(mail.written(letter(), BY)) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"] == f"<{ID}@example.com>"
    assert read(mail.written(letter(id=UUID(int=2)), BY))["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_subject_becomes_a_space_and_no_header(break_: str) -> None:
    found = read(mail.written(letter(subject=f"Join{break_}Bcc: eve@example.org"), BY))
    assert found["Bcc"] is None
    assert found["Subject"] == "Join Bcc: eve@example.org"


def test_a_sender_is_encoded_and_not_spliced_in() -> None:
    found = read(mail.written(letter(), mail.read_sender('"Ünï, <x@y.example>" <no-reply@example.com>')))
    assert [(a.display_name, a.addr_spec) for a in found["From"].addresses] == [
        ("Ünï, <x@y.example>", "no-reply@example.com")
    ]


def test_html_comes_beside_the_text_not_in_its_place() -> None:
    found = read(mail.written(letter(html="<p>T</p>"), BY))
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Verify: x"}, {"kind": ""}, {"subject": " "}, {"subject": "s" * 301}, {"text": "a\x00"}, {"text": ""}],
)
def test_a_letter_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        letter(**wrong)


# ── Posting and delivering ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("granted")
def test_a_posted_letter_reaches_the_queue_when_the_transaction_commits(everything: psycopg.Connection) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"), db.for_platform() as tx:
        mail.post(tx, kind="verify_email", to="ana@example.org", subject="S", text="T")
        raise RuntimeError("changed my mind")
    assert sent(everything, "mail") == []
    post()
    (message,) = sent(everything, "mail")
    assert (message["kind"], message["to"], message["text"]) == ("verify_email", "ana@example.org", "secret-token")


@pytest.mark.usefixtures("granted")
def test_an_address_that_mail_cannot_carry_fails_no_request(
    everything: psycopg.Connection, log_lines: Callable[[], list[str]]
) -> None:
    post(to="a,b@example.org")
    assert sent(everything, "mail") == []
    (line,) = [json.loads(line) for line in log_lines()]
    assert (line["message"], line["kind"]) == ("letter_without_address", "verify_email")
    assert "example.org" not in json.dumps(line)


@pytest.mark.usefixtures("granted")
def test_a_second_delivery_leaves_one_letter(machine: Machine, everything: psycopg.Connection) -> None:
    post()
    (message,) = sent(everything, "mail")
    assert consume(everything, "mail") == 1
    assert deliver("mail", message) == []
    (file,) = (Path(machine.data) / "mail").glob("*.eml")
    assert str(UUID(message["id"])) in file.name


class Says:
    """A Mail that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, message: Letter) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "failed", "logged"),
    [
        (Refused("MessageRejected"), [], "letter_refused"),
        (Deferred("SES answered TooManyRequestsException"), ["0"], "message_failed"),
        (OSError("away"), ["0"], "message_failed"),
    ],
)
def test_a_refused_letter_is_dropped_and_a_deferred_one_is_tried_again(
    machine: Machine, log_lines: Callable[[], list[str]], error: Exception, failed: list[str], logged: str
) -> None:
    capabilities.provide(lambda capability: Says(error))
    message = json.loads(letter(text="secret-token").model_dump_json())
    assert deliver("mail", message) == failed
    lines = log_lines()
    assert [json.loads(line)["message"] for line in lines] == [logged]
    assert "ana@" not in "".join(lines) and "secret-token" not in "".join(lines)


def test_a_message_that_is_no_letter_is_logged_without_what_it_holds(
    machine: Machine, log_lines: Callable[[], list[str]]
) -> None:
    message = json.loads(letter(text="secret-token").model_dump_json()) | {"to": "ana,eve@example.org", "subject": ""}
    assert deliver("mail", message) == ["0"]
    said = "".join(log_lines())
    assert "message_failed" in said and "ValidationError" in said
    assert "eve@" not in said and "secret-token" not in said


@pytest.mark.parametrize("given", ["", "Slipway", "Slipway <nobody>", "a@example.org, b@example.org"])
def test_a_missing_sender_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", given)
    settings.reset()
    with pytest.raises(mail.NoSender, match="SLIPWAY_MAIL_FROM is no sender"):
        mail.sender()
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "Slipway <no-reply@Example.com>")
    settings.reset()
    assert mail.sender() == Sender("Slipway", "no-reply@example.com")
    settings.reset()
