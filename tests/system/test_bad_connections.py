"""Odd HTTP/1.1 on the wire, below any client: refused or read as it must be, and nothing kept."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Final

import pytest

from tests.support.postgres import PostgresServer
from tests.support.served import Served, serving

pytestmark = pytest.mark.system

PATH: Final = "/feedback/v1/surveys"
BODY: Final = b'{"template": "nps", "title": {"ru": "x", "en": "x"}}'
SECONDS: Final = 5
ALIVE: Final = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def served(postgres: PostgresServer) -> Iterator[Served]:
    """A real server with a real database behind it."""
    with serving(postgres, "bad_connections") as running:
        yield running


def head(served: Served, *lines: bytes, method: bytes = b"POST", path: str = PATH) -> bytes:
    """The head of a request with a good key."""
    first = b"%s %s HTTP/1.1" % (method, path.encode())
    key = b"Authorization: Bearer " + served.world.ours.key.encode()
    json = b"Content-Type: application/json"
    return b"\r\n".join((first, b"Host: otklik", key, json, *lines, b"", b""))


def said(served: Served, *parts: bytes, close: bool = False) -> bytes:
    """Everything that the server says to these bytes until it closes, or says no more."""
    heard = b""
    with closing(socket.create_connection(("127.0.0.1", served.port), SECONDS)) as wire:
        for part in parts:
            with suppress(BrokenPipeError, ConnectionResetError):
                wire.sendall(part)
        if close:
            wire.shutdown(socket.SHUT_WR)
        wire.settimeout(1)
        with suppress(TimeoutError, ConnectionResetError):
            while more := wire.recv(65_536):
                heard += more
    return heard


def statuses(heard: bytes) -> list[int]:
    """Of all answers in what was heard."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3})", heard)]


def surveys(served: Served) -> int:
    """How many there are in the database."""

    async def count() -> int:
        found: int = await served.world.running.admin.fetchval(
            "SELECT count(*) FROM feedback.surveys"
        )
        return found

    return served.run(count())


BROKEN: Final = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "no such version": b"GET /livez HTTP/9.9\r\n\r\n",
    "a blank in the path": b"GET /live z HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a header without a colon": b"GET /livez HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a blank before the colon": b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
    "no length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    "a length below nothing": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a chunk of no size": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_request_is_refused_and_the_connection_closed(served: Served, what: str) -> None:
    answered = statuses(said(served, BROKEN[what]))
    assert all(400 <= status < 500 for status in answered), answered
    assert statuses(said(served, ALIVE)) == [200]


def test_a_body_that_breaks_off_is_not_kept(served: Served) -> None:
    before = surveys(served)
    whole = len(BODY)
    for length, sent in ((whole + 10, BODY), (whole, BODY[:-5])):
        heard = said(served, head(served, b"Content-Length: %d" % length), sent, close=True)
        assert all(400 <= status < 500 for status in statuses(heard)), heard
    chunk = b"%x\r\n%s\r\n" % (whole, BODY)
    heard = said(served, head(served, b"Transfer-Encoding: chunked"), chunk, close=True)
    assert all(400 <= status < 500 for status in statuses(heard)), heard
    assert surveys(served) == before


def test_a_body_longer_than_it_says_is_cut_and_the_rest_is_no_request(served: Served) -> None:
    before = surveys(served)
    heard = said(served, head(served, b"Content-Length: 5"), BODY)
    assert set(statuses(heard)) == {400}, heard
    assert surveys(served) == before


def test_chunks_are_put_together_and_trailers_are_not_believed(served: Served) -> None:
    before = surveys(served)
    chunks = b"".join(b"1\r\n%c\r\n" % letter for letter in BODY) + b"0\r\n"
    trailers = b"Authorization: Bearer otk_x\r\nIdempotency-Key: \xff\r\n\r\n"
    heard = said(
        served, head(served, b"Transfer-Encoding: chunked", b"Connection: close"), chunks + trailers
    )
    assert statuses(heard) in ([201], [400]), heard
    assert surveys(served) - before == statuses(heard).count(201)


def test_trailers_that_come_with_the_head_are_not_believed_either(served: Served) -> None:
    chunks = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
    whole = head(served, b"Transfer-Encoding: chunked", b"Connection: close") + chunks
    heard = said(served, whole + b"Authorization: Bearer otk_x\r\n\r\n")
    assert statuses(heard) == [201], heard


def test_of_a_length_and_chunks_no_second_request_is_made(served: Served) -> None:
    """Request smuggling: whatever is believed, what follows the chunks is no request of ours."""
    inner = head(served, b"Content-Length: 0", method=b"DELETE", path="/feedback/v1/demo")
    both = head(served, b"Content-Length: 4", b"Transfer-Encoding: chunked")
    answered = statuses(said(served, both, b"0\r\n\r\n", inner))
    assert 200 not in answered[:1], answered
    assert all(status < 500 for status in answered)


def test_a_huge_head_is_refused(served: Served) -> None:
    heard = said(served, head(served, b"X-Long: " + b"a" * 200_000, b"Content-Length: 0"))
    assert all(400 <= status < 500 for status in statuses(heard)), statuses(heard)


def test_a_body_that_drips_holds_up_nobody(served: Served) -> None:
    before = surveys(served)
    with closing(socket.create_connection(("127.0.0.1", served.port), SECONDS)) as slow:
        slow.sendall(head(served, b"Content-Length: %d" % len(BODY)))
        for letter in BODY[:10]:
            slow.sendall(bytes((letter,)))
            began = time.monotonic()
            assert statuses(said_once(served, ALIVE)) == [200]
            assert time.monotonic() - began < SECONDS
    assert surveys(served) == before


def said_once(served: Served, part: bytes) -> bytes:
    """The first thing that the server says."""
    with closing(socket.create_connection(("127.0.0.1", served.port), SECONDS)) as wire:
        wire.sendall(part)
        return wire.recv(65_536)


def test_a_body_announced_too_large_is_refused_unread(served: Served) -> None:
    heard = said(served, head(served, b"Content-Length: 99999999", b"Expect: 100-continue"))
    assert statuses(heard)[-1:] == [413], heard
    assert b"body_too_large" in heard
