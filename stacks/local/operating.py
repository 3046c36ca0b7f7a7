"""What the commands of an operator share: they work on the database of a data folder, as its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stacks.local import machine
from stacks.local.machine import Machine

Data = Annotated[Path, typer.Option(help="Folder of everything that is kept.", resolve_path=True)]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DATA = Path("data")


@contextmanager
def operating(data: Path, command: str) -> Iterator[Machine]:
    """Within, this process may use the folder's database; ends the command with exit code 1 and one line on stderr when
    nothing runs there, or what was named does not exist."""
    import psycopg
    from slipway import capabilities, db, platform, settings
    from slipway.errors import Error

    from stacks.local.capabilities import provider

    try:
        here = machine.load(data)
        settings.apply(here.settings())
        capabilities.provide(provider(here))
        with capabilities.granting(command, (capabilities.DATABASE, capabilities.MIGRATIONS)):
            yield here
    except FileNotFoundError:
        typer.echo(f"{data} is no data folder: start `slipway up --data {data}` first", err=True)
    except platform.Unknown as error:
        typer.echo(str(error), err=True)
    except (psycopg.OperationalError, Error) as error:
        if isinstance(error, Error) and error.code == "not_found":
            typer.echo("there is no such team", err=True)
        else:
            reason = (error.cause or error.detail) if isinstance(error, Error) else str(error)
            reason = reason.partition("\n")[0]
            typer.echo(f"the database of {data} does not answer: is `slipway up` running? ({reason})", err=True)
    else:
        return
    finally:
        db.close()
    raise typer.Exit(1)
