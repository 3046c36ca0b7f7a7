"""`slipway operator add | remove | list`: who runs the platform; a person who has registered, by their address.

Exit codes: 0 done · 1 nobody has the address, or nothing runs on the folder · 2 wrong usage.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from stacks.local.operating import DATA, Data, Json, operating

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Who runs the platform.")
Address = Annotated[str, typer.Argument(help="The e-mail address that they have registered with.")]


@app.command()
def add(email: Address, data: Data = DATA) -> None:
    """Make somebody an operator."""
    _name(email, data, operator=True)


@app.command()
def remove(email: Address, data: Data = DATA) -> None:
    """Make somebody an operator no longer; holds from their next request on."""
    _name(email, data, operator=False)


@app.command("list")
def show(data: Data = DATA, as_json: Json = False) -> None:
    """Everybody who is one."""
    from slipway import platform

    with operating(data, "slipway operator"):
        found = platform.operators()
    if as_json:
        typer.echo(json.dumps({"operators": [one._asdict() for one in found]}))
    for one in () if as_json else found:
        typer.echo(f"{one.email}  {one.name}")


def _name(email: str, data: Data, *, operator: bool) -> None:
    from pydantic import ValidationError
    from slipway import platform

    try:
        naming = platform.Naming(email=email, operator=operator)
    except ValidationError:
        raise typer.BadParameter(f"{email} is no e-mail address") from None
    with operating(data, "slipway operator"):
        platform.name_operator(naming)
    typer.echo(f"{naming.email} is {'an' if operator else 'no'} operator")
