"""Finds out what this host can offer, by doing it: every language's self-test and a probe of the walls, in the real
sandbox. `python -m slipway_sandbox.check` prints it; its exit code is 1 when nothing could be run safely.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway_sandbox.execution import execute, step
from slipway_sandbox.jail import interpreter, view
from slipway_sandbox.jail.bubblewrap import NoSandbox
from slipway_sandbox.jail.jail import Jail, Setup
from slipway_sandbox.jail.step import Ending, Step
from slipway_sandbox.job import MIB, Job, Limits, Source
from slipway_sandbox.languages.language import Language
from slipway_sandbox.languages.registry import LANGUAGES, folders

LIMITS = Limits(wall_seconds=20, cpu_seconds=20, memory_bytes=512 * MIB)
PROBE = """
import json, os, socket
def attempt(what):
    try:
        what()
        return None
    except OSError as error:
        return error.errno
def loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), 2).close()
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": int(status["CapEff"], 16),
    "no_new_privs": int(status["NoNewPrivs"]),
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "outside": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
    "loopback": attempt(loopback),
    "write": attempt(lambda: open("/usr/probe", "w")),
    "environment": sorted(os.environ),
}))
"""
WALLS: tuple[tuple[str, Any, str], ...] = (
    ("uid", view.UID, "programs do not run as their own user"),
    ("capabilities", 0, "programs hold capabilities"),
    ("no_new_privs", 1, "programs can gain privileges"),
    ("processes", [1, 2], "programs see processes of the host"),
    ("outside", 101, "programs can reach the network"),  # ENETUNREACH
    ("loopback", None, "programs cannot talk to themselves over loopback"),
    ("write", 30, "programs can write to system folders"),  # EROFS
    ("environment", sorted(view.ENVIRONMENT), "programs see an unexpected environment"),
)


@dataclass(frozen=True, slots=True)
class Checkup:
    """`languages`: name to version. `missing`: name to remedy. `problems`: walls that do not stand; empty is well."""

    languages: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    isolation: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return bool(self.languages) and not self.problems


def check() -> Checkup:
    """About half a second. Never raises: a host without a sandbox is a Checkup whose problem says how to mend it."""
    try:
        isolation, problems = _walls()
        languages: dict[str, str] = {}
        missing: dict[str, str] = {}
        for language in LANGUAGES.values():
            version, trouble = _try(language)
            if trouble:
                missing[language.name] = trouble
            else:
                languages[language.name] = version
        return Checkup(languages, missing, isolation, problems)
    except NoSandbox as error:
        return Checkup(missing=dict.fromkeys(LANGUAGES, "no sandbox"), problems=(str(error),))


def _walls() -> tuple[Mapping[str, str], tuple[str, ...]]:
    with Jail.start() as jail:
        argv = (interpreter.find().path, "-c", PROBE)
        ending, said = _say(jail, Step(argv=argv, limits=LIMITS, environment=view.ENVIRONMENT))
        if ending.status != "succeeded":  # a probe that hangs or breaks is not a pass
            return jail.isolation, (f"the probe of the sandbox ended as {ending.status}: {said[-300:].strip()}",)
        found = json.loads(said)
        return jail.isolation, tuple(what for name, wanted, what in WALLS if found[name] != wanted)


def _try(language: Language) -> tuple[str, str | None]:
    """(version, None) or ('', what to do about it)."""
    if language.find() is None:
        return "", language.remedy
    job = Job(
        sources=(Source(language.entries[0], language.self_test.encode()),), language=language.name, limits=LIMITS
    )
    with Jail.start(Setup(folders=folders())) as jail:
        _, said = _say(jail, step(language, language.version, job, language.entries[0]))
        version = re.search(r"\d+(\.\d+)+", said)
        if version is None:
            return "", f"its version cannot be told from {said[:100]!r}: {language.remedy}"
        output = bytearray()
        result = execute(jail, job, {language.name: version[0]}, lambda _stream, data, _at: output.extend(data))
    if result.status != "succeeded" or output != b"ready\n":
        told = result.reason or output[-200:].decode(errors="replace").strip()
        return "", f"its self-test {result.status} ({told}): {language.remedy}"
    return version[0], None


def _say(jail: Jail, what: Step) -> tuple[Ending, str]:
    output = bytearray()
    ending = jail.run(what, lambda _stream, data, _at: output.extend(data))
    return ending, output.decode(errors="replace")


def main() -> int:
    checkup = check()
    if "--json" in sys.argv[1:]:
        print(json.dumps(asdict(checkup)))
        return 0 if checkup.usable else 1
    for name, version in checkup.languages.items():
        print(f"{name:12} {version}")
    for name, remedy in checkup.missing.items():
        print(f"{name:12} not available: {remedy}")
    for name, how in checkup.isolation.items():
        print(f"{name:20} {how}")
    for problem in checkup.problems:
        print(f"PROBLEM: {problem}")
    return 0 if checkup.usable else 1


if __name__ == "__main__":
    sys.exit(main())
