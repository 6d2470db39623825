"""`serve` and `work`: one process with the modules of a target."""

import uvloop
from pydantic import ValidationError

from otklik.client import fail
from otklik.targets import modules, with_console
from otklik_common import observability
from otklik_common.runtime import create_app, make_platform, serve_app, stop_on_signals, work
from otklik_common.settings import Settings, explain, load_settings


def serve_target(target: str, *, host: str, port: int) -> None:
    """Answer a target's routes until told to stop."""
    uvloop.run(_serve(target, host=host, port=port))


async def _serve(target: str, *, host: str, port: int) -> None:
    stop = stop_on_signals()
    settings = _settings()
    observability.configure(settings, process="api")
    platform = make_platform(settings)
    app = create_app(modules(target), platform)
    if with_console(target):
        from otklik.pages import add_pages

        add_pages(app, platform)
    await serve_app(app, host=host, port=port, stop=stop)


def work_target(target: str, *, host: str, ops_port: int) -> None:
    """Run a target's workers until told to stop."""
    uvloop.run(work(modules(target), _settings(), host=host, ops_port=ops_port))


def _settings() -> Settings:
    try:
        return load_settings()
    except ValidationError as wrong:
        fail(explain(wrong))
