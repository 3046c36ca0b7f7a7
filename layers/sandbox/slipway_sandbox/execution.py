"""Runs a whole job in a sandbox that is up: sources, compilation, program, result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from slipway_sandbox.jail import view
from slipway_sandbox.jail.halt import Halt
from slipway_sandbox.jail.jail import Jail
from slipway_sandbox.jail.step import Ending, Sink, Step
from slipway_sandbox.job import MIB, BadJob, Job, Limits, Result
from slipway_sandbox.languages.language import Language
from slipway_sandbox.languages.registry import detect

PROGRAM = "/tmp/program"  # noqa: S108 - the sandbox's own
COMPILE = Limits(wall_seconds=30, cpu_seconds=60, memory_bytes=512 * MIB, processes=32)


def execute(jail: Jail, job: Job, languages: Mapping[str, str], sink: Sink, halt: Halt | None = None) -> Result:
    """The sandbox is destroyed when this returns; its folder can still be read. `languages`: name to version."""
    try:
        language, entry = detect(job, languages)
        jail.folder.write(job.sources)
        ending = _steps(jail, job, language, entry, sink, halt)
    except BadJob as error:
        return Result(status="never_started", reason=str(error), isolation=jail.isolation)
    finally:
        jail.destroy()
    return Result(
        **asdict(ending), isolation=jail.isolation, language=language.name, language_version=languages[language.name]
    )


def _steps(jail: Jail, job: Job, language: Language, entry: str, sink: Sink, halt: Halt | None) -> Ending:
    run = step(language, language.run, job, entry)
    if not language.compile:
        return jail.run(run, sink, halt)
    limits = replace(job.limits, **{name: getattr(COMPILE, name) for name in _COMPILE_OWN})
    compiled = jail.run(replace(step(language, language.compile, job, entry), limits=limits, stdin=b""), sink, halt)
    if compiled.status != "succeeded":
        return _not_compiled(compiled)
    left = max(0, job.limits.output_bytes - compiled.output_bytes)
    ending = jail.run(replace(run, limits=replace(job.limits, output_bytes=left)), sink, halt)
    return _together(compiled, ending)


_COMPILE_OWN = ("wall_seconds", "cpu_seconds", "memory_bytes", "processes")


def _not_compiled(ending: Ending) -> Ending:
    if ending.status in ("cancelled", "lost"):  # it is not about the compilation
        return ending
    return replace(ending, reason=f"the compilation failed: {ending.reason or f'exit code {ending.exit_code}'}")


def _together(first: Ending, second: Ending) -> Ending:
    """Time, CPU and output of both; the peak of the program alone, since that is what its author can change."""
    return replace(
        second,
        wall_ms=first.wall_ms + second.wall_ms,
        cpu_ms=first.cpu_ms + second.cpu_ms,
        output_bytes=first.output_bytes + second.output_bytes,
    )


def step(language: Language, template: tuple[str, ...], job: Job, entry: str) -> Step:
    """One command of a language, filled in. Raises BadJob when the host has lost the language's program."""
    tool = language.find()
    if tool is None:
        raise BadJob(f"{language.name} is not available on this host: {language.remedy}")
    words = {"{tool}": tool.path, "{entry}": entry, "{program}": PROGRAM}
    argv: list[str] = []
    for word in template:
        if word == "{sources}":
            argv += sorted(s.path for s in job.sources if Path(s.path).suffix in language.suffixes)
        else:
            argv.append(words.get(word, word))
    extra = job.arguments if template is language.run else ()
    return Step(
        argv=(*argv, *extra),
        limits=job.limits,
        environment={**view.ENVIRONMENT, **language.environment, **job.environment},
        stdin=job.stdin,
        reserves=language.reserves,
    )
