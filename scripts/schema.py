"""The whole schema as one readable file, dumped from a migrated database; the same bytes whenever it is dumped.

`python -m scripts.schema` makes a database of its own, migrates it and rewrites schema.sql.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from slipway import migrate

from stacks.local import postgres

FILE = migrate.FOLDER.parent / "schema.sql"
HEAD = "-- Made by scripts/schema from the migrations beside it: change those, never this file.\n"
# Which months have a partition depends on the date; the queues of one machine are no part of the product's schema.
OPTIONS = ("--schema-only", "--exclude-table=public.room_events_2*", "--exclude-schema=local")
NOISE = re.compile(r"^(--.*|SET .*;|SELECT pg_catalog\.set_config\(.*;|\\(un)?restrict .*)$", re.MULTILINE)


def dump(conninfo: str) -> str:
    """The schema of a migrated database, owners and grants included, without versions and comments of pg_dump."""
    command = (str(postgres.binaries() / "pg_dump"), *OPTIONS, conninfo)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return HEAD + re.sub(r"\n{3,}", "\n\n", NOISE.sub("", text)).rstrip() + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, postgres.running(Path(folder)) as server:
        owner, _ = postgres.bootstrap(server.superuser_url)
        migrate.migrate(owner)
        FILE.write_text(dump(owner))
    print(f"wrote {FILE.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
