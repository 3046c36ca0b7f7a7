from __future__ import annotations

import pytest
from slipway.letters.names import MOST, plain


@pytest.mark.parametrize("name", ["Ana", "Zoë Ångström", "李小龍", "Dr. No", "O'Neill & Co.", "R2-D2"])
def test_a_name_stays_as_it_is(name: str) -> None:
    assert plain(name) == name


@pytest.mark.parametrize(
    "name", ["evil.example", "https://evil.example/x", "eve@evil.example", "Go to www.evil.example now"]
)
def test_what_would_become_a_link_is_broken_up_and_still_readable(name: str) -> None:
    found = plain(name)
    assert found.replace("\u200b", "") == name
    assert all(piece not in found for piece in ("l.e", "://", "e@e", "w.e"))


@pytest.mark.parametrize(
    ("name", "seen"), [("a\u202eb", "ab"), ("a\nb\u2028c", "a b c"), ("\x07a", "a"), ("\u200b", "somebody")]
)
def test_what_hides_or_turns_text_around_is_left_out(name: str, seen: str) -> None:
    assert plain(name) == seen


def test_a_long_name_is_cut() -> None:
    assert plain("x" * 100) == "x" * (MOST - 1) + "…"
    assert plain("x" * MOST) == "x" * MOST
