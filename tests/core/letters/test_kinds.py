"""Every letter, as it is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from slipway.letters.account_deleted import account_deleted
from slipway.letters.email_taken import email_taken
from slipway.letters.identity_linked import identity_linked
from slipway.letters.invitation import invitation
from slipway.letters.password_changed import password_changed
from slipway.letters.reset_password import reset_password
from slipway.letters.team_over_plan import team_over_plan
from slipway.letters.times import moment
from slipway.letters.usage_notice import usage_notice
from slipway.letters.verify_email import verify_email
from slipway.mail import Letter

LINK = "https://app.example.com/page#token=abc"
AT = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
EVIL = "Win\r\nBcc: eve@evil.example https://evil.example"

LETTERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "verify_email": lambda name: verify_email(name, LINK),
    "reset_password": lambda name: reset_password(name, LINK),
    "password_changed": lambda name: password_changed(name, AT),
    "identity_linked": lambda name: identity_linked(name, "google", AT),
    "email_taken": email_taken,
    "account_deleted": account_deleted,
    "invitation": lambda name: invitation(name, name, "editor", LINK, AT),
    "guest": lambda name: invitation(name, name, "guest", LINK, AT, workspace=name),
    "usage_notice": lambda name: usage_notice(name, "run minutes", 80, 400, 500, AT),
    "usage_notice_counted_on": lambda name: usage_notice(name, "run minutes", 120, 600, 500, AT, hard=False),
    "team_over_plan": lambda name: team_over_plan(name, "team_01kb", "run minutes", "1,000 minutes", "500 minutes"),
}
WITH_LINK = {"verify_email", "reset_password", "invitation", "guest"}


@pytest.mark.parametrize("kind", LETTERS)
def test_a_letter_is_short_names_its_reader_or_sender_and_has_its_link_on_a_line_of_its_own(kind: str) -> None:
    subject, text = LETTERS[kind]("Ana")
    assert len(subject) <= 60 and len(text) <= 600
    assert "Ana" in text
    assert (LINK in text.splitlines()) == (kind in WITH_LINK)
    assert text.endswith(".\n")
    Letter(
        id="0190a5b0-0000-7000-8000-000000000001", posted_at=AT, kind=kind, to="a@b.example", subject=subject, text=text
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", LETTERS)
def test_no_name_makes_a_line_or_a_link_of_its_own(kind: str) -> None:
    subject, text = LETTERS[kind](EVIL)
    said = subject + text.replace(LINK, "")
    assert "Win" in said
    assert "evil.example" not in said and "://" not in said and "@evil" not in said
    assert not any(line.startswith("Bcc") for line in text.splitlines()) and "\n" not in subject


def test_an_invitation_says_who_where_as_what_and_until_when() -> None:
    subject, text = invitation("Ana", "Blue", "editor", LINK, AT)
    assert subject == "Ana invited you to “Blue”"
    assert "Ana invited you to the team “Blue”, as editor." in text
    assert "until 3 November 2026, 14:05 UTC" in text


def test_a_guests_invitation_names_the_workspace() -> None:
    subject, text = invitation("Ana", "Blue", "guest", LINK, AT, workspace="Design")
    assert subject == "Ana invited you to “Design”"
    assert "the workspace “Design” of the team “Blue”, as guest" in text


@pytest.mark.parametrize(
    ("percent", "resets_at", "then"),
    [
        (
            80,
            AT,
            "At 100 % what is over it is refused until 3 November 2026, 14:05 UTC, when the count begins again, or",
        ),
        (100, AT, "What is over it is refused until 3 November 2026, 14:05 UTC, when"),
        (100, None, "What is over it is refused, until some of it is freed, or until the team has a larger plan."),
    ],
)
def test_a_usage_notice_says_what_happens_next(percent: int, resets_at: datetime | None, then: str) -> None:
    subject, text = usage_notice("Blue", "run time", percent, "400 minutes", "500 minutes", resets_at)
    assert subject == f"“Blue” has used {percent} % of its run time"
    assert f"has used 400 minutes of 500 minutes ({percent} %) of its run time" in text
    assert then in text


def test_a_moment_is_told_in_utc() -> None:
    assert moment(datetime(2026, 11, 4, 1, 5, tzinfo=timezone(timedelta(hours=11)))) == "3 November 2026, 14:05 UTC"
