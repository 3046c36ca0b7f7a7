"""What Slipway is for, played through the public APIs of a running platform: `make run` in one terminal, `make demo` in
another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.request import urlopen

from scripts.client import Client
from scripts.demo import main_job, team_work
from scripts.demo.tell import step


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=Path("data"), help="the platform's data folder")
    given = parser.parse_args()
    base_url = f"http://127.0.0.1:{given.port}"
    try:
        urlopen(f"{base_url}/health", timeout=5).close()
    except OSError as error:
        print(f"Nothing answers at {base_url} ({error}): start the platform with `make run` (same PORT=).")
        return 1
    ada = Client(base_url)
    session = ada.register("Ada")
    step("registered", session["user"]["email"])
    project = main_job.play(ada)
    team_work.play(ada, project, given.data)
    print("\nEverything above is still there: sign in as", session["user"]["email"], "at", f"{base_url}/docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
