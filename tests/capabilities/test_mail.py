"""Letters leave alike on both sides: what arrives is the same message, and what is refused is told apart from what waits."""

from __future__ import annotations

import email
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from moto.backends import get_backend  # type: ignore[attr-defined]
from slipway import aws, mail, settings
from slipway.capabilities import MAIL
from slipway.mail import Letter

from stacks.local.machine import Machine
from tests.capabilities.conftest import REGION

ACCOUNT = "123456789012"
FROM = "Slipway <no-reply@example.com>"


def letter(**changed: Any) -> Letter:
    facts = {"id": uuid4(), "posted_at": datetime.now(UTC), "kind": "verify_email", "to": "ana@example.org"}
    return Letter(**{**facts, "subject": "Grüße", "text": "Hello,\n\nhttps://x.example/#token=abc\n", **changed})


class Arrived:
    """What either side would have put into people's mailboxes."""

    def __init__(self, side: Any) -> None:
        self.side = side

    def contents(self) -> list[bytes]:
        if self.side.name == "machine":
            return [file.read_bytes() for file in sorted((Path(self.side.machine.data) / "mail").glob("*.eml"))]
        return [message.raw_data.encode() for message in get_backend("ses")[ACCOUNT][REGION].sent_messages]

    def messages(self) -> list[Any]:
        return [email.message_from_bytes(content, policy=policy.default) for content in self.contents()]


@pytest.fixture
def arrived(side: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arrived]:
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", FROM)
    monkeypatch.delenv("SLIPWAY_SMTP_URL", raising=False)
    settings.reset()
    if side.name == "aws":
        get_backend("ses")[ACCOUNT][REGION].sent_messages.clear()
        side.client("sesv2").create_email_identity(EmailIdentity="example.com")
    else:
        for file in (Path(side.machine.data) / "mail").glob("*"):
            file.unlink()
    yield Arrived(side)
    if side.name == "aws":
        side.client("sesv2").delete_email_identity(EmailIdentity="example.com")
    settings.reset()


def test_a_letter_arrives_as_it_was_written(side: Any, arrived: Arrived) -> None:
    sent = letter()
    side.provide(MAIL).send(sent)
    (message,) = arrived.messages()
    assert (str(message["From"]), message["To"], message["Subject"]) == (FROM, "ana@example.org", "Grüße")
    assert message["X-Slipway-Kind"] == "verify_email"
    assert message["Message-ID"] == f"<{sent.id}@example.com>"
    assert message.get_content().split() == ["Hello,", "https://x.example/#token=abc"]
    assert arrived.contents()[0] == mail.written(sent, mail.sender())


def test_letters_arrive_each_by_itself_and_in_html_too(side: Any, arrived: Arrived) -> None:
    for to in ("ana@example.org", "ben@example.org"):
        side.provide(MAIL).send(letter(to=to, html="<p>Hello</p>"))
    assert sorted(message["To"] for message in arrived.messages()) == ["ana@example.org", "ben@example.org"]
    assert {message.get_content_type() for message in arrived.messages()} == {"multipart/alternative"}


def test_a_line_break_in_a_subject_adds_no_recipient(side: Any, arrived: Arrived) -> None:
    side.provide(MAIL).send(letter(subject="Join\r\nBcc: eve@example.org\r\n\r\nx"))
    (message,) = arrived.messages()
    assert message["Bcc"] is None and message["To"] == "ana@example.org"
    if side.name == "aws":
        assert get_backend("ses")[ACCOUNT][REGION].sent_messages[0].destinations.count("eve@example.org") == 0


# ── AWS: what SES answers ────────────────────────────────────────────────────────────────────────────────────────


def answering(monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    """Have SES answer one request so; with moto alone not every answer can be had."""
    from botocore.exceptions import ClientError

    client = aws._client("sesv2")

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": said}}, "SendEmail")

    monkeypatch.setattr(client, "send_email", fail)


def test_aws_an_identity_that_is_not_verified_waits_for_the_operator(on_aws: Any, monkeypatch: Any) -> None:
    """The real answer of a service, moto's: nothing was created under this domain."""
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "no-reply@unverified.example")
    settings.reset()
    with pytest.raises(mail.Deferred, match="SES answered MessageRejected"):
        on_aws.provide(MAIL).send(letter())


@pytest.mark.parametrize(
    ("code", "said", "wanted"),
    [
        ("MessageRejected", "Address is on the suppression list: ana@example.org", mail.Refused),
        ("MessageRejected", "Email address is not verified: ana@example.org", mail.Refused),
        ("BadRequestException", "Illegal address ana@example.org", mail.Refused),
        ("MessageRejected", "Email address is not verified: no-reply@EXAMPLE.com", mail.Deferred),
        ("TooManyRequestsException", "Maximum sending rate exceeded.", mail.Deferred),
        ("LimitExceededException", "Daily message quota exceeded.", mail.Deferred),
        ("SendingPausedException", "paused", mail.Deferred),
        ("AccountSuspendedException", "suspended", mail.Deferred),
    ],
)
def test_aws_what_is_refused_for_good_is_told_apart_and_no_address_is_quoted(
    on_aws: Any, monkeypatch: pytest.MonkeyPatch, code: str, said: str, wanted: type[Exception]
) -> None:
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", FROM)
    settings.reset()
    answering(monkeypatch, code, said)
    with pytest.raises(wanted) as raised:
        on_aws.provide(MAIL).send(letter())
    logged = logging.Formatter().formatException((raised.type, raised.value, raised.tb))
    assert code in logged and "example.org" not in logged


def test_aws_without_a_sender_nothing_is_sent_and_the_remedy_is_named(on_aws: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "")
    settings.reset()
    with pytest.raises(mail.NoSender, match=r"mail_from in cdk\.json"):
        on_aws.provide(MAIL).send(letter())


# ── One machine ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_machine_without_a_sender_letters_are_files_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stacks.local import mailbox

    monkeypatch.delenv("SLIPWAY_MAIL_FROM", raising=False)
    settings.reset()
    sent = letter()
    mailbox.Mailbox(machine).send(sent)
    found = mailbox.read(machine, mailbox.name_of(sent))
    assert found is not None and found["From"] == "Slipway <slipway@localhost>"
    settings.reset()


def test_machine_a_mail_server_takes_the_place_of_the_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.local import capabilities
    from stacks.local.smtp import SmtpMail

    monkeypatch.setenv("SLIPWAY_SMTP_URL", "smtps://mail.example.com")
    settings.reset()
    assert isinstance(capabilities.provider(machine)(MAIL), SmtpMail)
    settings.reset()
