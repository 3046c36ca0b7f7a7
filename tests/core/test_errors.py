from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, ValidationError
from slipway.discover import ROOT
from slipway.errors import CODES, DOCS, Error, invalid


class Given(BaseModel):
    name: int


@pytest.mark.parametrize("code", CODES)
def test_every_code_makes_a_problem_document(code: str) -> None:
    error = Error(code, cause="only for the log")
    document = error.problem("/v1/x", "r1")
    assert document == {
        "type": f"{DOCS}#{code}",
        "title": CODES[code].title,
        "status": CODES[code].status,
        "detail": CODES[code].title,
        "instance": "/v1/x",
        "code": code,
        "request_id": "r1",
    }
    assert 400 <= error.status < 600


def test_the_cause_is_for_the_log_and_not_for_the_client() -> None:
    error = Error("internal", "Sorry.", cause="password=hunter2")
    assert "hunter2" in str(error)
    assert "hunter2" not in str(error.problem("/", ""))


def test_fields_stand_beside_the_standard_ones() -> None:
    document = Error("limit_reached", limit="runs_concurrent", used=3, allowed=3).problem("/", "")
    assert (document["limit"], document["used"], document["allowed"]) == ("runs_concurrent", 3, 3)


def test_a_code_that_nobody_listed_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Error("made_up")


def test_a_refusal_names_the_field_and_never_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Given.model_validate({"name": "s3cret"})
    error = invalid(caught.value.errors(), "body")
    assert error.errors == [{"pointer": "/body/name", "code": "int_parsing", "detail": caught.value.errors()[0]["msg"]}]
    assert "s3cret" not in str(error.problem("/", ""))


def test_every_code_that_is_raised_is_listed_and_every_listed_code_is_raised() -> None:
    text = "".join(
        file.read_text() for folder in ("layers/core", "functions") for file in (ROOT / folder).rglob("*.py")
    )
    raised = set(re.findall(r"\bError\(\s*\"([a-z_]+)\"", text))
    reserved = {"bad_request", "run_finished", "language_unavailable", "too_many_requests"}  # for routes to come
    assert raised <= set(CODES)
    assert set(CODES) - raised - {"stale_attempt", "not_found", "quota_exceeded"} <= reserved
