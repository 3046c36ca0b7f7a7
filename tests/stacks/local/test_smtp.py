from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from slipway import mail, settings
from slipway.mail import Deferred, Letter, Refused

from stacks.local import smtp
from stacks.local.smtp import BadSmtpUrl, Server, SmtpMail
from tests.stacks.local.mail_server import MailServer, certificate, listening

PASSWORD = "p@ss:word/"
IN_URL = "ana%40example.com:p%40ss%3Aword%2F@"
Start = Callable[..., MailServer]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def start(pem: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "Slipway <no-reply@example.com>")
    settings.reset()
    with ExitStack() as stack:
        yield lambda **chosen: stack.enter_context(listening(MailServer(pem, **chosen)))
    settings.reset()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if `localhost` were a host on the internet."""
    monkeypatch.setattr(smtp, "LOOPBACK", ())


def trusting(server: MailServer, scheme: str = "smtp", login: str = "", trust: bool = True) -> SmtpMail:
    made = SmtpMail(f"{scheme}://{login}localhost:{server.port}")
    if trust:
        made._trust.load_verify_locations(server.certificate)
    return made


def letter(**changed: Any) -> Letter:
    facts = {"id": uuid4(), "posted_at": datetime.now(UTC), "kind": "verify_email", "to": "ben@example.org"}
    return Letter(
        **{**facts, "subject": "Verify", "text": "Hello\n.\n..dots\nhttps://x.example/#token=abc\n", **changed}
    )


def test_a_letter_arrives_with_its_envelope_and_as_it_was_written(start: Start) -> None:
    server, sent = start(), letter()
    trusting(server).send(sent)
    ((by, to, content, _, _),) = server.taken
    assert "<no-reply@example.com>" in by and "<ben@example.org>" in to
    assert content == mail.written(sent, mail.sender())


@pytest.mark.usefixtures("elsewhere")
def test_smtp_encrypts_before_it_logs_in(start: Start) -> None:
    server = start()
    trusting(server, login=IN_URL).send(letter())
    ((_, _, _, encrypted, login),) = server.taken
    assert encrypted and login == f"ana@example.com:{PASSWORD}"
    assert server.commands.index("STARTTLS") < server.commands.index("AUTH")


def test_smtps_is_encrypted_from_the_first_byte(start: Start) -> None:
    server = start(tls=True)
    trusting(server, "smtps", IN_URL).send(letter())
    ((_, _, _, encrypted, login),) = server.taken
    assert encrypted and login == f"ana@example.com:{PASSWORD}" and "STARTTLS" not in server.commands


@pytest.mark.usefixtures("elsewhere")
def test_without_encryption_neither_password_nor_letter_leaves(start: Start) -> None:
    server = start(offers=("AUTH PLAIN",))
    with pytest.raises(Deferred, match="offers no STARTTLS"):
        trusting(server, login=IN_URL).send(letter())
    assert server.taken == [] and not {"AUTH", "MAIL"} & set(server.commands)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("scheme", "tls"), [("smtp", False), ("smtps", True)])
def test_a_certificate_that_nobody_vouches_for_is_not_taken(start: Start, scheme: str, tls: bool) -> None:
    server = start(tls=tls)
    with pytest.raises(Deferred, match="SSLCertVerificationError"):
        trusting(server, scheme, IN_URL, trust=False).send(letter())
    assert server.taken == [] and "AUTH" not in server.commands


def test_a_server_on_this_machine_needs_no_encryption(start: Start) -> None:
    server = start(offers=())
    trusting(server).send(letter())
    assert [encrypted for *_, encrypted, _ in server.taken] == [False]


@pytest.mark.parametrize(
    ("command", "answer", "wanted", "said"),
    [
        ("RCPT", "550 no such user ben@example.org", Refused, "smtp_550"),
        ("END", "554 spam, ben@example.org", Refused, "smtp_554"),
        ("RCPT", "450 ben@example.org is greylisted", Deferred, "answered 450"),
        ("RCPT", "530 log in first, ben@example.org", Deferred, "check SLIPWAY_SMTP_URL"),
        ("END", "451 later, ben@example.org", Deferred, "answered 451"),
        ("MAIL", "553 not yours: ben@example.org", Deferred, "refuses SLIPWAY_MAIL_FROM"),
        ("AUTH", "535 wrong password ben@example.org", Deferred, "check SLIPWAY_SMTP_URL"),
        ("EHLO", "421 too busy for ben@example.org", Deferred, "answered 421"),
    ],
)
def test_what_is_final_is_told_apart_and_no_address_is_quoted(
    start: Start, command: str, answer: str, wanted: type[Exception], said: str
) -> None:
    server = start(answers={command: answer, **({"HELO": answer} if command == "EHLO" else {})})
    with pytest.raises(wanted, match=said) as raised:
        trusting(server, login=IN_URL).send(letter())
    logged = logging.Formatter().formatException((raised.type, raised.value, raised.tb))
    assert "example.org" not in logged and "ss:word" not in logged


def test_a_letter_that_was_taken_is_sent_however_the_server_says_goodbye(start: Start) -> None:
    server = start(answers={"QUIT": ""})
    trusting(server).send(letter())
    assert len(server.taken) == 1


def test_a_server_that_is_away_is_waited_for(start: Start) -> None:
    with pytest.raises(Deferred, match="cannot be reached: ConnectionRefusedError"):
        SmtpMail("smtp://127.0.0.1:9").send(letter())


def test_an_url_is_read_with_its_defaults() -> None:
    assert smtp.read("smtp://mail.example.com") == Server("mail.example.com", 587, "", "", False)
    assert smtp.read("smtps://u:p@mail.example.com/") == Server("mail.example.com", 465, "u", "p", True)
    assert smtp.read(f"smtp://{IN_URL}[::1]:2525") == Server("::1", 2525, "ana@example.com", PASSWORD, False)
    assert smtp.read("smtp://localhost").here and not smtp.read("smtp://mail.example.com").here


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://u:secret@mail",
        "smtp://",
        "smtp://u:secret@h:x",
        "smtp://u:secret@h/p",
        "smtp://h?x=1",
    ],
)
def test_an_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSmtpUrl, match="must be smtp://") as refused:
        smtp.read(url)
    assert "secret" not in str(refused.value)
