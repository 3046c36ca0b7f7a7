"""The reference pages are what the declarations say."""

from __future__ import annotations

import pytest

from scripts.reference import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_declarations_say(name: str) -> None:
    file = DOCS / name
    assert file.exists() and file.read_text() == PAGES[name](), f"docs/{name} is out of date: run scripts/generate-docs"
