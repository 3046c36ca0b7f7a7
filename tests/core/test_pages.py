from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from slipway import ids
from slipway.errors import Error
from slipway.pages import LAST_UUID, after, before, page

from tests.api import Api


class Item(BaseModel):
    id: UUID


class Named(BaseModel):
    path: str


def test_the_extra_row_tells_that_there_is_more_and_is_not_shown() -> None:
    rows = [{"id": UUID(int=n)} for n in (3, 2, 1)]
    first = page(Item, rows, 2)
    assert [item.id.int for item in first.data] == [3, 2]
    assert first.has_more and before(first.next_cursor) == UUID(int=2)


def test_the_last_page_has_no_cursor() -> None:
    last = page(Item, [{"id": UUID(int=1)}], 2)
    assert (last.has_more, last.next_cursor) == (False, None)


def test_without_a_cursor_a_list_begins_at_its_start() -> None:
    assert (before(None), after(None)) == (LAST_UUID, "")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_text_key_survives_as_a_cursor(key: str) -> None:
    cursor = page(Named, [{"path": key}, {"path": "more"}], 1, key="path").next_cursor
    assert cursor and after(cursor) == key


@given(st.text(min_size=1, max_size=60))
def test_a_cursor_is_read_or_refused_and_nothing_else(cursor: str) -> None:
    for read in (before, after):
        try:
            read(cursor)
        except Error as error:
            assert (error.code, error.errors[0]["pointer"]) == ("invalid", "/query/cursor")  # type: ignore[index]


@pytest.mark.parametrize("cursor", ["!", "AAAA", "A" * 5])
def test_a_cursor_of_no_list_is_422(api: Api, cursor: str) -> None:
    answer = api.call("GET /v1/teams", by=api.register(), query={"cursor": cursor})
    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_pages_hold_every_item_once_also_while_items_are_added(api: Api) -> None:
    ann = api.register()
    made = [api.call("POST /v1/teams", {"name": f"T{n}"}, by=ann).json["id"] for n in range(5)]
    found, query = [], {"limit": 2}
    while True:
        answer = api.call("GET /v1/teams", by=ann, query=query).json
        found += [team["id"] for team in answer["data"]]
        if not answer["has_more"]:
            break
        api.call("POST /v1/teams", {"name": "later"}, by=ann)
        query = {"limit": 2, "cursor": answer["next_cursor"]}
    assert found == made[::-1]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_outside_1_to_100_is_422(api: Api, limit: str) -> None:
    answer = api.call("GET /v1/teams", by=api.register(), query={"limit": limit})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/query/limit")


def test_a_cursor_shows_its_key_only_in_base64() -> None:
    shown = page(Item, [{"id": ids.new()}, {"id": ids.new()}], 1)
    assert shown.next_cursor and "-" not in shown.next_cursor
