"""`/mail`: the letters of one machine that sends none, for the person in front of it.

It shows everybody's letters with their reset links. So it is there only while the platform serves nobody but this
machine, and answers only what a person's browser asks of this machine by its own name: no other web page, no other
host name (DNS rebinding), no reverse proxy, no script. A program in a sandbox has no network. `slipway up
--no-mail-page` turns it off.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable
from email.message import EmailMessage
from html import escape
from urllib.parse import urlsplit

from slipway import settings
from slipway.letters import links

from stacks.local import mailbox
from stacks.local.asgi import App, Receive, Scope, Send
from stacks.local.machine import Machine

MOUNT = "/mail"
LISTED = 100
OWN_NAMES = ("127.0.0.1", "localhost")
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .8rem .3rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; border-top: 1px solid; padding-top: 1rem; }
dt { float: left; clear: left; width: 5rem; } dd { margin-left: 5.5rem; overflow-wrap: anywhere; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
# What a reverse proxy adds. One that adds nothing, and puts our own name into Host, speaks HTTP/1.0 as no browser does
# (nginx unless told otherwise), or is met by `offered`.
PROXIED = ("forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
_LINK = re.compile(r"https?://[^\s<>\"]+")


def offered(wanted: bool = True) -> bool:
    """Whether there is such a page: wanted, letters stay here, and clients know this platform by a name of this machine
    only. Reads settings, so call it when they are applied."""
    addresses = (settings.get("SLIPWAY_PUBLIC_URL"), links.base())
    return (
        wanted
        and not settings.get("SLIPWAY_SMTP_URL")
        and all((urlsplit(address).hostname or "") in OWN_NAMES for address in addresses)
    )


def mounts(machine: Machine, wanted: bool = True) -> dict[str, App]:
    """For the gateway: the page at its place, or nothing."""
    return {MOUNT: mail_page(machine)} if offered(wanted) else {}


def mail_page(machine: Machine) -> App:
    """The ASGI application; it takes the whole path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = refusal(scope)
        if answer is None:
            answer = await asyncio.to_thread(_answer, machine, scope["path"])
        status, content = answer[0], answer[1].encode()
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    return app


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Status and page for a request that is not a person's own, None for one that is."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    hosts = headers.get("host", [])
    if len(hosts) != 1 or not re.fullmatch(rf"({'|'.join(map(re.escape, OWN_NAMES))})(:\d{{1,5}})?", hosts[0]):
        return 421, _page("Not here", "<p>Letters are shown at 127.0.0.1 or localhost only.</p>")
    if scope["http_version"] == "1.0" or any(name in headers for name in PROXIED):
        return 403, _page("Not here", "<p>Letters are not shown through a proxy.</p>")
    if headers.get("sec-fetch-dest", ["document"]) != ["document"]:
        return 403, _page("Not here", "<p>Letters are shown as a page of their own, not inside another.</p>")
    if scope["method"] not in ("GET", "HEAD"):
        return 405, _page("Not possible", "<p>Letters can only be read.</p>")
    return None


def _answer(machine: Machine, path: str) -> tuple[int, str]:
    if path in (MOUNT, f"{MOUNT}/"):
        return 200, _list(machine)
    name = path.removeprefix(f"{MOUNT}/")
    letter = mailbox.read(machine, name)
    if letter is None:
        return 404, _page("No such letter", f'<p>It may have been deleted. <a href="{MOUNT}">All letters</a></p>')
    return 200, _letter(letter)


def _list(machine: Machine) -> str:
    names = mailbox.names(machine)
    rows = "".join(_row(name, letter) for name in names[:LISTED] if (letter := mailbox.read(machine, name)))
    if not rows:
        return _page("Letters", "<p>None yet. What the platform would send by e-mail appears here.</p>")
    more = f"<p>The newest {LISTED} of {len(names)}.</p>" if len(names) > LISTED else ""
    head = "<tr><th scope=col>Sent</th><th scope=col>To</th><th scope=col>Subject</th></tr>"
    return _page("Letters", f"<p>Not sent, but kept on this machine.</p>{more}<table>{head}{rows}</table>")


def _row(name: str, letter: EmailMessage) -> str:
    sent = letter["Date"].datetime
    return (
        f'<tr><td><time datetime="{sent.isoformat()}">{sent:%Y-%m-%d %H:%M:%S} UTC</time></td>'
        f"<td>{escape(str(letter['To']))}</td>"
        f'<td><a href="{MOUNT}/{name}">{escape(str(letter["Subject"]))}</a></td></tr>'
    )


def _letter(letter: EmailMessage) -> str:
    facts = "".join(
        f"<dt>{name}</dt><dd>{escape(str(letter[header]))}</dd>"
        for name, header in (("From", "From"), ("To", "To"), ("Date", "Date"), ("Kind", "X-Slipway-Kind"))
    )
    part = letter.get_body(("plain",))
    text = part.get_content() if part else ""
    back = f'<p><a href="{MOUNT}">All letters</a></p>'
    return _page(str(letter["Subject"]), f"<dl>{facts}</dl><pre>{''.join(_linked(text))}</pre>{back}")


def _linked(text: str) -> Iterable[str]:
    """The text as HTML, its http(s) addresses as links; they stand on lines of their own."""
    done = 0
    for link in _LINK.finditer(text):
        address = escape(link[0])
        yield escape(text[done : link.start()])
        yield f'<a href="{address}" rel="noreferrer noopener">{address}</a>'
        done = link.end()
    yield escape(text[done:])


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1>{content}</main></body></html>\n"
    )
