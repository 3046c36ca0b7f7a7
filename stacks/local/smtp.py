"""E-mail from one machine through a mail server: SLIPWAY_SMTP_URL, `smtp://user:password@host:587` or `smtps://…:465`.

The password, and people's links, travel encrypted: `smtp://` asks for STARTTLS and sends nothing without it, except to
this machine itself. One connection a letter, since letters are few and a server ends idle connections.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from slipway import mail
from slipway.mail import Deferred, Letter, Refused

TIMEOUT_SECONDS = 8.0  # of one answer; the consumer has 30 seconds for the letter
PORTS: Mapping[str, int] = {"smtp": 587, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Replies of the 500s that are about us, not about the letter: no login, a wrong one, no encryption.
OURS = (530, 534, 535, 538)


class BadSmtpUrl(ValueError):
    """SLIPWAY_SMTP_URL cannot be read. The message never quotes it: it holds a password."""


class Server(NamedTuple):
    host: str
    port: int
    user: str
    password: str
    tls: bool  # from the first byte

    @property
    def here(self) -> bool:
        return self.host in LOOPBACK


def read(url: str) -> Server:
    """Raises BadSmtpUrl with the remedy."""
    remedy = "SLIPWAY_SMTP_URL must be smtp://user:password@host:587 or smtps://user:password@host:465, percent-encoded"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadSmtpUrl(remedy) from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadSmtpUrl(remedy)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port or PORTS[parts.scheme], user, password, parts.scheme == "smtps")


class SmtpMail:
    """The Mail of one machine that has a mail server."""

    def __init__(self, url: str) -> None:
        self._server = read(url)
        self._trust = ssl.create_default_context()

    def send(self, message: Letter) -> None:
        """Raises Refused or Deferred; neither quotes what the server said, because servers quote addresses."""
        by = mail.sender()
        content = mail.written(message, by)
        try:
            with closing(self._connected(by.domain)) as connection:
                connection.sendmail(by.address, [message.to], content)
                with suppress(OSError, smtplib.SMTPException):  # the letter is sent, however the farewell goes
                    connection.quit()
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise _judged(code) from None
        except smtplib.SMTPSenderRefused as error:
            raise Deferred(f"the mail server refuses SLIPWAY_MAIL_FROM ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise Deferred("the mail server offers no STARTTLS or no login: use smtps:// or another port") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Deferred(f"the mail server cannot be reached: {type(error).__name__}") from None

    def _connected(self, name: str) -> smtplib.SMTP:
        """An encrypted connection that is logged in. `name`: how we greet; smtplib would ask the DNS for one."""
        server = self._server
        if server.tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, name, timeout=TIMEOUT_SECONDS, context=self._trust
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT_SECONDS)
        try:
            if not (server.tls or server.here):
                connection.starttls(context=self._trust)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def _judged(code: int) -> Refused | Deferred:
    """421, 450 and their like pass; of the 500s only those about the letter are final."""
    if code in OURS:
        return Deferred(f"the mail server wants another login or encryption ({code}): check SLIPWAY_SMTP_URL")
    if code >= 500:
        return Refused(f"smtp_{code}")
    return Deferred(f"the mail server answered {code}")
