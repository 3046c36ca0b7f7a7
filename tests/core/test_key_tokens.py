from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from slipway import key_tokens

DOCS = Path(__file__).resolve().parents[2] / "docs/api-keys.md"
# Two worked examples, which docs/api-keys.md shows too: whoever writes a scanner can check theirs against them.
VECTORS = ("slp_sk_0000000000000000000000000000004ZRAH9", "slp_sk_Slipway0Example0Key0NotInUse003kdy0H")


def by_the_book(start: str) -> str:
    """The checksum as docs/api-keys.md words it, written a second time."""
    number = zlib.crc32(start.encode("ascii"))
    return "".join(key_tokens.ALPHABET[number // 62**place % 62] for place in range(5, -1, -1))


def test_a_key_has_the_documented_form_and_checksum() -> None:
    pattern = re.search(r"`(slp_sk_\[.+?\})`", DOCS.read_text())
    assert pattern, "docs/api-keys.md states the pattern"
    for _ in range(200):
        key = key_tokens.make()
        assert re.fullmatch(pattern[1], key)
        assert by_the_book(key[:-6]) == key[-6:]
        assert key_tokens.well_formed(key)


@pytest.mark.parametrize("key", VECTORS)
def test_the_examples_of_the_docs_are_well_formed(key: str) -> None:
    assert key in DOCS.read_text() and by_the_book(key[:-6]) == key[-6:] and key_tokens.well_formed(key)


def test_no_two_keys_are_alike() -> None:
    assert len({key_tokens.make() for _ in range(1000)}) == 1000


def test_every_single_wrong_character_is_found() -> None:
    key = key_tokens.make()
    for place in range(len(key)):
        for other in "0Za_-\n":
            wrong = key[:place] + other + key[place + 1 :]
            assert wrong == key or not key_tokens.well_formed(wrong), place


@pytest.mark.parametrize("change", [lambda k: k[:-1], lambda k: k + "0", lambda k: k + "\n", lambda k: k.upper(),
                                    lambda k: k.replace("slp_sk_", "slp_rt_"), lambda k: "", lambda k: "slp_sk_"])  # fmt: skip
def test_what_is_longer_shorter_or_otherwise_no_key_is_none(change: object) -> None:
    assert not key_tokens.well_formed(change(key_tokens.make()))  # type: ignore[operator]
