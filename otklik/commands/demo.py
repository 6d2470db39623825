"""`otklik demo …`: what the simulated agency is told."""

from pathlib import Path
from typing import Annotated

import typer

from otklik.options import HERE, Json, JsonFirst, KeyOption, Url

app = typer.Typer(help="The simulated estate agency.", no_args_is_help=True)


@app.command("run")
def run_demo(
    until: Annotated[str, typer.Option(help="RFC 3339 time at which its history ends.")],
    data: Annotated[
        Path | None,
        typer.Option(envvar="OTKLIK_DATA", help="Folder that keeps how far it has been told."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another agency.")] = 1,
    live: Annotated[bool, typer.Option(help="Go on living after its history.")] = True,
    url: Url = HERE,
    key: KeyOption = "",
    as_json: JsonFirst = False,
) -> None:
    """Push ninety days of an agency's life, then go on live until somebody else pushes."""
    from otklik.commands.demonstrating import run

    run(url, key, until=until, data=data, seed=seed, live_on=live, as_json=as_json)


@app.command("remove")
def remove_demo(url: Url = HERE, key: KeyOption = "", as_json: Json = False) -> None:
    """Take everything that the demo pushed out again, facts and numbers included."""
    from otklik.commands.demonstrating import remove

    remove(url, key, as_json=as_json)
