"""The lean HTTP shell: how an event becomes arguments, and what was raised a problem document."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Annotated, Any

import psycopg
import pytest
from pydantic import BaseModel, Field
from slipway import http
from slipway.binding import Header
from slipway.capabilities import DATABASE
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import ProjectId
from slipway.reply import Content, Reply
from slipway.route import Route, route
from slipway.texts import Input

from tests.api import Api, event, routes


class Given(Input):
    name: str = Field(max_length=5)
    count: int = 1


class Seen(BaseModel):
    said: Any


def call(function: Route, body: Any = None, **given: Any) -> Any:
    made = event(function.spec.key, body, given.get("query"), given.get("headers") or {}, given.get("path") or {})
    made |= given.get("event") or {}
    answer = function(made, None)
    answer["json"] = json.loads(answer["body"]) if answer["headers"].get("content-type", "").endswith("json") else None
    return answer


def echo() -> Route:
    @route("POST /echo/{word}", allow="public")
    def body(
        word: str, given: Given, n: Annotated[int, Field(ge=1)] = 7, agent: Annotated[str, Header("User-Agent")] = "-"
    ) -> Seen:
        return Seen(said=[word, given.name, given.count, n, agent])

    return body


def raising(error: BaseException) -> Route:
    @route("GET /raise", allow="public")
    def body() -> None:
        raise error

    return body


PATH = {"word": "w"}


def test_each_part_of_the_request_reaches_its_parameter() -> None:
    given = {"query": {"n": "3"}, "headers": {"USER-AGENT": "me"}, "path": {"word": "a b"}}
    answer = call(echo(), {"name": "x"}, **given)
    assert (answer["statusCode"], answer["json"]) == (200, {"said": ["a b", "x", 1, 3, "me"]})


def test_what_is_absent_has_its_default() -> None:
    assert call(echo(), {"name": "x"}, path=PATH)["json"]["said"] == ["w", "x", 1, 7, "-"]


def test_every_fault_is_named_with_its_place() -> None:
    answer = call(echo(), {"name": "too long", "more": 1}, path=PATH, query={"n": "0"})
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (422, "application/problem+json")
    found = {(e["pointer"], e["code"]) for e in answer["json"]["errors"]}
    assert found == {
        ("/body/name", "string_too_long"),
        ("/body/more", "extra_forbidden"),
        ("/query/n", "greater_than_equal"),
    }


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff", b"[" * 100_000, b'{"name": "\\ud800"}', b'{"name": NaN}'],
    ids=["half", "nothing", "not UTF-8", "deep", "lone surrogate", "NaN"],
)
def test_a_body_that_is_no_json_is_a_refusal_and_no_failure(body: bytes) -> None:
    answer = call(echo(), body, path=PATH, headers={"content-type": "application/json"})
    assert answer["json"]["code"] in ("invalid_json", "invalid") and answer["statusCode"] in (400, 422)


def test_a_body_of_another_type_is_415() -> None:
    answer = call(echo(), b"name=x", path=PATH, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (answer["statusCode"], answer["json"]["code"]) == (415, "unsupported_media_type")
    good = call(echo(), b'{"name": "x"}', path=PATH, headers={"content-type": "Application/JSON; charset=utf-8"})
    assert good["statusCode"] == 200


@pytest.mark.parametrize("encoded", [True, False])
def test_a_body_is_the_same_in_base64_or_as_it_is(encoded: bool) -> None:
    text = '{"name": "é"}'
    body = base64.b64encode(text.encode()).decode() if encoded else text
    answer = call(echo(), None, path=PATH, event={"body": body, "isBase64Encoded": encoded})
    assert answer["json"]["said"][1] == "é"


def test_content_comes_and_goes_as_bytes() -> None:
    @route("PUT /bytes", allow="public")
    def body(content: bytes) -> Content:
        return Content(content[::-1], "image/png", {"etag": '"1"'}, status=201)

    answer = call(body, b"\0\xff")
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (201, True)
    assert base64.b64decode(answer["body"]) == b"\xff\0"
    assert (answer["headers"]["content-type"], answer["headers"]["etag"]) == ("image/png", '"1"')


def test_a_reply_has_its_own_status_and_headers() -> None:
    @route("GET /reply", allow="public", status=202)
    def body(own: bool = False) -> Reply[Seen]:
        return Reply(Seen(said=1), {"x-a": "b"}, status=201 if own else None)

    assert [call(body, query={"own": own})["statusCode"] for own in ("true", "false")] == [201, 202]
    assert call(body)["headers"]["x-a"] == "b"


def test_nothing_is_204_and_every_answer_forbids_sniffing_and_caching() -> None:
    @route("GET /none", allow="public")
    def body() -> None:
        return None

    answer = call(body)
    assert (answer["statusCode"], answer["body"]) == (204, "")
    for some in (answer, call(raising(Error("not_found")))):
        assert some["headers"]["x-content-type-options"] == "nosniff"
        assert some["headers"]["cache-control"] == "no-store"
        assert some["headers"]["x-request-id"]


def test_a_problem_names_the_request_and_the_path() -> None:
    answer = call(raising(Error("forbidden", required="team:update")))
    assert (answer["statusCode"], answer["json"]["instance"], answer["json"]["required"]) == (
        403,
        "/raise",
        "team:update",
    )
    assert answer["json"]["request_id"] == answer["headers"]["x-request-id"]


def test_what_nobody_expected_is_500_and_only_the_log_knows_why(log_lines: Callable[[], list[str]]) -> None:
    answer = call(raising(ValueError("the secret detail")))
    assert (answer["statusCode"], answer["json"]["code"]) == (500, "internal")
    assert "secret" not in answer["body"]
    assert "the secret detail" in log_lines()[-1]


@pytest.mark.parametrize("error", [psycopg.errors.DeadlockDetected("x"), psycopg.OperationalError("lost")])
def test_a_database_in_trouble_is_503_and_worth_another_try(error: psycopg.Error) -> None:
    answer = call(raising(error))
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")


def test_the_first_id_of_the_path_decides_about_team_and_role(api: Api) -> None:
    @route("GET /x/{project_id}", allow="project:read", uses=(DATABASE,))
    def body(project_id: ProjectId) -> Seen:
        return Seen(said=str(project_id))

    assert (body.binding.scope_name, body.binding.scope_kind) == ("project_id", "prj")


def test_a_stranger_learns_nothing_of_what_a_valid_body_would_be(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    key = "POST /v1/projects/{project_id}/runs"
    bad = {"nonsense": True}
    assert api.call(key, bad, by=ann, project_id=ann.project["id"]).status == 422
    assert api.call(key, bad, by=bob, project_id=ann.project["id"]).status == 404
    assert api.call(key, bad, project_id=ann.project["id"]).status == 401


@pytest.mark.parametrize(
    "id", ["x", "prj_", "team_01h455vb4pex5vsknk084sn02q", "prj_01h455vb4pex5vsknk084sn02q", "%00"]
)
def test_an_id_that_is_none_is_404_like_one_that_is_unknown(api: Api, id: str) -> None:
    answer = api.call("GET /v1/projects/{project_id}", by=api.register(), project_id=id)
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_value_that_postgres_cannot_keep_is_422_and_not_repeated_in_the_log(
    api: Api, log_lines: Callable[[], list[str]]
) -> None:
    ann = api.project()
    query = {"prefix": "s3cret\0"}
    answer = api.call("GET /v1/projects/{project_id}/files", by=ann, query=query, project_id=ann.project["id"])
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert not [line for line in log_lines() if "s3cret" in line]


def test_a_public_body_without_transaction_gets_none(api: Api) -> None:
    assert not routes()["POST /v1/auth/login"].binding.needs_tx
    assert routes()["GET /health"].binding.needs_tx
    assert all(r.binding.needs_tx for r in routes().values() if r.spec.allow != "public")


def test_a_request_is_one_transaction(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()

    @route("POST /v1/fails", allow="self", uses=(DATABASE,))
    def body(tx: Transaction) -> None:
        tx.run(TOUCH)
        raise Error("invalid")

    context = ann.context
    given = event(body.spec.key, None, None, {}, {})
    given["requestContext"]["authorizer"] = {"lambda": context}
    assert body(given, None)["statusCode"] == 422
    assert everything.execute("select count(*) from users where name = 'changed'").fetchone() == (0,)


TOUCH = sql("update users set name = 'changed' where id = app.user_id()")


def _uuid(id: str) -> Any:
    from tests.core.backstage import uuid_of

    return uuid_of(id)


def test_a_run_s_token_is_nobody_outside_its_reports() -> None:
    from slipway.caller import Caller
    from slipway.idempotency import Sent

    with pytest.raises(Error) as caught:
        http.perform(routes()["GET /v1/me"], Caller("run", token_hash=b"x" * 32), None, {}, Sent("/v1/me"))
    assert caught.value.code == "unauthenticated"
