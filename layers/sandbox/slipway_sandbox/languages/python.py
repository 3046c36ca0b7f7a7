"""Python: the interpreter that the platform itself runs on, without its packages."""

from __future__ import annotations

from slipway_sandbox.jail import interpreter
from slipway_sandbox.languages.language import Language, Tool


def find() -> Tool:
    found = interpreter.find()
    return Tool(found.path, found.prefix)


LANGUAGE = Language(
    name="python",
    suffixes=(".py",),
    entries=("main.py", "app.py", "__main__.py"),
    find=find,
    remedy="install python3",
    version=("{tool}", "--version"),
    run=("{tool}", "{entry}"),
    self_test="import ssl, sqlite3, json\nprint(json.loads('[\"ready\"]')[0])\n",
    # Unbuffered, so that what a program prints is seen when it prints it.
    environment={"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
)
