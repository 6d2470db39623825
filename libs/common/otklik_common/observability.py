"""Log lines, process metrics and traces: what they may say, and where they go."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
import prometheus_client
import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.registry import Collector

from otklik_common.fields import ALLOWED, safe_value
from otklik_common.settings import Settings
from otklik_common.tracing import (
    current_trace_id,
    current_traceparent,
    set_fields,
    setup_tracing,
    shutdown_tracing,
    span,
)

__all__ = [
    "MOST_SERIES",
    "Labels",
    "Logger",
    "configure",
    "count_series",
    "current_traceparent",
    "describe",
    "expose",
    "get_logger",
    "make_registry",
    "set_fields",
    "setup_tracing",
    "shutdown_tracing",
    "span",
    "with_request",
]

MOST_PLACES: Final = 8
"""Lines of our stack that a logged exception shows, innermost last."""

MOST_SERIES: Final = 2_000
"""Series of one scrape. Labels are bounded so that no company can fill a Prometheus."""

# They would double the number of series and say only when a label was first seen.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_DROPPED = Counter(
    "otklik_log_fields_dropped_total",
    "Fields of log lines that were not shown because their names are not on the list",
    registry=None,
)

_request_id: ContextVar[str | None] = ContextVar("otklik_request_id", default=None)

# --- Log lines ----------------------------------------------------------------------------------


class Logger(Protocol):
    """Events with fields. The event is a constant text; everything that varies is a field."""

    def debug(self, event: str, **fields: Any) -> None:
        """For whoever debugs."""

    def info(self, event: str, **fields: Any) -> None:
        """Something worth knowing happened."""

    def warning(self, event: str, **fields: Any) -> None:
        """Someone should look."""

    def error(self, event: str, **fields: Any) -> None:
        """Someone must act now. With `exc_info=True`, where the current exception came from."""


def get_logger(name: str) -> Logger:
    """A logger of JSON lines on standard error; `name` is the module's `__name__`."""
    if not structlog.is_configured():
        _configure_lines("INFO")
    logger: Logger = structlog.get_logger(module=name)
    return logger


def configure(settings: Settings, *, process: str) -> None:
    """
    Log lines and traces as the settings want them.

    Args:
        process: What this process is, for every line: `api`, `worker`, …
    """
    _configure_lines(settings.log_level)
    structlog.contextvars.bind_contextvars(process=process)
    _Libraries.install(settings.log_level)
    setup_tracing(settings, process=process)


@contextmanager
def with_request(request_id: str) -> Iterator[None]:
    """Lines logged inside carry this request's id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def _configure_lines(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_places,
            _only_listed,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_: _StandardError(),
        cache_logger_on_first_use=False,
    )


class _StandardError:
    """Writes lines to whatever standard error is now; tests exchange it."""

    @staticmethod
    def msg(line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = msg


Line = MutableMapping[str, Any]


def _add_trace(_logger: Any, _method: str, line: Line) -> Line:
    if "module" in line:
        line["logger"] = line.pop("module")
    request_id = _request_id.get()
    if request_id is not None:
        line.setdefault("request_id", request_id)
    trace_id = current_trace_id()
    if trace_id is not None:
        line.setdefault("trace_id", trace_id)
    return line


def _exception_places(_logger: Any, _method: str, line: Line) -> Line:
    shown = line.pop("exc_info", None)
    if not shown:
        return line
    error = shown if isinstance(shown, BaseException) else sys.exc_info()[1]
    if error is not None:
        line.update(describe(error))
    return line


def describe(error: BaseException) -> dict[str, Any]:
    """
    An exception without any value: types from the outermost to its root, and places in the code.

    Its text is left out, since it may repeat what a customer wrote; of database errors the
    SQLSTATE and the constraint are shown, which are ours.
    """
    types: list[str] = []
    cause: BaseException | None = error
    shown: dict[str, Any] = {}
    while cause is not None and len(types) < MOST_PLACES:
        types.append(type(cause).__name__)
        root = getattr(cause, "orig", None) or cause
        for name, attribute in (("sqlstate", "sqlstate"), ("constraint", "constraint_name")):
            found = getattr(root, attribute, None)
            if isinstance(found, str):
                shown[name] = found
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    frames = traceback.extract_tb(error.__traceback__)[-MOST_PLACES:]
    return {
        "error": " < ".join(types),
        "places": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
        **shown,
    }


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def _only_listed(_logger: Any, _method: str, line: Line) -> Line:
    shown = {name: safe_value(line[name]) for name in line if name in ALLOWED}
    if len(shown) < len(line):
        dropped = len(line) - len(shown)
        _DROPPED.inc(dropped)
        shown["fields_dropped"] = dropped
    return shown


def _render(_logger: Any, _method: str, line: Line) -> str:
    head = {name: line.pop(name, None) for name in ("timestamp", "level", "logger", "event")}
    return orjson.dumps(head | dict(line), default=str).decode("utf-8", "replace")


class _Libraries(logging.Handler):
    """Lines of libraries: where they came from, and their constant text, never its arguments."""

    @classmethod
    def install(cls, level: str) -> None:
        """Take over the standard library's logging."""
        root = logging.getLogger()
        root.handlers[:] = [cls()]
        root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
        logging.captureWarnings(capture=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a library's record as one of our lines."""
        # Only a text with arguments apart is known to be constant.
        event = record.msg if record.args and isinstance(record.msg, str) else "library message"
        line: dict[str, Any] = {
            "logger": record.name,
            "places": [f"{_short(record.pathname)}:{record.lineno} {record.funcName}"],
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= describe(record.exc_info[1])
        log = structlog.get_logger()
        (log.error if record.levelno >= logging.ERROR else log.warning)(event, **line)


# --- Process metrics ----------------------------------------------------------------------------


def make_registry() -> CollectorRegistry:
    """The process's one registry: memory, processor time, garbage collections, and what is added."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_DROPPED)
    return registry


def count_series(registry: CollectorRegistry) -> int:
    """How many series a scrape of `registry` would bring."""
    return sum(len(family.samples) for family in registry.collect())


COMPANY_LABEL: Final = "company"
"""The one label that says whose a number is."""


class _OfCompany(Collector):
    """What a registry holds, without the numbers of other companies."""

    def __init__(self, registry: CollectorRegistry, company: str) -> None:
        self._registry = registry
        self._company = company

    def collect(self) -> Iterator[Metric]:
        """The families; those without a company are the process's own."""
        for family in self._registry.collect():
            shown = Metric(family.name, family.documentation, family.type, family.unit)
            shown.samples = [
                sample
                for sample in family.samples
                if sample.labels.get(COMPANY_LABEL, self._company) == self._company
            ]
            yield shown


def expose(registry: CollectorRegistry, company: str | None = None) -> bytes:
    """
    A scrape in Prometheus' text format; a warning is logged when it is over the budget.

    Args:
        company: Whose key reads it: nothing of other companies is shown. None: everything, for
            whoever runs the installation.
    """
    read = registry if company is None else _OfCompany(registry, company)
    body = prometheus_client.generate_latest(read)
    series = sum(not line.startswith(b"#") for line in body.splitlines())
    if series > MOST_SERIES:
        _log.warning("more series than the budget allows", series=series, limit=MOST_SERIES)
    return body


class Labels:
    """Values of one label, at most so many of them: what comes later is `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str | None) -> str:
        """The value itself, or `other`; nothing at all is `none`."""
        if value is None:
            return "none"
        if value not in self._known:
            if len(self._known) >= self._most:
                return "other"
            self._known.add(value)
        return value


_log = get_logger(__name__)
