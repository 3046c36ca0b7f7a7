"""Every language, and which one a job is written in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from slipway_sandbox.job import BadJob, Job
from slipway_sandbox.languages import c, javascript, python, shell
from slipway_sandbox.languages.language import Language, entry_of

LANGUAGES: dict[str, Language] = {
    module.LANGUAGE.name: module.LANGUAGE for module in (python, javascript, shell, c)
}  # in the order in which a project without an entry is tried


def folders() -> tuple[str, ...]:
    """What a sandbox must show, beside /usr, to run every language that this host has."""
    found = (language.find() for language in LANGUAGES.values())
    return tuple(tool.folder for tool in found if tool and tool.folder)


def detect(job: Job, available: Iterable[str]) -> tuple[Language, str]:
    """The language and the entry of a job; raises BadJob, saying what to add to it."""
    paths = sorted(source.path for source in job.sources)
    if job.entry is not None and job.entry not in paths:
        raise BadJob(f"the entry {job.entry} is not among the files")
    language = _named(job.language) if job.language else _guess(job.entry, paths)
    if language.name not in set(available):
        raise BadJob(f"{language.name} is not available on this host: {language.remedy}")
    entry = job.entry or entry_of(language, paths)
    if entry is None:
        raise BadJob(f"no entry: name a {language.name} file, or add one called {language.entries[0]}")
    return language, entry


def _named(name: str) -> Language:
    if name not in LANGUAGES:
        raise BadJob(f"the language {name!r} is unknown: choose from {', '.join(LANGUAGES)}")
    return LANGUAGES[name]


def _guess(entry: str | None, paths: list[str]) -> Language:
    for language in LANGUAGES.values():
        if Path(entry).suffix in language.suffixes if entry else entry_of(language, paths):
            return language
    what = f"{entry} is of no known language" if entry else "no file to start with was found"
    raise BadJob(f"{what}: name the language and the entry, or add main.py, index.js, main.sh or main.c")
