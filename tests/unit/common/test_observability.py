"""Log lines, spans and series: nothing personal, and never too many."""

import ast
import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import IntegrityError

from otklik_common import observability
from otklik_common.fields import ALLOWED, safe_value
from otklik_common.observability import (
    MOST_SERIES,
    Labels,
    count_series,
    current_traceparent,
    describe,
    expose,
    get_logger,
    make_registry,
    set_fields,
    setup_tracing,
    shutdown_tracing,
    span,
    with_request,
)
from otklik_common.settings import Settings

ROOT = Path(__file__).parents[3]
CANARY = "+79995550123"
SETTINGS = Settings(database_url="postgresql://nowhere")
TRACEPARENT = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"

log = get_logger("test")

Lines = list[dict[str, Any]]


def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


# --- Log lines ----------------------------------------------------------------------------------


def test_a_line_is_json_with_the_listed_fields_only(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("answer kept", tenant="demo2abc", answer_id=UUID(int=1), phone=CANARY, name="Пётр")
    (line,) = lines(capsys)
    stamp = datetime.fromisoformat(line.pop("timestamp"))
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)
    assert line == {
        "level": "info",
        "logger": "test",
        "event": "answer kept",
        "tenant": "demo2abc",
        "answer_id": str(UUID(int=1)),
        "fields_dropped": 2,
    }


def test_dropped_fields_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    registry = make_registry()
    before = registry.get_sample_value("otklik_log_fields_dropped_total")
    log.info("x", phone=CANARY, email=CANARY)
    after = registry.get_sample_value("otklik_log_fields_dropped_total")
    assert before is not None
    assert after == before + 2
    capsys.readouterr()


class Kind(StrEnum):
    CALL = "call"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, True),
        (1.5, 1.5),
        ("x" * 300, "x" * 200),
        (Kind.CALL, "call"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (timedelta(seconds=90), 90.0),
        (ValueError(CANARY), "ValueError"),
        ({"phone": CANARY}, "<dict>"),
        (b"secret", "<bytes>"),
        (list(range(30)), list(range(20))),
        (({"a": CANARY},), ["<dict>"]),
    ],
)
def test_values_are_short_and_plain(value: object, shown: object) -> None:
    assert safe_value(value) == shown


def test_an_exception_shows_types_and_places_never_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        try:
            int(CANARY + "x")
        except ValueError as wrong:
            raise KeyError(CANARY) from wrong
    except KeyError:
        log.error("fold failed", exc_info=True)
    (line,) = lines(capsys)
    assert line["error"] == "KeyError < ValueError"
    assert line["places"][-1].startswith("common/test_observability.py:")
    assert CANARY not in json.dumps(line)


class UniqueError(Exception):
    """As asyncpg tells of a violated key."""

    sqlstate = "23505"
    constraint_name = "customer_phone_key"


def test_a_database_error_shows_its_state_and_constraint() -> None:
    failed = IntegrityError(
        f"INSERT … {CANARY}", {"phone": CANARY}, UniqueError(f"({CANARY}) exists")
    )
    shown = describe(failed)
    assert (shown["sqlstate"], shown["constraint"]) == ("23505", "customer_phone_key")
    assert CANARY not in json.dumps(shown)


def test_lines_carry_the_request_and_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with with_request("abc"), span("x", TRACEPARENT):
        log.info("inside")
    log.info("outside")
    inside, outside = lines(capsys)
    assert (inside["request_id"], inside["trace_id"]) == (
        "abc",
        "0123456789abcdef0123456789abcdef",
    )
    assert not {"request_id", "trace_id"} & outside.keys()


LIBRARIES = f"""
import asyncio, logging, warnings
from otklik_common import observability
from otklik_common.settings import Settings

observability.configure(Settings(database_url="postgresql://nowhere"), process="api")
logging.getLogger("asyncpg").warning("peer %s failed", "{CANARY}")
logging.getLogger("uvicorn.error").error("about {CANARY}")
logging.getLogger("x").info("quiet")
try:
    raise ValueError("{CANARY}")
except ValueError:
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
warnings.warn("about {CANARY}")
observability.get_logger("own").info("started", port=1)
observability.get_logger("own").debug("quiet")
"""


def test_libraries_log_through_the_same_list() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert CANARY not in done.stderr
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["logger"], line["level"], line["event"]) for line in told] == [
        ("asyncpg", "warning", "peer %s failed"),
        ("uvicorn.error", "error", "library message"),
        ("uvicorn.error", "error", "library message"),
        ("py.warnings", "warning", "library message"),
        ("own", "info", "started"),
    ]
    assert told[2]["error"] == "ValueError"
    assert all(line["process"] == "api" for line in told)


LEVELS = {"debug", "info", "warning", "error"}


def logged() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a logger in the product: where, and the call."""
    for folder in ("libs", "services", "otklik"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id in {"log", "_log", "logger"}
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_line_of_the_product_has_a_constant_event_and_listed_fields() -> None:
    calls = dict(logged())
    assert calls
    for place, call in calls.items():
        assert len(call.args) == 1, place
        assert isinstance(call.args[0], ast.Constant | ast.Name), f"{place}: the event varies"
        for keyword in call.keywords:
            known = keyword.arg in {None, "exc_info"} or keyword.arg in ALLOWED
            assert known, f"{place}: put {keyword.arg!r} into otklik_common/fields.py"


@pytest.mark.parametrize(
    "name", ["phone", "email", "name", "text", "comment", "body", "path", "query", "url", "value"]
)
def test_names_that_invite_personal_values_are_not_listed(name: str) -> None:
    assert name not in ALLOWED


# --- Traces -------------------------------------------------------------------------------------


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    setup_tracing(SETTINGS, process="test", exporter=exporter)
    yield exporter
    shutdown_tracing()


def test_a_trace_goes_on_from_push_to_rollup(spans: InMemorySpanExporter) -> None:
    with span("push", TRACEPARENT):
        stored = current_traceparent()
    with span("fold", stored, links=[TRACEPARENT, "garbage"], rows=3, phone=CANARY) as step:
        set_fields(step, facts=2, email=CANARY)
        with span("inner"):
            pass
    push, inner, fold = spans.get_finished_spans()
    assert {one.context.trace_id for one in (push, fold, inner)} == {
        0x0123456789ABCDEF0123456789ABCDEF
    }
    assert push.parent is not None
    assert push.parent.span_id == 0x0123456789ABCDEF
    assert fold.parent is not None
    assert fold.parent.span_id == push.context.span_id
    assert inner.parent is not None
    assert inner.parent.span_id == fold.context.span_id
    assert fold.attributes == {"otklik.rows": 3, "otklik.facts": 2}
    assert len(fold.links) == 1


def test_a_failed_span_shows_the_type_and_no_text(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="555"), span("push"):
        raise ValueError(CANARY)
    (failed,) = spans.get_finished_spans()
    assert not failed.status.is_ok
    assert failed.attributes == {"error.type": "ValueError"}
    assert failed.events == ()
    assert CANARY not in failed.to_json()


def test_without_an_exporter_traces_are_still_handed_on() -> None:
    assert current_traceparent() is None
    with span("push", TRACEPARENT):
        assert current_traceparent() == TRACEPARENT
        with span("inner", rows=1):
            assert current_traceparent() == TRACEPARENT
    assert current_traceparent() is None
    with span("push"):
        assert current_traceparent() is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        "00-0-0-0",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01" + "x" * 5000,
    ],
)
def test_a_malformed_traceparent_counts_as_none(header: str) -> None:
    with span("push", header):
        assert current_traceparent() is None


@pytest.mark.asyncio
async def test_tasks_keep_their_own_trace(spans: InMemorySpanExporter) -> None:
    async def one(number: int) -> bool:
        header = f"00-{number:032x}-{number:016x}-01"
        with span("request", header):
            await asyncio.sleep(0.01)
            told = current_traceparent()
            return told is not None and told.split("-")[1] == f"{number:032x}"

    assert all(await asyncio.gather(*(one(number) for number in range(1, 50))))


# --- Series -------------------------------------------------------------------------------------


def test_a_process_shows_its_memory_and_collections() -> None:
    registry = make_registry()
    text = expose(registry).decode()
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text
    assert "_created" not in text
    assert count_series(registry) == sum(not line.startswith("#") for line in text.splitlines())


def test_a_company_is_shown_its_own_numbers_and_those_of_the_process() -> None:
    registry = make_registry()
    waiting = Gauge("otklik_waiting", "people", ["company", "branch"], registry=registry)
    waiting.labels("demo2abc", "omsk").set(7)
    waiting.labels("other222", "perm").set(9)
    waiting.labels("other", "other").set(11)  # smaller companies, together
    own = expose(registry, "demo2abc").decode()
    assert 'otklik_waiting{branch="omsk",company="demo2abc"} 7.0' in own
    assert own.count("otklik_waiting{") == 1
    assert "other222" not in own
    assert "process_cpu_seconds_total" in own
    assert expose(registry).decode().count("otklik_waiting{") == 3


def test_too_many_series_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    registry = make_registry()
    expose(registry)
    assert lines(capsys) == []
    counter = Counter("otklik_test_total", "x", ("n",), registry=registry)
    for number in range(MOST_SERIES + 1):
        counter.labels(str(number))
    expose(registry)
    (line,) = lines(capsys)
    assert line["event"] == "more series than the budget allows"
    assert line["series"] > MOST_SERIES


def test_a_label_takes_so_many_values_and_no_more() -> None:
    branch = Labels(2)
    assert [branch(value) for value in ("a", "b", "c", "a", None)] == [
        "a",
        "b",
        "other",
        "a",
        "none",
    ]


def test_lines_are_quick_enough_for_thousands_of_requests(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet = get_logger("quiet")
    for _ in range(10_000):
        quiet.debug("request", method="GET")
    assert capsys.readouterr().err == ""


def test_the_root_logger_is_left_alone_until_configured() -> None:
    assert not any(
        isinstance(handler, observability._Libraries) for handler in logging.getLogger().handlers
    )
