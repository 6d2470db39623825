"""The command line: `otklik up`, `serve`, `work`, `migrate`, `import`, `query`, …"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otklik import lifeline
from otklik.commands import demo
from otklik.data import DEFAULT_FOLDER, DataFolderError
from otklik.embedded import EmbeddedPostgresError
from otklik.options import (
    HERE,
    DataOption,
    GroupOption,
    Json,
    JsonFirst,
    KeyOption,
    ServiceOption,
    Url,
)
from otklik.positions import positions
from otklik.targets import SERVED, SERVICES, WORKING

if TYPE_CHECKING:
    from otklik.letters import Choice

app = typer.Typer(
    name="otklik",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Otklik: hear customers and the contact centre, and turn it into numbers people act on.",
)


@app.command()
def up(
    data: Annotated[
        Path, typer.Option(envvar="OTKLIK_DATA", help="Where everything is kept.")
    ] = DEFAULT_FOLDER,
    port: Annotated[int, typer.Option(envvar="OTKLIK_PORT", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(envvar="OTKLIK_HOST", help="Address to listen on.")] = (
        "127.0.0.1"
    ),
    ops_port: Annotated[
        int | None,
        typer.Option(
            envvar="OTKLIK_OPS_PORT",
            min=1,
            max=65535,
            help="Where the worker shows /metrics to this machine; by default some free port.",
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option(help="Begin with a simulated estate agency, clearly marked as such.")
    ] = True,
    as_json: Json = False,
) -> None:
    """
    Run everything on this machine: PostgreSQL, all services, the pages.

    For a trial or one branch. Ctrl-C ends it; the next start finds everything as it was.
    """
    from otklik.supervise import Options, up as run  # noqa: I001

    options = Options(
        data=data, port=port, host=host, demo=demo, as_json=as_json, ops_port=ops_port
    )
    raise SystemExit(run(options))


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVED)}.")],
    port: Annotated[int, typer.Option(envvar="OTKLIK_PORT", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(envvar="OTKLIK_HOST")] = "127.0.0.1",
    as_json: JsonFirst = False,
) -> None:
    """Answer the API of one service, or of all; settings come from OTKLIK_* variables."""
    from otklik.commands.processes import serve_target

    serve_target(_among(service, SERVED), host=host, port=port, as_json=as_json)


@app.command()
def work(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(WORKING)}.")],
    ops_port: Annotated[
        int, typer.Option(envvar="OTKLIK_OPS_PORT", help="/livez, /readyz, /metrics", max=65535)
    ] = 9080,
    host: Annotated[str, typer.Option(envvar="OTKLIK_HOST")] = "127.0.0.1",
    as_json: JsonFirst = False,
) -> None:
    """Run the relay, consumers, folding and timers of one service, or of all."""
    from otklik.commands.processes import work_target

    work_target(_among(service, WORKING), host=host, ops_port=ops_port, as_json=as_json)


@app.command()
def migrate(
    data: DataOption = None,
    topics: Annotated[bool, typer.Option(help="Make the topics of the log as well.")] = True,
    as_json: Json = False,
) -> None:
    """Bring logins, schemas, tables and topics to the newest structure; safe to repeat."""
    from otklik.commands.direct import migrate_here

    migrate_here(data, topics=topics, as_json=as_json)


@app.command("topics")
def topics_alone(data: DataOption = None, as_json: Json = False) -> None:
    """Make the topics of the log, as `migrate` does last; safe to repeat."""
    from otklik.commands.direct import ensure_topics

    ensure_topics(data, as_json=as_json)


@app.command("first-start")
def first_start(data: DataOption = None, as_json: Json = False) -> None:
    """
    Make the first company, its administrator and a key, where there is no company yet.

    Password and key are shown this once. Safe to repeat: later it names company and login alone.
    """
    from otklik.commands.direct import make_first_company

    make_first_company(data, as_json=as_json)


@app.command()
def rebuild(
    data: DataOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare the numbers with the facts.")
    ] = False,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="Replay the whole log beside, then compare.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build all rollups anew from the facts, compare, and swap; exits with 1 on a difference."""
    from otklik.commands.direct import rebuild_metrics

    rebuild_metrics(data, check=check, from_log=from_log, as_json=as_json)


@app.command()
def doctor(data: DataOption = None, as_json: Json = False) -> None:
    """Look at database, topics, lag, outbox age and dead letters; exits with 1 on a finding."""
    from otklik.commands.direct import diagnose

    diagnose(data, as_json=as_json)


@app.command("reset-password")
def reset_password(
    login: Annotated[str, typer.Argument(help="As it is typed to sign in: name@company.")],
    data: DataOption = None,
    as_json: Json = False,
) -> None:
    """Give somebody who lost theirs a new password; it is shown this once, their sessions end."""
    from otklik.commands.direct import reset_lost_password

    reset_lost_password(data, login, as_json=as_json)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=".csv or .csv.gz")],
    mapping: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="JSON that says what columns mean.")
    ],
    source: Annotated[str | None, typer.Option(help="Source id; default: the company's.")] = None,
    url: Url = HERE,
    key: KeyOption = "",
    as_json: Json = False,
) -> None:
    """Import contacts from a file; a broken import goes on where it stopped when run again."""
    from otklik.commands.importing import import_contacts

    import_contacts(url, key, file=file, mapping=mapping, source=source, as_json=as_json)


@app.command()
def query(  # noqa: PLR0917 - options of a command are named by its user
    metrics: Annotated[
        list[str],
        typer.Argument(
            help="Metrics as name or name:parameter=value,…  e.g. service_level:threshold_seconds=20"
        ),
    ],
    begin: Annotated[str, typer.Option("--from", help="Date or RFC 3339 time, inclusive.")],
    end: Annotated[str, typer.Option("--to", help="Date or RFC 3339 time, exclusive.")],
    granularity: Annotated[
        str, typer.Option(help="15m, hour, day, week, month, quarter, year, total")
    ] = "total",
    timezone: Annotated[str, typer.Option(help="IANA zone.")] = "Europe/Moscow",
    by: Annotated[list[str] | None, typer.Option("--by", help="Dimension to group by.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="dimension=value or dimension=a,b")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The numbers as known at this time.")] = None,
    compare: Annotated[bool, typer.Option(help="Beside each number the one before.")] = False,
    url: Url = HERE,
    key: KeyOption = "",
    as_json: Json = False,
) -> None:
    """Ask for numbers, as a table or as the API's JSON."""
    from otklik.commands.querying import Question, ask

    ask(
        url,
        key,
        Question(
            metrics=metrics,
            begin=begin,
            end=end,
            granularity=granularity,
            timezone=timezone,
            by=by or [],
            where=where or [],
            as_of=as_of,
            compare=compare,
        ),
        as_json=as_json,
    )


letters = typer.Typer()
app.add_typer(letters, name="dead-letters")


@letters.callback(invoke_without_command=True)
def list_letters(
    context: typer.Context,
    service: ServiceOption = None,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: Json = False,
) -> None:
    """
    List the records that a consumer could not take in: id, group, place on the log, since when, why.

    A record that is unreadable, refused, or runs into a fault of ours is put aside, and the others
    go on; what it says is never shown. While one of metrics.history is open, numbers `as_of` a
    later moment are not answered (409 history_behind). Remove the cause, by an upgrade say, and
    `redrive` them; `give-up` those that nothing will mend.
    """
    from otklik.commands.letters import show

    if context.invoked_subcommand is None:
        show(data, _choice(service, group), as_json=as_json)
        return
    # They would be taken for options of the listing, and the command would do more than was asked.
    for name in ("service", "group", "data", "as_json"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"options go behind {context.invoked_subcommand}")


@letters.command("redrive")
def redrive_letters(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="As the list shows them, metrics:12; none: all."),
    ] = None,
    service: ServiceOption = None,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: Json = False,
) -> None:
    """
    Take dead letters up again, by the same consumers; exits with 1 where some still fail.

    Safe while everything runs, and safe to repeat: each is a transaction of its own, and what a
    newer revision has overtaken changes nothing.
    """
    from otklik.commands.letters import redrive

    redrive(data, _choice(service, group, ids or None), as_json=as_json)


@letters.command("give-up")
def give_letters_up(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As the list shows them.")],
    data: DataOption = None,
    as_json: Json = False,
) -> None:
    """
    Settle dead letters for good without taking them in; this cannot be undone.

    What they say is missing from the numbers until a newer revision of the same thing is told.
    Numbers `as_of` wait for them no more. The records stay on the log, and in the table with
    the reason.
    """
    from otklik.commands.letters import settle_for_good

    settle_for_good(data, _choice(None, None, ids), as_json=as_json)


app.add_typer(positions, name="positions")


keys = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("list")
def list_keys(url: Url = HERE, key: KeyOption = "", as_json: Json = False) -> None:
    """Every key of the company, without its secret."""
    from otklik.commands.keys import show

    show(url, key, as_json=as_json)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="e.g. events:push; may be repeated")],
    days: Annotated[int | None, typer.Option(help="Days until it expires.", min=1)] = None,
    publishable: Annotated[bool, typer.Option(help="For apps: may only push and answer.")] = False,
    origin: Annotated[
        list[str] | None, typer.Option(help="Where browsers may use it from; none: anywhere.")
    ] = None,
    url: Url = HERE,
    key: KeyOption = "",
    as_json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    from otklik.commands.keys import create

    create(
        url,
        key,
        name=name,
        scopes=scope,
        days=days,
        publishable=publishable,
        origins=origin or [],
        as_json=as_json,
    )


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    url: Url = HERE,
    key: KeyOption = "",
    as_json: Json = False,
) -> None:
    """Revoke a key; in effect everywhere within 5 seconds."""
    from otklik.commands.keys import revoke

    revoke(url, key, key_id, as_json=as_json)


app.add_typer(demo.app, name="demo")


def _choice(service: str | None, group: str | None, ids: list[str] | None = None) -> "Choice":
    from otklik.letters import Choice, number_of

    try:
        for one in ids or ():
            number_of(one)
    except ValueError as no:
        raise typer.BadParameter(str(no)) from None
    return Choice(None if service is None else _among(service, tuple(SERVICES)), group, ids)


def _among(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise typer.BadParameter(f"no service {name!r}; there are {', '.join(names)}")
    return name


def main() -> None:
    """Entry point; the first thing of a child process is to follow its parent's end."""
    lifeline.follow(os.environ.get("OTKLIK_LIFELINE"))
    try:
        app()
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say to them.
        sys.stderr.close()
        raise SystemExit(1) from None
    except (DataFolderError, EmbeddedPostgresError) as no:
        print(no, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
