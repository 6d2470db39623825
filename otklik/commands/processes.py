"""`serve` and `work`: one process with the modules of a target."""

import json
from collections.abc import Callable

import uvloop
from pydantic import ValidationError

from otklik.addresses import url_of
from otklik.client import fail
from otklik.targets import modules, with_console, working
from otklik_common import observability
from otklik_common.runtime import create_app, make_platform, serve_app, stop_on_signals, work
from otklik_common.settings import Settings, explain, load_settings


def serve_target(target: str, *, host: str, port: int, as_json: bool) -> None:
    """Answer a target's routes until told to stop."""
    uvloop.run(_serve(target, host=host, port=port, as_json=as_json))


async def _serve(target: str, *, host: str, port: int, as_json: bool) -> None:
    stop = stop_on_signals()
    settings = _settings()
    observability.configure(settings, process="api")
    platform = make_platform(settings)
    app = create_app(modules(target), platform)
    if with_console(target):
        from otklik.pages import add_pages

        add_pages(app, platform)
    listening = _teller(as_json, service=target, url=url_of(host, port))
    await serve_app(app, host=host, port=port, stop=stop, listening=listening)


def work_target(target: str, *, host: str, ops_port: int, as_json: bool) -> None:
    """Run a target's workers until told to stop."""
    listening = _teller(as_json, service=target, operations=url_of(host, ops_port))
    uvloop.run(
        work(working(target), _settings(), host=host, ops_port=ops_port, listening=listening)
    )


def _teller(as_json: bool, **facts: str) -> Callable[[], None]:
    """What to do once connections are taken: say where, to a program that waits for it."""

    def tell() -> None:
        if as_json:
            print(json.dumps(facts), flush=True)

    return tell


def _settings() -> Settings:
    try:
        return load_settings()
    except ValidationError as wrong:
        fail(explain(wrong))
