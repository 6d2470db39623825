"""Options that several commands of the command line have."""

from pathlib import Path
from typing import Annotated, Final

import typer

from otklik.targets import SERVICES

HERE: Final = "http://127.0.0.1:8080"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
JsonFirst = Annotated[
    bool, typer.Option("--json", help="Print one JSON object once it works, then go on.")
]
Url = Annotated[
    str, typer.Option(envvar="OTKLIK_URL", help="Where Otklik answers.", show_envvar=True)
]
KeyOption = Annotated[
    str, typer.Option("--key", envvar="OTKLIK_KEY", help="API key.", show_envvar=True)
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="OTKLIK_DATA",
        help=(
            "Data folder of an `otklik up`; without it OTKLIK_DATABASE_URL and the like count, "
            "and where that is not set either, ./.otklik if an `otklik up` has made it."
        ),
    ),
]

ServiceOption = Annotated[
    str | None, typer.Option("--service", help=f"Only of one of {', '.join(SERVICES)}.")
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="Only of one consumer group, such as metrics.history."),
]
