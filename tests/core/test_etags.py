from __future__ import annotations

import pytest
from pydantic import BaseModel
from slipway import etags
from slipway.errors import Error


class Thing(BaseModel):
    name: str = "thing"


@pytest.mark.parametrize("header", [None, '"3"', "*", '"1", "3"', '"1","3"'])
def test_the_version_that_was_read_may_be_changed(header: str | None) -> None:
    etags.require(header, 3)


@pytest.mark.parametrize("header", ['"2"', "3", 'W/"3"', "", '"33"', '"1", "2"'])
def test_another_version_is_refused_and_the_present_one_named(header: str) -> None:
    with pytest.raises(Error) as refused:
        etags.require(header, 3)
    assert (refused.value.status, refused.value.headers) == (412, {"etag": '"3"'})


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', "*", '"1", "3"'])
def test_who_has_the_version_gets_no_body(header: str) -> None:
    reply = etags.reply(Thing(), 3, header)
    assert (reply.status, reply.body, reply.headers) == (304, None, {"content-type": "application/json", "etag": '"3"'})


@pytest.mark.parametrize("header", [None, '"2"', ""])
def test_who_has_another_gets_the_model_and_its_version(header: str | None) -> None:
    reply = etags.reply(Thing(), 3, header)
    assert (reply.status, reply.body, reply.headers) == (None, Thing(), {"etag": '"3"'})
