"""A client below any library, for pushes whose heads the server may know."""

import itertools
import socket
import time
from typing import Any, Final

import pytest

from otklik_common import callers
from otklik_common.quick_protocol import QuickProtocol
from otklik_contact_center.actions import sources
from tests.support.served import Served
from tests.system.test_bad_connections import said, statuses
from tests.system.test_quick_connections import NEW, answers, event, push

SECONDS: Final = 5
ALIVE: Final = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
NUMBERS: Final = itertools.count(100_000)


def note_parsed(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[QuickProtocol]:
    """The connection of every request that is parsed from now; callers stay known for long."""
    monkeypatch.setattr(callers, "FRESH_SECONDS", 600)
    monkeypatch.setattr(sources, "FRESH_SECONDS", 600)
    assert answers(said(served, push(served, event("known"), b"Connection: close")))
    found: list[QuickProtocol] = []
    genuine = QuickProtocol.on_message_begin

    def on_message_begin(self: QuickProtocol) -> None:
        found.append(self)
        genuine(self)

    monkeypatch.setattr(QuickProtocol, "on_message_begin", on_message_begin)
    return found


class Client:
    """A connection on which one waits for an answer before asking again."""

    def __init__(self, served: Served) -> None:
        self.wire = socket.create_connection(("127.0.0.1", served.port), SECONDS)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, *parts: bytes) -> bytes:
        """The one answer to some bytes; empty if the connection is closed."""
        for part in parts:
            self.wire.sendall(part)
            time.sleep(0.002)  # a packet of its own
        return self.wire.recv(65_536)

    def learn(self, served: Served, *lines: bytes) -> None:
        """Push until heads of this length are known."""
        for _ in range(3):
            assert answers(self.ask(push(served, another(), *lines))) == [NEW]

    def hear(self, count: int) -> bytes:
        """So many answers."""
        heard = b""
        while len(statuses(heard)) < count:
            more = self.wire.recv(65_536)
            assert more, "closed before all was answered"
            heard += more
        return heard

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()


def another(**more: Any) -> dict[str, Any]:
    """An event that was not pushed before, always of the same length."""
    return event(f"e{next(NUMBERS)}", **more)
