"""Run by test_imports.py in a fresh interpreter with an empty environment: imports modules, reports what they brought along.

Opens no network: a socket that is made is an error. Prints one JSON object: module to [names of loaded modules].
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

COMMON = ("pydantic", "psycopg", "aws_lambda_powertools.logging", "encodings.idna")


class Refused(socket.socket):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise PermissionError("importing a handler opened a socket")


def loaded(module: str) -> list[str]:
    """What importing the module adds, found in a child so that the next one starts from here."""
    before = set(sys.modules)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            try:
                importlib.import_module(module)
                found: Any = sorted(set(sys.modules) - before)
            except BaseException as error:
                found = repr(error)
            json.dump(found, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = json.load(answer)
    os.waitpid(child, 0)
    if isinstance(said, str):
        raise SystemExit(f"{module} cannot be imported: {said}")
    return list(said)


def main(arguments: Sequence[str]) -> None:
    """Arguments: the folders to import from, joined by ":"; "warm" to load what most have in common first; modules."""
    folders, start, *modules = arguments
    sys.path[:0] = folders.split(":")
    if start == "warm":
        for name in COMMON:
            importlib.import_module(name)
    socket.socket = Refused  # type: ignore[misc]
    print(json.dumps({module: loaded(module) for module in modules}))


if __name__ == "__main__":
    main(sys.argv[1:])
