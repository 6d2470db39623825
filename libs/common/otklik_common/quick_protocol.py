"""
HTTP/1.1 for quick routes: their plain calls have no task and no messages.

What an ASGI server does for every request (a task, a dictionary for each message, three waits, two
writes) costs as much as all that a push does besides. Here a call whose body has come is handed
over in the parser's callback, and answered by one write in the callback of its commit. Everything
else (other routes, large bodies, `Expect`, clients that do not read) is uvicorn's own, unchanged.
"""

from functools import partial
from typing import Any, Final

from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from otklik_common.quick import Answer, Quick

MOST_BYTES: Final = 32_768
"""Of a body that is waited for here; uvicorn stops reading at twice as many until someone asks."""


class QuickProtocol(HttpToolsProtocol):
    """
    A connection.

    It overrides what uvicorn calls at each step; `tests/system/test_bad_connections.py` holds both
    to the same answers, and a version of uvicorn with other steps to these.
    """

    def __init__(self, *, quick: Quick, **given: Any) -> None:
        super().__init__(**given)
        self._quick = quick
        self._due: RequestResponseCycle | None = None

    def on_headers_complete(self) -> None:
        """The head of the newest request is whole; what a body's trailers add is none of it."""
        super().on_headers_complete()
        self.headers = []

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request's turn has come; its body may not be whole."""
        if (
            app is not self.app
            or self.flow.write_paused
            or cycle.waiting_for_100_continue
            or not self._quick.may_answer(cycle.scope)
        ):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._due = cycle
        else:
            self._answer(cycle)

    def on_body(self, body: bytes) -> None:
        """Some more of the body of the newest request."""
        super().on_body(body)
        if self._due is not None and len(self._due.body) > MOST_BYTES:
            self._go_the_usual_way()

    def on_message_complete(self) -> None:
        """The newest request is whole."""
        super().on_message_complete()
        due = self._due
        if due is not None and due is self.cycle:
            self._due = None
            self._answer(due)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more; a request that is not whole is refused, and so logged."""
        super().connection_lost(exc)
        self._go_the_usual_way()

    def _go_the_usual_way(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            super()._start_asgi_task(due, self.app)

    def _answer(self, cycle: RequestResponseCycle) -> None:
        scope: Any = cycle.scope
        tell = partial(self._write, cycle)
        if not self._quick.answer_later(scope, bytes(cycle.body), tell):
            super()._start_asgi_task(cycle, self.app)

    def _write(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """The whole answer; its headers are ours, and name the length."""
        if cycle.disconnected or self.transport.is_closing():
            return
        content = [STATUS_LINE[answer.status]]
        for name, value in (*cycle.default_headers, *answer.headers):
            content += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            content.append(b"connection: close\r\n")
        content += (b"\r\n", answer.body)
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join(content))
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def protocol_for(app: ASGIApp) -> Any:
    """What speaks HTTP for an application: this, if it has quick routes; or uvicorn's choice."""
    quick = getattr(app, "quick", None)
    return "auto" if quick is None else partial(QuickProtocol, quick=quick)
