"""
Traces from a push to its rollup: OpenTelemetry spans that carry no personal value.

The provider is ours, not the global one: libraries that instrument themselves would put paths,
queries and SQL into spans. Attributes obey the same allow-list as log lines, and an exception is
recorded by its type alone, since its text may repeat a value.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otklik_common.fields import safe_fields
from otklik_common.settings import Settings

SHUTDOWN_SECONDS: Final = 2.0
"""Time for the last spans to be sent when a process ends."""

MOST_LINKS: Final = 128
"""Links of one span: a batch may hold thousands of records, a span shows the first of them."""

_propagator = TraceContextTextMapPropagator()


class _Tracing:
    """The one provider of this process, if any."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


def setup_tracing(
    settings: Settings, *, process: str, exporter: SpanExporter | None = None
) -> None:
    """
    Send spans to `settings.otlp_endpoint`, or to `exporter` at once as each ends (for tests).

    Without either, spans cost nothing and traceparents are still handed on.
    """
    shutdown_tracing()
    if exporter is None and settings.otlp_endpoint is None:
        return
    resource = Resource.create({"service.name": "otklik", "service.instance.id": process})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        # Its import loads requests and protobuf: 60 ms and 15 MB that few processes need.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )

        endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _Tracing.provider = provider
    _Tracing.tracer = provider.get_tracer("otklik")


def shutdown_tracing() -> None:
    """
    Send what is left and forget the provider.

    A collector that is away is not waited for: its client would hold up the end for ten seconds.
    """
    provider, _Tracing.provider, _Tracing.tracer = _Tracing.provider, None, None
    if provider is not None:
        ending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(SHUTDOWN_SECONDS)


def is_traced() -> bool:
    """Whether this process sends spans anywhere."""
    return _Tracing.tracer is not None


def current_traceparent() -> str | None:
    """W3C traceparent of what is going on here, or None outside of any trace."""
    now = trace.get_current_span().get_span_context()
    if not now.is_valid:
        return None
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}"


def current_trace_id() -> str | None:
    """The trace's id in hexadecimal, as log lines carry it."""
    now = trace.get_current_span().get_span_context()
    return f"{now.trace_id:032x}" if now.is_valid else None


@contextmanager
def span(
    name: str,
    traceparent: str | None = None,
    *,
    links: Sequence[str] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    **fields: Any,
) -> Iterator[trace.Span]:
    """
    What happens inside is one step of a trace.

    Args:
        name: A constant; never made of values.
        traceparent: Whose step it is; None: a step of what is going on here. Malformed ones
            count as None.
        links: Other traces this step works for, such as those of a batch's records.
        fields: Attributes, by the allow-list of `fields.py`; others are dropped.
    """
    parent = _context(traceparent)
    tracer = _Tracing.tracer
    if tracer is None:
        with _handed_on(parent) as handed:
            yield handed
        return
    step = tracer.start_span(
        name,
        context=parent,
        kind=kind,
        attributes={f"otklik.{field}": _plain(value) for field, value in safe_fields(fields)},
        links=[Link(other) for other in map(_span_context, links[:MOST_LINKS]) if other],
    )
    with trace.use_span(
        step, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield step
        except Exception as failed:
            step.set_status(Status(StatusCode.ERROR))
            step.set_attribute("error.type", type(failed).__name__)
            raise


def set_fields(step: trace.Span, **fields: Any) -> None:
    """Add attributes to a span, by the same allow-list."""
    if step.is_recording():
        for field, value in safe_fields(fields):
            step.set_attribute(f"otklik.{field}", _plain(value))


@contextmanager
def _handed_on(parent: contexts.Context | None) -> Iterator[trace.Span]:
    if parent is None:
        yield trace.INVALID_SPAN
        return
    token = contexts.attach(parent)
    try:
        yield trace.get_current_span()
    finally:
        contexts.detach(token)


def _context(traceparent: str | None) -> contexts.Context | None:
    known = _span_context(traceparent) if traceparent else None
    return None if known is None else trace.set_span_in_context(trace.NonRecordingSpan(known))


def _span_context(traceparent: str) -> SpanContext | None:
    found = _propagator.extract({"traceparent": traceparent}, context=contexts.Context())
    known = trace.get_current_span(found).get_span_context()
    return known if known.is_valid else None


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
