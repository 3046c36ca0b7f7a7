from __future__ import annotations

import posixpath
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slipway.errors import Error
from slipway.files import paths

ANY = st.text(max_size=60) | st.text(st.sampled_from("./\\ aAéé:~con\0\x7f\u202e"), max_size=30)
REFUSED = {
    "nothing": "",
    "absolute": "/etc/passwd",
    "parent": "../up",
    "parent within": "a/../b",
    "parent at the end": "a/..",
    "itself": "./a",
    "double slash": "a//b",
    "folder": "a/",
    "NUL": "a\0b",
    "newline": "a\nb",
    "delete": "a\x7fb",
    "backslash": "a\\b",
    "windows parent": "..\\b",
    "drive": "C:/x",
    "stream": "file.txt:stream",
    "wildcard": "a*b",
    "right-to-left override": "gpj\u202e.exe",
    "zero width space": "a\u200bb",
    "lone surrogate": "a\ud800",
    "private use": "a\ue000",
    "leading space": " a",
    "trailing space": "a ",
    "ideographic space at the end": "a\u3000",
    "trailing dot": "a.",
    "device": "con",
    "device with an ending": "src/NUL.txt",
    "device in capitals": "COM1",
    "git's folder": ".git/config",
    "git's folder in capitals": ".GIT/hooks/pre-commit",
    "long": "a/" * 30 + "b" * 460,
    "long name": "b" * 201,
    "long name in bytes": "é" * 101,
    "deep": "/".join("a" * 33),
}


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED.keys())
def test_a_path_that_could_harm_somewhere_is_refused_with_the_reason(path: str) -> None:
    with pytest.raises(Error) as caught:
        paths.clean(path)
    assert caught.value.code == "invalid_path"
    assert caught.value.detail and caught.value.errors


@pytest.mark.parametrize(
    "path",
    ["a", "main.py", "src/app/index.html", ".env", ".gitignore", "a b/c d.txt", "日本/語.md", "console.log", "a..b", "...x",
     "/".join("a" * 32), "b" * 200, "icons/😀.png", "com10", "nullable.py"],
)  # fmt: skip
def test_an_ordinary_path_is_taken_as_it_is(path: str) -> None:
    assert paths.clean(path) == path


@given(ANY)
@example("a/\u0344")
def test_a_clean_path_is_normal_relative_and_clean_again(path: str) -> None:
    try:
        clean = paths.clean(path)
    except Error as error:
        assert error.code == "invalid_path"
        return
    assert paths.clean(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert not posixpath.isabs(clean) and posixpath.normpath(clean) == clean
    assert not {"\0", "\\", "\n"} & set(clean)
    assert len(clean.encode()) <= paths.MAX_BYTES


def test_composed_and_decomposed_spellings_are_one_path() -> None:
    assert paths.clean("cafe\u0301.txt") == paths.clean("caf\u00e9.txt") == "caf\u00e9.txt"


@given(st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"]), max_size=20))
@example("\u0345\u0301")
@example("\u1fb3")
def test_the_key_is_the_same_for_every_spelling(path: str) -> None:
    key = paths.key(path)
    assert paths.key(key) == key
    for form in ("NFC", "NFD"):
        assert paths.key(unicodedata.normalize(form, path)) == key


@pytest.mark.parametrize(("one", "two"), [("README", "readme"), ("straße", "STRASSE"), ("É", "e\u0301")])
def test_names_that_differ_only_in_case_have_one_key(one: str, two: str) -> None:
    assert paths.key(one) == paths.key(two)


def test_different_names_have_different_keys() -> None:
    assert len({paths.key(p) for p in ("a", "b", "a/b", "ab", "á", "a b")}) == 6


def test_the_folders_of_a_path_are_its_beginnings() -> None:
    assert paths.folders("a/b/c") == ["a", "a/b"]
    assert paths.folders("a") == []
