"""A head that came before is not parsed again: whatever comes is answered as if it were."""

import gc
import json
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from otklik_common import callers, quick_protocol
from otklik_common.failpoints import failpoints
from otklik_common.quick import Head
from otklik_common.quick_protocol import QuickProtocol
from tests.support.postgres import PostgresServer
from tests.support.served import Served, serving
from tests.system.known_heads import ALIVE, Client, another, note_parsed
from tests.system.test_bad_connections import head, statuses
from tests.system.test_quick_connections import KNOWN, NEW, PATH, answers, push

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def served(postgres: PostgresServer) -> Iterator[Served]:
    """A real server with a real database behind it."""
    with serving(postgres, "known_heads") as running:
        yield running


@pytest.fixture
def parsed(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[QuickProtocol]:
    """The connection of every request that was parsed; no head is known but of pushes in order."""
    return note_parsed(served, monkeypatch)


def test_the_same_head_is_parsed_once(served: Served, parsed: list[QuickProtocol]) -> None:
    with Client(served) as one, Client(served) as two:
        first = another()
        assert [answers(one.ask(push(served, first))) for _ in range(3)] == [
            [NEW],
            [KNOWN],
            [KNOWN],
        ]
        assert answers(two.ask(push(served, another()))) == [NEW]
        assert len(parsed) <= 2, "heads are known to all connections"
        both = [another(), another()]
        assert answers(one.ask(push(served, both))) == [{**NEW, "accepted": 2}]
        for _ in range(3):
            assert answers(one.ask(push(served, both))) == [{**NEW, "accepted": 0, "duplicates": 2}]
        assert len(parsed) <= 4
        told = one.ask(push(served, another()))
        again = one.ask(push(served, another()))
    assert [line.partition(b":")[0] for line in told.split(b"\r\n")] == [
        line.partition(b":")[0] for line in again.split(b"\r\n")
    ], "an answer looks the same however its question was read"


def test_a_body_behind_a_known_head_is_judged_like_any_other(
    served: Served, parsed: list[QuickProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = another()
    raw = json.dumps(good).encode()
    tried: list[bytes] = []
    genuine = served.app.quick.answer_later  # type: ignore[attr-defined]

    def answer_later(head: Head, body: bytes, tell: Any) -> bool:
        tried.append(body)
        taken: bool = genuine(head, body, tell)
        return taken

    monkeypatch.setattr(served.app.quick, "answer_later", answer_later)  # type: ignore[attr-defined]
    with Client(served) as client:
        client.learn(served)
        assert answers(client.ask(push(served, good))) == [NEW]
        for wrong in (raw[:-1] + b"!", b"x" * len(raw), b"\xff" * len(raw)):
            assert statuses(client.ask(push(served, wrong))) == [400]
            assert tried.count(wrong) == 1, "what is not taken is not tried again"
        odd = raw.replace(b'"call"', b'"cull"')
        heard = client.ask(push(served, odd))
        assert [one["code"] for one in answers(heard)[0]["refused"]] == ["not_one_of"]
        changed = raw.replace(b"09:00:00", b"09:00:01")
        refused = answers(client.ask(push(served, changed)))[0]["refused"]
        assert [one["code"] for one in refused] == ["event_id_reused"]
        assert answers(client.ask(push(served, another()))) == [NEW]


def test_who_was_not_seen_a_moment_ago_is_looked_up_whatever_is_known(
    served: Served, parsed: list[QuickProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(served) as client:
        client.learn(served)
        known = len(parsed)
        monkeypatch.setattr(callers, "FRESH_SECONDS", 0)
        for number in range(3):
            assert answers(client.ask(push(served, another()))) == [NEW]
            assert len(parsed) == known + 1 + number
        monkeypatch.undo()


def test_what_comes_once_is_not_remembered(served: Served, parsed: list[QuickProtocol]) -> None:
    with Client(served) as client:
        for lines in (
            [b"X-Request-Id: 0123456789abcdef0123456789abcdef"],
            [b"Origin: https://shop.example.test"],
            [b"X-Long: " + b"x" * quick_protocol.MOST_HEAD_BYTES],
        ):
            for _ in range(4):
                assert statuses(client.ask(push(served, another(), *lines))) == [202]
        assert len(parsed) == 12
        chunked = head(served, b"Transfer-Encoding: chunked", path=PATH)
        for _ in range(4):
            body = json.dumps(another()).encode()
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            assert answers(client.ask(chunked + chunks)) == [NEW]
        assert len(parsed) == 16


def test_so_many_heads_are_remembered_and_the_oldest_forgotten(
    served: Served, parsed: list[QuickProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_protocol, "MOST_HEADS", 3)
    monkeypatch.setattr(quick_protocol, "MOST_SEEN", 2)
    with Client(served) as client:
        assert statuses(client.ask(ALIVE)) == [200]
        memory = parsed[-1]._memory
        memory._heads.clear()
        for number in range(5):
            client.learn(served, b"X-Number: %d" % number)
            assert len(memory._heads) == min(3, number + 1)
        parsed.clear()
        for number in (2, 3, 4):
            assert answers(client.ask(push(served, another(), b"X-Number: %d" % number))) == [NEW]
        assert not parsed
        for number in range(20):  # each comes once
            line = b"X-Once: %d" % number
            assert answers(client.ask(push(served, another(), line))) == [NEW]
        assert len(memory._seen) == 2
        parsed.clear()
        assert answers(client.ask(push(served, another(), b"X-Number: 4"))) == [NEW]
        assert not parsed, "what comes once pushes nothing out"
        key = served.world.ours.key
        assert not any(_holds(known, key) for known in memory._heads.items())


def _holds(thing: Any, text: str) -> bool:
    """Whether a text stands in a thing, or in what it is made of; modules and classes aside."""
    seen: set[int] = set()
    waiting = [(thing, 0)]
    while waiting:
        one, depth = waiting.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType, FunctionType)):
            continue
        seen.add(id(one))
        if isinstance(one, (str, bytes)):
            if text in (one if isinstance(one, str) else one.decode("latin-1")):
                return True
        elif depth < 5:
            waiting += [(part, depth + 1) for part in gc.get_referents(one)]
    return False


def test_a_connection_is_closed_some_time_after_its_last_answer(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    with Client(served) as client:
        assert statuses(client.ask(ALIVE)) == [200]
        parsed[-1].timeout_keep_alive = 1
        assert statuses(client.ask(ALIVE)) == [200]
        for _ in range(6):
            assert statuses(client.ask(push(served, another()))) == [202]
            time.sleep(0.3)
        asked = time.monotonic()
        assert statuses(client.ask(push(served, another()))) == [202]
        assert client.wire.recv(1) == b""
        assert time.monotonic() - asked >= 1


def test_a_server_that_ends_answers_what_it_has_begun(
    served: Served, parsed: list[QuickProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    before_flush = failpoints()["intake.before_flush"]
    with Client(served) as client:
        assert statuses(client.ask(ALIVE)) == [200]
        protocol = parsed[-1]
        client.learn(served)
        before_flush.arm("sleep:0.2")
        genuine, ended = protocol._take, []

        def take(head: Head, body: bytes) -> bool:
            begun = genuine(head, body)
            protocol.shutdown()
            ended.append(begun)
            return begun

        monkeypatch.setattr(protocol, "_take", take)
        try:
            client.wire.sendall(push(served, another()))
            heard = client.hear(1)
        finally:
            before_flush.disarm()
        assert ended == [True]
        assert answers(heard) == [NEW]
        assert b"connection: close\r\n" in heard
        assert client.wire.recv(1) == b""


def test_who_goes_away_while_a_known_call_is_under_way_breaks_nothing(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    with Client(served) as client:
        client.learn(served)
    before_flush = failpoints()["intake.before_flush"]
    before_flush.arm("sleep:0.05")
    gone = [another() for _ in range(10)]
    try:
        for one in gone:
            with Client(served) as client:
                client.wire.sendall(push(served, one))
        time.sleep(1)
    finally:
        before_flush.disarm()
    with Client(served) as client:
        for one in gone:
            assert answers(client.ask(push(served, one))) == [KNOWN]
    assert served.app.quick._metrics.running == 0  # type: ignore[attr-defined]
