from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from slipway import settings
from slipway.mail import Letter
from typer.testing import CliRunner

from scripts.client import Client
from stacks.local import cli, mail_page, mailbox
from stacks.local.machine import Machine, open_or_create
from tests.stacks.local.declared import Running, running
from tests.stacks.local.started import Up

AT = datetime(2026, 11, 3, 14, 5, 6, tzinfo=UTC)
TOKEN = "https://app.example.com/reset-password#token=secret-token"
SOMEBODY = {"Host": "127.0.0.1:8000"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return open_or_create(tmp_path_factory.mktemp("data"), 8000, 0)


@pytest.fixture(scope="module")
def gateway(here: Machine) -> Iterator[Running]:
    with running(mounts={mail_page.MOUNT: mail_page.mail_page(here)}, allow_origins=["*"]) as started:
        yield started


@pytest.fixture(autouse=True)
def emptied(here: Machine) -> None:
    for file in mailbox.folder(here).glob("*"):
        file.unlink()


def keep(here: Machine, after: float = 0, **changed: Any) -> str:
    facts = {
        "id": uuid4(),
        "posted_at": AT + timedelta(seconds=after),
        "kind": "reset_password",
        "to": "ana@example.org",
    }
    sent = Letter(**{**facts, "subject": "Reset your password", "text": f"Hello,\n\n{TOKEN}\n\nBye.\n", **changed})
    mailbox.Mailbox(here).send(sent)
    return mailbox.name_of(sent)


def ask(gateway: Running, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    status, answered, body = gateway.request(
        method, path, headers=SOMEBODY | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    return status, answered, body.decode()


def test_letters_are_listed_newest_first_and_lead_to_their_text(gateway: Running, here: Machine) -> None:
    old, new = keep(here, subject="Old"), keep(here, 60, subject="New")
    status, _, page = ask(gateway, "/mail")
    assert status == 200 and re.findall(r'href="/mail/([^"]+)">(\w+)<', page) == [(new, "New"), (old, "Old")]
    status, _, page = ask(gateway, f"/mail/{new}")
    assert status == 200 and "<h1>New</h1>" in page and "ana@example.org" in page
    assert f'<a href="{TOKEN}" rel="noreferrer noopener">{TOKEN}</a>' in page


def test_an_empty_mailbox_says_so(gateway: Running) -> None:
    status, _, page = ask(gateway, "/mail/")
    assert status == 200 and "None yet" in page


def test_a_long_list_is_cut_and_says_so(gateway: Running, here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_page, "LISTED", 2)
    for after in range(3):
        keep(here, after)
    page = ask(gateway, "/mail")[2]
    assert page.count('href="/mail/') == 2 and "The newest 2 of 3." in page


def test_what_a_letter_holds_cannot_act(gateway: Running, here: Machine) -> None:
    evil = "<script>alert(1)</script>"
    name = keep(here, subject=evil, text=f'{evil} javascript:alert(1) https://x.example/"onclick="a <b>&amp;\n')
    for path in ("/mail", f"/mail/{name}"):
        page = ask(gateway, path)[2]
        assert "<script" not in page and "<b>" not in page and evil in unescape(page)
    assert re.findall(r'<a href="(.*?)"', page) == ["https://x.example/", "/mail"]


def test_the_policy_lets_nothing_act_frame_or_share(gateway: Running, here: Machine) -> None:
    name = keep(here)
    for path in ("/mail", f"/mail/{name}", "/mail/none"):
        headers = ask(gateway, path, origin="https://evil.example")[1]
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-") and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script" not in policy
        assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin" and headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert not any(header.startswith("access-control-") for header in headers)


def test_the_style_is_the_one_that_the_policy_names(gateway: Running) -> None:
    import base64
    import hashlib

    _, headers, page = ask(gateway, "/mail")
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9", "127.0.0.1:8000"])
def test_it_answers_to_the_machines_own_names(gateway: Running, host: str) -> None:
    assert ask(gateway, "/mail", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "a.localhost:8000",
        "localhost.",
        "127.0.0.1:8000@x",
        "LOCALHOST:x",
    ],
)
def test_a_page_that_points_its_own_name_here_reads_nothing(gateway: Running, here: Machine, host: str) -> None:
    name = keep(here)
    for path in ("/mail", f"/mail/{name}"):
        status, _, page = ask(gateway, path, Host=host)
        assert status == 421 and name not in page and "token" not in page


@pytest.mark.parametrize(
    "header",
    [
        {"x_forwarded_for": "203.0.113.7"}, {"forwarded": "for=203.0.113.7"}, {"via": "1.1 proxy"}, {"x_real_ip": "203.0.113.7"},
        {"sec_fetch_dest": "empty"}, {"sec_fetch_dest": "iframe"}, {"sec_fetch_dest": "script"},
    ],
)  # fmt: skip
def test_neither_a_proxy_nor_a_script_nor_a_frame_reads_it(
    gateway: Running, here: Machine, header: dict[str, str]
) -> None:
    name = keep(here)
    status, _, page = ask(gateway, f"/mail/{name}", **header)
    assert status == 403 and "token" not in page
    assert ask(gateway, f"/mail/{name}", sec_fetch_dest="document")[0] == 200, "the control: a person reads it"


def test_nginx_as_it_comes_does_not_read_it() -> None:
    """It rewrites Host to ours and names nobody, but speaks HTTP/1.0."""
    scope = {"headers": [(b"host", b"127.0.0.1:8000"), (b"connection", b"close")], "method": "GET", "path": "/mail"}
    refused = mail_page.refusal({**scope, "http_version": "1.0"})
    assert refused is not None and refused[0] == 403
    assert mail_page.refusal({**scope, "http_version": "1.1"}) is None, "the control: a browser does"


def test_it_can_only_be_read(gateway: Running, here: Machine) -> None:
    name = keep(here)
    assert {ask(gateway, f"/mail/{name}", method)[0] for method in ("POST", "DELETE", "OPTIONS", "PUT")} == {405}
    status, headers, body = ask(gateway, f"/mail/{name}", "HEAD")
    assert status == 200 and int(headers["content-length"]) > 500 and body == ""


@pytest.mark.parametrize(
    "path", ["/mail/x", "/mail/../machine", "/mail/%2e%2e/machine.json", "/mail//etc/passwd", "/mailbox"]
)
def test_nothing_but_letters_is_shown(gateway: Running, here: Machine, path: str) -> None:
    (Path(here.data) / "machine.eml").write_text("secret")
    status, _, page = ask(gateway, path)
    assert status == 404 and "secret" not in page


@pytest.mark.parametrize(
    ("changed", "wanted", "offered"),
    [
        ({}, True, True),
        ({"SLIPWAY_WEB_URL": "http://localhost:5173"}, True, True),
        ({}, False, False),
        ({"SLIPWAY_SMTP_URL": "smtps://mail.example.com"}, True, False),
        ({"SLIPWAY_WEB_URL": "https://app.example.com"}, True, False),
        ({"SLIPWAY_PUBLIC_URL": "https://api.example.com"}, True, False),
    ],
)
def test_it_is_there_only_while_letters_stay_and_nobody_else_is_served(
    here: Machine, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], wanted: bool, offered: bool
) -> None:
    for name in ("SLIPWAY_SMTP_URL", "SLIPWAY_WEB_URL", "SLIPWAY_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    settings.reset()
    assert mail_page.offered(wanted) == offered
    assert list(mail_page.mounts(here, wanted)) == ["/mail"] * offered
    settings.reset()


# ── On a running platform ────────────────────────────────────────────────────────────────────────────────────────


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def page(url: str) -> tuple[int, str]:
    """As a browser asks for it."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.mark.slow
def test_who_registers_finds_the_letter_on_the_page_that_up_and_status_name(up: Callable[..., Up]) -> None:
    one = up()
    facts = one.ready()
    assert facts["mail"] == f"{facts['api']}/mail"
    user = Client(facts["api"]).register("Ada")["user"]
    until(lambda: user["email"] in page(facts["mail"])[1])
    (letter,) = re.findall(r'href="(/mail/[^"]+)"', page(facts["mail"])[1])
    (link,) = re.findall(r'href="(http[^"]+)"', page(facts["api"] + letter)[1])
    assert link.startswith(f"{facts['api']}/verify-email#token=")
    token = link.partition("#token=")[2]
    assert Client(facts["api"]).send("POST", "/v1/auth/verify-email", {"token": token}).status < 300
    told = CliRunner().invoke(cli.app, ["status", "--json", "--data", str(one.data)])
    assert json.loads(told.stdout)["mail"] == facts["mail"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "environment"),
    [(("--no-mail-page",), {}), ((), {"SLIPWAY_SMTP_URL": "smtp://127.0.0.1:9", "SLIPWAY_MAIL_FROM": "a@example.com"})],
)
def test_without_the_page_neither_it_nor_its_address_is_there(
    up: Callable[..., Up], tmp_path: Path, options: tuple[str, ...], environment: dict[str, str]
) -> None:
    facts = up(tmp_path / "data", *options, **environment).ready()
    assert "mail" not in facts
    assert page(f"{facts['api']}/mail")[0] == 404
    assert page(f"{facts['api']}/health")[0] == 200, "the control"
