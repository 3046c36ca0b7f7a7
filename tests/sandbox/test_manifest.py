"""A malformed manifest raises one clear error, whatever is wrong with it."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slipway_sandbox.job import BadJob, Limits
from slipway_sandbox.manifest import BadManifest, decode


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def manifest(**fields: Any) -> dict[str, Any]:
    return {
        "run_id": "run_1",
        "attempt": 1,
        "token": "slp_run_x",
        "report_url": "http://127.0.0.1:8000/v1/worker/runs/run_1/",
        "sources": {"inline": [{"path": "main.py", "content_base64": encoded("pass")}]},
        **fields,
    }


def test_what_is_left_out_has_a_default() -> None:
    decoded = decode(manifest())
    assert decoded.report_url == "http://127.0.0.1:8000/v1/worker/runs/run_1"
    assert decoded.job.limits == Limits()
    assert (decoded.job.language, decoded.job.entry, decoded.job.stdin, decoded.bundle) == (None, None, b"", None)
    assert decoded.job.sources[0].content == b"pass"
    assert "slp_run_x" not in repr(decoded)


def test_what_is_given_is_taken() -> None:
    decoded = decode(
        manifest(
            language="python",
            entry="main.py",
            arguments=["a", ""],
            stdin_base64=encoded("in"),
            environment={"A": "b"},
            limits={"wall_seconds": 1.5, "processes": 3},
            artifacts={"patterns": ["out/**"], "max_files": 2, "max_bytes": 3},
        )
    )
    assert decoded.job.arguments == ("a", "")
    assert decoded.job.limits == Limits(wall_seconds=1.5, processes=3)
    assert (decoded.artifacts.patterns, decoded.artifacts.max_files) == (("out/**",), 2)


def test_a_bundle_stands_for_sources() -> None:
    decoded = decode(manifest(sources={"bundle_url": "https://x/y?z=1", "sha256": "a" * 64}))
    assert decoded.bundle
    assert decoded.bundle.url == "https://x/y?z=1"


BAD: list[dict[str, Any]] = [
    {"run_id": ""},
    {"run_id": None},
    {"attempt": 0},
    {"attempt": True},
    {"attempt": "1"},
    {"token": "line\nbreak"},
    {"report_url": "file:///etc/passwd"},
    {"report_url": "http://[::1"},
    {"report_url": "http://x:99999/"},
    {"unknown": 1},
    {"sources": {}},
    {"sources": {"inline": []}},
    {"sources": {"inline": [{"path": "../x", "content_base64": ""}]}},
    {"sources": {"inline": [{"path": "x", "content_base64": "%%%"}]}},
    {"sources": {"inline": [{"path": "x", "content_base64": ""}] * 2}},
    {"sources": {"bundle_url": "http://x", "sha256": "zz"}},
    {"sources": {"bundle_url": "http://x", "sha256": "a" * 64, "inline": []}},
    {"entry": "/bin/sh"},
    {"arguments": ["a\0b"]},
    {"arguments": ["\ud800"]},
    {"arguments": "abc"},
    {"arguments": ["x" * 70_000]},
    {"environment": {"A=B": "c"}},
    {"environment": {"PATH": "/x"}},
    {"environment": {"LD_PRELOAD": "/x"}},
    {"environment": {"A": 1}},
    {"limits": {"wall_seconds": 0}},
    {"limits": {"wall_seconds": float("nan")}},
    {"limits": {"wall_seconds": float("inf")}},
    {"limits": {"memory_bytes": 1.5}},
    {"limits": {"memory_bytes": -1}},
    {"limits": {"forever": 1}},
    {"artifacts": {"patterns": [1]}},
    {"artifacts": {"max_files": 10**9}},
]


@pytest.mark.parametrize("fields", BAD, ids=lambda fields: json.dumps(fields)[:60])
def test_what_is_wrong_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(BadManifest) as raised:
        decode(manifest(**fields))
    assert len(str(raised.value)) > 20
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, (BadJob, ValueError))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*manifest(), "limits", "artifacts", "environment", "arguments", "stdin_base64"]), json_values)
def test_nothing_but_bad_manifest_is_ever_raised(field: str, value: Any) -> None:
    for candidate in (value, manifest(**{field: value}), manifest(sources={"inline": [{"path": value}]})):
        with contextlib.suppress(BadManifest):
            decode(candidate)
