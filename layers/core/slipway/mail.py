"""Letters, which is what the platform sends to people by e-mail. A request posts one, the consumer of `mail` sends it.

A letter leaves if and only if the transaction that posted it commits, and at least once: a queue may deliver twice.
Its id is made when it is posted and becomes its Message-ID, so both copies are the same letter with the same links.
One machine's mailbox keeps one file of them, and a recipient's server may drop the second; SES writes a Message-ID of
its own over ours, so from there a person may, rarely, get a letter twice. No address, link or text reaches a log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from slipway import clock, ids, log, settings
from slipway.catalogue import MAIL

if TYPE_CHECKING:
    from slipway.capabilities import Mail
    from slipway.db import Transaction

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}$){_ATOM}(\.{_ATOM})*")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{4,253}}$)({_LABEL}\.)+(?=[a-z]){_LABEL}")


class BadAddress(ValueError):
    """E-mail cannot carry this address. The message never quotes it."""


class NoSender(RuntimeError):
    """SLIPWAY_MAIL_FROM does not say who sends; every letter waits for its mending."""


class Refused(RuntimeError):
    """This letter will never be delivered: no such mailbox, a suppressed address, content that was rejected."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Deferred(RuntimeError):
    """Not now: a throttle, a mail server that is away, a sender that is not verified yet. The queue tries again."""


def address(text: str) -> str:
    """The address in ASCII, its domain in lower case and IDNA; raises BadAddress.

    Only the plain form `local@domain.tld`: what could read as a list, a display name or a second header is refused.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        domain = domain.lower() if domain.isascii() else domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    if not (at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise BadAddress("not an address that e-mail can carry: write it as local@domain.tld, the local part in ASCII")
    return f"{local}@{domain}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


class Letter(BaseModel):
    """A message of the `mail` queue. `kind` names its text (`slipway/letters/<kind>.py`) and nothing about a person."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: UUID
    posted_at: AwareDatetime
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
    to: Annotated[str, AfterValidator(address)]
    subject: Annotated[str, AfterValidator(_one_line), StringConstraints(min_length=1, max_length=300)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
    html: Annotated[str, StringConstraints(max_length=100_000)] | None = None


def post(tx: Transaction, *, kind: str, to: str, subject: str, text: str, html: str | None = None) -> None:
    """Put a letter into the outbox. The caller declares MAIL_QUEUE.

    An address that e-mail cannot carry is logged as such and is no error: a request never fails for its letter.
    """
    try:
        to = address(to)
    except BadAddress:
        log.warning("letter_without_address", kind=kind)
        return
    tx.send(MAIL, Letter(id=ids.new(), posted_at=clock.now(), kind=kind, to=to, subject=subject, text=text, html=html))


def deliver(mail: Mail, letter: Letter) -> None:
    """Send it. A letter that is refused for good is dropped, since no second try would help; others raise and wait."""
    try:
        mail.send(letter)
    except Refused as refused:
        log.warning("letter_refused", kind=letter.kind, letter=str(letter.id), code=refused.code)
    else:
        log.info("letter_sent", kind=letter.kind, letter=str(letter.id))


# ── On the wire ──────────────────────────────────────────────────────────────────────────────────────────────────


class Sender(NamedTuple):
    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def read_sender(text: str) -> Sender:
    """`Slipway <no-reply@example.com>` or the address alone; raises BadAddress."""
    from email.utils import getaddresses

    found = getaddresses([text])
    if len(found) != 1:
        raise BadAddress("not one address: write it as `Slipway <no-reply@example.com>`")
    return Sender(_one_line(found[0][0]), address(found[0][1]))


def sender() -> Sender:
    """Who sends; raises NoSender with the remedy."""
    try:
        return read_sender(settings.get("SLIPWAY_MAIL_FROM"))
    except BadAddress:
        raise NoSender(
            "SLIPWAY_MAIL_FROM is no sender: set it to `Slipway <no-reply@example.com>` (on AWS: mail_from in cdk.json)"
        ) from None


def written(letter: Letter, by: Sender) -> bytes:
    """The letter as an RFC 5322 message: 7-bit, CRLF. EmailMessage refuses a header with a line break in it."""
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.policy import SMTP

    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = Address(by.name, addr_spec=by.address)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = letter.posted_at
    message["Message-ID"] = f"<{letter.id}@{by.domain}>"
    message["X-Slipway-Kind"] = letter.kind
    message["Auto-Submitted"] = "auto-generated"  # so that no absence notice answers (RFC 3834)
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    return message.as_bytes()
