"""
HTTP/1.1 for quick routes: their plain calls have no task and no messages.

What an ASGI server does for every request (a task, a dictionary for each message, three waits, two
writes) costs as much as all that a push does besides. Here a call whose body has come is handed
over in the parser's callback, and answered by one write in the callback of its commit; a head that
has been read before, byte for byte, is not parsed again. Everything else (other routes, large
bodies, `Expect`, clients that do not read) is uvicorn's own, unchanged.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar, cast

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from otklik_common.quick import Answer, Head, Quick

MOST_BYTES: Final = 32_768
"""Of a body that is waited for here; uvicorn stops reading at twice as many until someone asks."""

MOST_HEADS: Final = 4_096
MOST_HEAD_BYTES: Final = 4_096
"""Heads that are remembered, and how long one may be. Clients differ, and lengths of bodies."""

MOST_SEEN: Final = 16_384
"""Heads that came once: if they come again, they are remembered."""

END: Final = b"\r\n\r\n"

T = TypeVar("T")


class _Known(NamedTuple):
    """A head that was read before, and the length of the body that it announces."""

    head: Head
    length: int


class Memory:
    """
    What the connections of a process have in common: heads that came before, and the lines that
    all answers begin with.

    A client's calls have the same head but for the length of the body, so that parsing it is as
    good as looking it up. Only heads of calls that were taken are kept, when they come for the
    second time, by their hash: a credential is not to lie in memory.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, _Known] = {}
        self._seen: dict[bytes, None] = {}
        self._first: tuple[object, Any, bytes] = (None, None, b"")

    def known(self, head: bytes) -> _Known | None:
        """What these bytes were found to be, if they came before."""
        return self._heads.get(_hash(head))

    def keep(self, head: bytes, known: _Known) -> None:
        """Know these bytes from now on, if they came before."""
        name = _hash(head)
        if name in self._seen:
            del self._seen[name]
            _put(self._heads, name, known, MOST_HEADS)
        else:
            _put(self._seen, name, None, MOST_SEEN)

    def first_lines(self, answer: Answer, more: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Status and headers; most answers are the one before, in the same second."""
        was, with_these, lines = self._first
        if was is not answer or with_these is not more:
            content = [STATUS_LINE[answer.status]]
            for name, value in (*more, *answer.headers):
                content += (name, b": ", value, b"\r\n")
            lines = b"".join(content)
            self._first = (answer, more, lines)
        return lines


def _put(into: dict[bytes, T], name: bytes, value: T, most: int) -> None:
    """Add, and forget the oldest above `most`."""
    if len(into) >= most:
        del into[next(iter(into))]
    into[name] = value


def _hash(head: bytes) -> bytes:
    return hashlib.blake2b(head, digest_size=32).digest()


class _Nobody:
    """Nobody waits for the messages of a call that has none."""

    def set(self) -> None:
        """Nothing to do."""


class _Call:
    """A call whose head is known, where uvicorn keeps the newest request."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    message_event: Final = _Nobody()

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False


class QuickProtocol(HttpToolsProtocol):
    """
    A connection.

    It overrides what uvicorn calls at each step; the tests of bad and quick connections and of
    known heads (tests/system) hold both to the same answers, and a version of uvicorn with other
    steps to these.
    """

    cycle: Any  # the newest request, or a call in its place; None before the first

    def __init__(self, *, quick: Quick, memory: Memory, **given: Any) -> None:
        super().__init__(**given)
        self._quick = quick
        self._memory = memory
        self._due: tuple[RequestResponseCycle, Head] | None = None
        self._between = True
        self._new: Head | None = None
        self._usual = False
        self._rested = 0.0

    def data_received(self, data: bytes) -> None:
        """Some bytes; most often one whole request, like the one before."""
        alone = (
            self._between
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and self.limit_concurrency is None
            and not self.transport.is_closing()
        )
        if not alone:
            super().data_received(data)
            return
        body_at = data.find(END, 0, MOST_HEAD_BYTES) + len(END)
        if body_at < len(END):
            super().data_received(data)
            return
        known = self._memory.known(data[:body_at])
        if known is None:
            self._new = None
            super().data_received(data)
            self._learn(data, body_at)
        elif len(data) != body_at + known.length:
            super().data_received(data)
        elif not self._take(known.head, data[body_at:]):
            self._usual = True  # it was asked just now
            try:
                super().data_received(data)
            finally:
                self._usual = False

    def _take(self, head: Head, body: bytes) -> bool:
        """Whether a call with a known head is begun."""
        before = self.cycle
        self.cycle = call = _Call()
        if self._quick.answer_later(head, body, partial(self._write, call)):
            return True
        self.cycle = before
        return False

    def _learn(self, data: bytes, body_at: int) -> None:
        """Remember the head of a call that was all of some bytes, and has been begun."""
        head, cycle = self._new, self.cycle
        if (
            head is not None
            and self._between
            and head.request_id is None  # such a head comes once
            and cycle.keep_alive
            and len(cycle.body) == len(data) - body_at
            and (b"content-length", b"%d" % len(cycle.body)) in cycle.scope["headers"]
        ):
            self._memory.keep(data[:body_at], _Known(head, len(cycle.body)))

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of the newest request is whole; what a body's trailers add is none of it."""
        super().on_headers_complete()
        self.headers = []

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request's turn has come; its body may not be whole."""
        head = None
        if (
            app is self.app
            and not self._usual
            and not self.flow.write_paused
            and not cycle.waiting_for_100_continue
        ):
            head = self._quick.head(cast("Scope", cycle.scope))
        if head is None:
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._due = cycle, head
        else:
            self._answer(cycle, head)

    def on_body(self, body: bytes) -> None:
        """Some more of the body of the newest request."""
        super().on_body(body)
        if self._due is not None and len(self._due[0].body) > MOST_BYTES:
            self._go_the_usual_way()

    def on_message_complete(self) -> None:
        """The newest request is whole."""
        self._between = True
        super().on_message_complete()
        due = self._due
        if due is not None and due[0] is self.cycle:
            self._due = None
            self._answer(*due)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more; a request that is not whole is refused, and so logged."""
        super().connection_lost(exc)
        self._go_the_usual_way()

    def timeout_keep_alive_handler(self) -> None:
        """Some time ago the connection rested; calls with known heads since then did not tell."""
        self.timeout_keep_alive_task = None
        if not self.cycle.response_complete:
            return
        left = self._rested + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait_for_more(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait_for_more(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _go_the_usual_way(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            super()._start_asgi_task(due[0], self.app)

    def _answer(self, cycle: RequestResponseCycle, head: Head) -> None:
        if self._quick.answer_later(head, bytes(cycle.body), partial(self._write, cycle)):
            self._new = head
        else:
            super()._start_asgi_task(cycle, self.app)

    def _write(self, cycle: RequestResponseCycle | _Call, answer: Answer, request_id: str) -> None:
        """The whole answer; its headers are ours, and name the length."""
        if cycle.disconnected or self.transport.is_closing():
            return
        lines = self._memory.first_lines(answer, self.server_state.default_headers)
        kept = b"\r\n\r\n" if cycle.keep_alive else b"\r\nconnection: close\r\n\r\n"
        cycle.response_complete = True
        self.transport.write(
            b"%sx-request-id: %s%s%s" % (lines, request_id.encode(), kept, answer.body)
        )
        if not cycle.keep_alive:
            self.transport.close()
        if isinstance(cycle, _Call):
            self._rest()
        else:
            cycle.response_started = True
            cycle.on_response()

    def _rest(self) -> None:
        """`on_response_complete`, but that the timer of a connection that is kept busy runs on."""
        if self.pipeline or self.timeout_keep_alive_task is None:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self._rested = self.loop.time()


def protocol_for(app: ASGIApp) -> Any:
    """What speaks HTTP for an application: this, if it has quick routes; or uvicorn's choice."""
    quick = getattr(app, "quick", None)
    return "auto" if quick is None else partial(QuickProtocol, quick=quick, memory=Memory())
