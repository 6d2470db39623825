"""A process: some modules' routes, or some modules' workers, until it is told to stop."""

import argparse
import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.metadata import version

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from otklik_common import http, observability
from otklik_common.callers import Callers
from otklik_common.endings import leave_word_in, show_endings
from otklik_common.errors import Forbidden, Refused
from otklik_common.faults import describe_briefly
from otklik_common.keys import same_text
from otklik_common.log.port import LogNotReadyError
from otklik_common.module import Hook, Module, Platform, Worker
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.quick import Quick
from otklik_common.quick_protocol import protocol_for
from otklik_common.settings import Settings, explain, load_settings
from otklik_common.vitals import keep_vitals

log = observability.get_logger(__name__)

DRAIN_SECONDS = 6
"""How long requests under way may take once the process was told to stop."""

CHECK_SECONDS = 3


def make_platform(settings: Settings) -> Platform:
    """What one process lends to its modules."""
    return Platform(
        settings=settings,
        registry=observability.make_registry(),
        pseudonyms=Pseudonyms(settings.master, settings.pseudonym_version),
        sealer=Sealer(settings.master),
    )


class Application(FastAPI):
    """FastAPI, but for the few routes that answer before it (see `Quick`)."""

    quick: Quick | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        quick = None if self.quick is None else self.quick.answering(scope, receive, send)
        await (super().__call__(scope, receive, send) if quick is None else quick)


def create_app(modules: Sequence[Module], platform: Platform) -> FastAPI:
    """One application with the routes of all `modules`, under their own prefixes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for hook in platform.on_start:
            await hook()
        yield
        await platform.close()
        observability.shutdown_tracing()

    app = Application(
        title="Otklik",
        summary="Customer experience: contacts, answers, loyalty, and numbers people act on",
        version=version("otklik-common"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.platform = platform
    metrics = http.install(app, platform.settings, platform.registry)
    keep_vitals(platform, [module.schema for module in modules], "api", failing_checks)
    app.quick = Quick(settings=platform.settings, metrics=metrics)
    add_operations_routes(app, platform, [module.schema for module in modules])
    for module in modules:
        for part in module.api(platform):
            if isinstance(part, APIRouter):
                app.include_router(part)
            else:
                app.router.routes.append(part)
                hot = getattr(part, "hot", None)
                if hot is not None:
                    app.quick.add(part.path, hot)  # type: ignore[attr-defined]
    return app


FEW_OBJECTS = 20_000
MANY_OBJECTS = 200_000
"""
New objects after which garbage is looked for. Where batches are worked on there are always many,
and none of them is garbage: to look took a twentieth of the time.
"""


def settle_memory(objects: int = FEW_OBJECTS) -> None:
    """
    Leave out of every later garbage collection what was loaded at the start.

    A full collection walked through all of FastAPI and Pydantic, 80 ms in which nobody was
    answered; and with the usual threshold there was one every few hundred requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects, 1_000_000 // objects, 100)


def add_operations_routes(app: FastAPI, platform: Platform, schemas: Sequence[str]) -> None:
    """Liveness, readiness and metrics: the same in every process."""

    @app.get("/livez", include_in_schema=False)
    async def livez() -> Response:
        """The event loop turns."""
        return Response("ok", media_type="text/plain")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Everything that this process needs answers; 503 names what does not."""
        failing = await failing_checks(platform)
        return JSONResponse(
            {"ready": not failing, "failing": failing}, status_code=503 if failing else 200
        )

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """
        Prometheus exposition, for the operations token or a key with operations:read.

        A key sees the process and its own company; the token sees every company.
        """
        company = await _permit_operations(request, platform, schemas)
        body = await asyncio.to_thread(observability.expose, platform.registry, company)
        return Response(body, media_type=CONTENT_TYPE_LATEST)


async def _permit_operations(
    request: Request, platform: Platform, schemas: Sequence[str]
) -> str | None:
    """The company that may read; None: whoever runs the installation. Raises as `require`."""
    authorization = request.headers.get("authorization")
    token = platform.settings.operations_token
    if token is not None and same_text(authorization or "", f"Bearer {token}"):
        return None
    callers: Callers = platform.callers(schemas[0] if schemas else "metrics")
    caller = await callers.identify(authorization, None, platform.now())
    if not caller.may("operations:read"):
        raise Forbidden(
            "this needs the scope operations:read", detail_ru="нужно право operations:read"
        )
    if caller.branches is not None:
        raise Forbidden(
            "this needs reach over the whole company", detail_ru="нужен доступ ко всей компании"
        )
    return caller.tenant


async def failing_checks(platform: Platform) -> dict[str, str]:
    """
    Names of the checks that fail now, with the reason; empty when all is well.

    Anybody may ask: a reason is in our own words, or says what broke and where. The text of an
    exception we did not expect may name a host, a login, or a value.
    """
    names = list(platform.checks)
    problems = await asyncio.gather(*(_problem(platform.checks[name]) for name in names))
    return {name: why for name, why in zip(names, problems, strict=True) if why is not None}


async def _problem(check: Hook) -> str | None:
    """Why a check fails, or None."""
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except Refused as no:
        return no.detail
    except LogNotReadyError as no:
        return str(no)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is why we are not ready
        return describe_briefly(broken)
    return None


def run_alone(module: Module, about: str) -> None:
    """`python -m <package> serve | work`: read the command line, run until told to stop."""
    package = f"otklik_{module.schema}"
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=about)
    parser.add_argument("what", choices=("serve", "work"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="of the API, or of /readyz")
    given = parser.parse_args()
    try:
        settings = load_settings()
    except ValidationError as wrong:
        parser.error(explain(wrong))
    if given.what == "serve":
        uvloop.run(serve([module], settings, host=given.host, port=given.port))
    else:
        uvloop.run(work([module], settings, host=given.host, ops_port=given.port))


async def serve(
    modules: Sequence[Module], settings: Settings, *, host: str = "127.0.0.1", port: int
) -> None:
    """Answer the modules' routes until told to stop."""
    stop = stop_on_signals()
    observability.configure(settings, process="api")
    platform = make_platform(settings)
    app = create_app(modules, platform)
    await serve_app(app, host=host, port=port, stop=stop)


def _silently() -> None:
    """Nobody waits to hear that we listen."""


async def serve_app(
    app: FastAPI,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    listening: Callable[[], None] = _silently,
    objects: int = FEW_OBJECTS,
) -> None:
    """
    Answer an application's routes until `stop`; requests under way get a few seconds.

    Args:
        listening: Called once connections are taken.
        objects: As of `settle_memory`.
    """
    settle_memory(objects)
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            timeout_keep_alive=30,
            backlog=2048,
            http=protocol_for(app),
        ),
        listening,
    )

    async def watch() -> None:
        await stop.wait()
        server.should_exit = True

    watching = asyncio.create_task(watch())
    try:
        await server.serve()
    except SystemExit:
        # uvicorn ends the process where the port is taken; workers beside it must hear of it.
        raise RuntimeError(f"cannot listen on {host}:{port}") from None
    finally:
        watching.cancel()
    if not stop.is_set():
        raise RuntimeError(f"the server on {host}:{port} ended by itself")


class _Server(uvicorn.Server):
    """A server that leaves signals to us: uvicorn would raise them again after serving."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set; a second signal changes nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    return stop


async def work(
    modules: Sequence[Module],
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    ops_port: int,
    listening: Callable[[], None] = _silently,
) -> None:
    """
    Run the modules' workers side by side until told to stop.

    The operations routes answer on `ops_port`. If one worker fails, all end and its error is
    raised, so that whoever started the process starts it anew.
    """
    stop = stop_on_signals()
    observability.configure(settings, process="worker")
    schemas = [module.schema for module in modules]
    leave_word_in(settings.run_folder, "-".join(["work", *schemas, settings.instance]))
    platform = make_platform(settings)
    show_endings(platform.registry)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.platform = platform
    http.install(app, platform.settings, platform.registry)
    add_operations_routes(app, platform, schemas)
    keep_vitals(platform, schemas, "worker", failing_checks)
    workers = [worker for module in modules for worker in module.workers(platform)]

    async def operations(stop: asyncio.Event) -> None:
        await serve_app(
            app, host=host, port=ops_port, stop=stop, listening=listening, objects=MANY_OBJECTS
        )

    workers.append(Worker("operations", operations))
    for hook in platform.on_start:
        await hook()
    platform.watchdog.start()
    try:
        await run_side_by_side(workers, stop)
    finally:
        platform.watchdog.stop()
        # A dead broker must not hold up the end.
        with suppress(TimeoutError):
            await asyncio.wait_for(platform.close(), DRAIN_SECONDS)
        observability.shutdown_tracing()


async def run_side_by_side(
    workers: Sequence[Worker], stop: asyncio.Event, *, drain_seconds: float = DRAIN_SECONDS
) -> None:
    """
    Run workers until `stop` is set; then they have a few seconds to end by themselves.

    Raises:
        RuntimeError: A worker ended although it was not told to.
        Exception: What the first failing worker raised; the others were stopped.
    """
    tasks = {asyncio.create_task(_run(worker, stop), name=worker.name) for worker in workers}
    told: asyncio.Task[object] = asyncio.create_task(stop.wait())
    await asyncio.wait({*tasks, told}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    ended, running = await asyncio.wait(tasks, timeout=drain_seconds)
    for task in running:
        log.warning("worker did not end in time", worker=task.get_name())
        task.cancel()
    await asyncio.gather(told, *running, return_exceptions=True)
    for task in ended:
        task.result()


async def _run(worker: Worker, stop: asyncio.Event) -> None:
    try:
        await worker.run(stop)
    except Exception as broken:
        log.error("worker failed", worker=worker.name, error=type(broken).__name__)
        raise
    if not stop.is_set():
        raise RuntimeError(f"worker {worker.name} ended by itself")
