"""The commands of `otklik positions`."""

from typing import Annotated

import typer

from otklik.options import DataOption, Json

positions = typer.Typer(
    help="Where consumers are on the log, and what to do where it lost records.",
    no_args_is_help=True,
)


@positions.command("list")
def list_positions(data: DataOption = None, as_json: Json = False) -> None:
    """Where every group is in every partition; exits with 1 where the log lacks what comes next."""
    from otklik.commands.positions import show

    show(data, as_json=as_json)


@positions.command("go-on")
def go_on_without(
    group: Annotated[str, typer.Argument(help="Consumer group, as `list` shows it.")],
    data: DataOption = None,
    as_json: Json = False,
) -> None:
    """
    Let a group go on where the log lacks what comes next; this cannot be undone.

    It reads on from the first record kept: all of a topic that was made anew, and what retention
    has left. What was lost is missing from the numbers until a newer revision of the same thing is
    told. Where nothing is lacking nothing changes. The workers may run meanwhile.
    """
    from otklik.commands.positions import let_go_on

    let_go_on(data, group, as_json=as_json)
