from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from slipway import discover

from stacks import code
from stacks.environment import ROOT


def test_every_handler_string_is_importable_from_its_asset(tmp_path: Path) -> None:
    """In one process for each asset, with the asset, the core layer and this machine's packages, from elsewhere."""
    folders: dict[str, list[str]] = {}
    for function in discover.functions():
        if function.kind != "task":
            folders.setdefault(code.folder_of(function), []).append(function.spec.handler)
    build = tmp_path / "build"
    layer = code.core(build)
    for folder, handlers in folders.items():
        asset = code.functions(folder, build)
        check = (
            "import sys, json, importlib\n"
            f"sys.path[:0] = [{str(asset)!r}, {str(layer / 'python')!r}]\n"
            f"sys.path[:] = [p for p in sys.path if not p.startswith(({str(ROOT)!r} + '/layers', {str(ROOT)!r} + '/f'))"
            f" and p != {str(ROOT)!r}]\n"
            "for handler in json.loads(sys.argv[1]):\n"
            "    module, _, name = handler.rpartition('.')\n"
            "    found = importlib.import_module(module)\n"
            "    assert callable(getattr(found, name)), handler\n"
            f"    assert found.__file__.startswith({str(asset)!r}), found.__file__\n"
            f"import slipway.ids; assert slipway.ids.__file__.startswith({str(layer)!r}), slipway.ids.__file__\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", check, json.dumps(handlers)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{folder}: {done.stderr}"


def test_an_asset_holds_only_its_folders_sources(tmp_path: Path) -> None:
    asset = code.functions("http-projects", tmp_path)
    files = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    wanted = {p.relative_to(ROOT).as_posix() for p in (ROOT / "functions" / "http" / "projects").glob("*.py")}
    assert files == wanted


def test_what_git_would_not_keep_is_not_copied(tmp_path: Path) -> None:
    copied = [path.name for path in code.worker(tmp_path).rglob("*")]
    assert "run.py" in copied
    assert not [name for name in copied if name.endswith(".pyc") or name == "__pycache__"]


def test_one_synthesis_at_a_time_fills_the_build_folder() -> None:
    held = (
        "import fcntl, sys\n"
        f"file = open({str(code.BUILD / '.lock')!r}, 'w')\n"
        "try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(3)\n"
    )
    with code.alone():
        assert subprocess.run([sys.executable, "-c", held], check=False).returncode == 3
