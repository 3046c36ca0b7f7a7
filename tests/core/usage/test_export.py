from __future__ import annotations

import base64
import csv
import io
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from slipway.usage import export

from tests.api import Api, Person
from tests.core.usage.metering import use

pytestmark = pytest.mark.usefixtures("granted")
EXPORT = "GET /v1/teams/{team_id}/usage.csv"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def test_the_ledger_comes_as_csv_oldest_first(api: Api, ann: Person) -> None:
    use(ann.team_id, "run_seconds", 7, "run_b", NOON + timedelta(hours=1), ann.user_id)
    use(ann.team_id, "runs", 1, 'said "x", twice', NOON)
    answer = api.call(EXPORT, by=ann, team_id=ann.team["id"])
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="usage-{ann.team["id"]}-')
    header, first, second, end = answer.content.decode().split("\r\n")
    assert header == "at,meter,quantity,unit,source,user_id,project_id,recorded_at" and end == ""
    assert first.startswith(f'{NOON:%Y-%m-%dT%H:%M:%S}Z,runs,1,runs,"said ""x"", twice",,,')
    assert f",run_seconds,7,seconds,run_b,{ann.user['id']},," in second


def test_only_the_span_that_was_asked_for(api: Api, ann: Person) -> None:
    for hours in range(4):
        use(ann.team_id, "runs", 1, f"run_{hours}", NOON + timedelta(hours=hours))
    query = {"since": (NOON + timedelta(hours=1)).isoformat(), "until": (NOON + timedelta(hours=3)).isoformat()}
    rows = list(
        csv.DictReader(io.StringIO(api.call(EXPORT, by=ann, query=query, team_id=ann.team["id"]).content.decode()))
    )
    assert [row["source"] for row in rows] == ["run_1", "run_2"]
    backwards = {"since": query["until"], "until": query["since"]}
    assert api.call(EXPORT, by=ann, query=backwards, team_id=ann.team["id"]).status == 422


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    row = {
        "at": NOON,
        "meter": "runs",
        "quantity": 1,
        "source": cell,
        "user_id": None,
        "project_id": None,
        "recorded_at": NOON,
    }
    (read,) = csv.DictReader(io.StringIO(export.written([row]).decode(), newline=""))
    assert read["source"] == "'" + cell
    assert export.plain("run_1") == "run_1", "the control"


@pytest.mark.parametrize("bound", ["MOST_LINES", "MOST_BYTES"])
def test_too_much_for_one_answer_is_refused_with_a_way_out(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    for n in range(3):
        use(ann.team_id, "runs", 1, f"run_{n}", NOON + timedelta(hours=n))
    monkeypatch.setattr(export, bound, {"MOST_LINES": 2, "MOST_BYTES": 250}[bound])
    answer = api.call(EXPORT, by=ann, team_id=ann.team["id"])
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert "narrow since and until" in answer.json["detail"]
    less = {"until": (NOON + timedelta(hours=1)).isoformat()}
    assert api.call(EXPORT, by=ann, query=less, team_id=ann.team["id"]).status == 200


def test_the_most_that_is_answered_fits_into_a_functions_answer() -> None:
    assert len(base64.b64encode(bytes(export.MOST_BYTES))) < 6 * 1024 * 1024


def test_the_export_needs_its_own_right(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("update team_members set role = 'editor'")
    assert api.call(EXPORT, by=ann, team_id=ann.team["id"]).json["required"] == "usage:export"
