"""Plain pushes have no task of their own: on the wire they are answered as all others are."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest

from otklik_common.failpoints import failpoints
from tests.support.postgres import PostgresServer
from tests.support.served import Served, serving
from tests.system.test_bad_connections import head, said, statuses

pytestmark = pytest.mark.system

PATH: Final = "/contact-center/v1/events"
NEW: Final = {"accepted": 1, "duplicates": 0, "refused": []}
KNOWN: Final = {"accepted": 0, "duplicates": 1, "refused": []}
REQUEST_ID: Final = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def served(postgres: PostgresServer) -> Iterator[Served]:
    """A real server with a real database behind it."""
    with serving(postgres, "quick_connections") as running:
        yield running


@pytest.fixture
def quick(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each push that may be answered without a task was; caller and source are known."""
    assert answers(said(served, push(served, event("known"), b"Connection: close")))
    taken: list[bool] = []
    genuine = served.app.quick.answer_later  # type: ignore[attr-defined]

    def answer_later(*call: Any) -> bool:
        taken.append(genuine(*call))
        return taken[-1]

    monkeypatch.setattr(served.app.quick, "answer_later", answer_later)  # type: ignore[attr-defined]
    return taken


def event(name: str, **more: Any) -> dict[str, Any]:
    """An event of a contact of its own."""
    return {
        "id": name,
        "contact": name,
        "type": "queued",
        "at": "2026-03-02T09:00:00+03:00",
        "channel": "call",
        "direction": "in",
        **more,
    }


def push(served: Served, body: Any, *lines: bytes) -> bytes:
    """A whole request."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(served, b"Content-Length: %d" % len(text), *lines, path=PATH) + text


def bodies(heard: bytes) -> list[bytes]:
    """The bodies of all answers."""
    found = []
    while heard:
        top, _, rest = heard.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", top)
        assert length is not None, top
        size = int(length[1])
        found.append(rest[:size])
        heard = rest[size:]
    return found


def answers(heard: bytes) -> list[Any]:
    """The bodies of all answers, read."""
    return [json.loads(body) for body in bodies(heard)]


def test_requests_in_one_packet_are_answered_in_their_order(
    served: Served, quick: list[bool]
) -> None:
    wanted = [event("p1"), event("p1"), [event("p2"), event("p3")], event("p4")]
    heard = said(served, b"".join(push(served, one) for one in wanted))
    assert statuses(heard) == [202] * 4
    two = {"accepted": 2, "duplicates": 0, "refused": []}
    assert answers(heard) == [NEW, KNOWN, two, NEW]
    assert quick == [True] * 4


def test_between_two_pushes_others_have_their_turn(served: Served, quick: list[bool]) -> None:
    alive = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    refused = b"[{"
    parts = push(served, event("t1")), alive, push(served, refused), push(served, event("t2"))
    heard = said(served, b"".join(parts))
    assert statuses(heard) == [202, 200, 400, 202]
    assert quick == [True, False, True]


def test_an_answer_names_the_request_and_what_was_wrong(served: Served, quick: list[bool]) -> None:
    named = b"X-Request-Id: " + REQUEST_ID.encode()
    heard = said(served, push(served, event("n1"), named), push(served, event("n1", queue="other")))
    assert f"x-request-id: {REQUEST_ID}".encode() in heard
    first, second = answers(heard)
    assert first == NEW
    assert (second["accepted"], second["duplicates"]) == (0, 0)
    assert [one["code"] for one in second["refused"]] == ["event_id_reused"]
    assert quick == [True, True]


@pytest.mark.parametrize(
    ("body", "lines", "status"),
    [
        (event("o1"), [b"Origin: https://shop.example.test"], 202),
        (event("o2"), [b"Authorization: Bearer otk_nothing"], 401),
        (event("o3", channel="smoke"), [], 202),
        (b"[" + b" " * 40_000 + json.dumps(event("o4")).encode() + b"]", [], 202),
        (b"", [], 400),
    ],
)
def test_what_is_not_simply_taken_goes_the_usual_way(
    served: Served, quick: list[bool], body: Any, lines: list[bytes], status: int
) -> None:
    assert statuses(said(served, push(served, body, *lines))) == [status]
    assert True not in quick


def test_a_body_may_come_bit_by_bit(served: Served, quick: list[bool]) -> None:
    whole = push(served, event("b1"))
    with closing(socket.create_connection(("127.0.0.1", served.port), 5)) as wire:
        for at in range(0, len(whole), 40):
            wire.sendall(whole[at : at + 40])
            time.sleep(0.005)
        assert answers(wire.recv(65_536)) == [NEW]
    assert quick == [True]


def test_a_connection_that_is_to_close_is_closed(served: Served, quick: list[bool]) -> None:
    heard = said(served, push(served, event("c1"), b"Connection: close"))
    assert b"connection: close\r\n" in heard
    old = push(served, event("c2")).replace(b"HTTP/1.1", b"HTTP/1.0")
    with closing(socket.create_connection(("127.0.0.1", served.port), 5)) as wire:
        wire.sendall(old)
        heard = b""
        while more := wire.recv(65_536):
            heard += more
    assert answers(heard) == [NEW]
    assert quick == [True, True]


def test_who_waits_for_leave_to_go_on_gets_it(served: Served, quick: list[bool]) -> None:
    whole = push(served, event("e1"), b"Expect: 100-continue")
    cut = whole.index(b"\r\n\r\n") + 4
    heard = said(served, whole[:cut], whole[cut:])
    assert statuses(heard) == [100, 202]
    assert quick == []


def test_who_goes_away_breaks_nothing(served: Served, quick: list[bool]) -> None:
    before_flush = failpoints()["intake.before_flush"]
    before_flush.arm("sleep:0.05")  # by its end the server knows that nobody is there
    try:
        for number in range(10):
            with closing(socket.create_connection(("127.0.0.1", served.port), 5)) as wire:
                both = push(served, event(f"g{number}")) + push(served, event(f"h{number}"))
                wire.sendall(both[: -number or None])
        time.sleep(1)
    finally:
        before_flush.disarm()
    assert True in quick
    deadline = time.monotonic() + 30
    while answers(said(served, push(served, event("g0"), b"Connection: close"))) != [KNOWN]:
        assert time.monotonic() < deadline
    metrics = served.app.quick._metrics  # type: ignore[attr-defined]
    while metrics.running:
        assert time.monotonic() < deadline, f"{metrics.running} are never answered"
        time.sleep(0.05)
