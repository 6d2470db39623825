"""A head that came before is not parsed again: whatever comes is answered as if it were."""

import gc
import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common import callers, quick_protocol
from otklik_common.failpoints import failpoints
from otklik_common.quick import Head
from otklik_common.quick_protocol import QuickProtocol
from otklik_contact_center.actions import sources
from otklik_contact_center.actions.intake import SMALL_ROWS
from tests.support.postgres import PostgresServer
from tests.support.served import Served, serving
from tests.system.test_bad_connections import head, said, statuses
from tests.system.test_quick_connections import KNOWN, NEW, PATH, answers, event, push

pytestmark = pytest.mark.system

SECONDS: Final = 5
ALIVE: Final = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
NUMBERS: Final = itertools.count(100_000)


@pytest.fixture(scope="module")
def served(postgres: PostgresServer) -> Iterator[Served]:
    """A real server with a real database behind it."""
    with serving(postgres, "known_heads") as running:
        yield running


@pytest.fixture
def parsed(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[QuickProtocol]:
    """The connection of every request that was parsed; who calls is known for a long while."""
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


def test_answers_keep_their_order_while_one_is_waited_for(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    before_flush = failpoints()["intake.before_flush"]
    wanted = [another() for _ in range(3)]
    with Client(served) as client:
        client.learn(served)
        before_flush.arm("sleep:0.2")  # the others come while the first is not answered
        try:
            for part in (push(served, wanted[0]), push(served, wanted[0]) + ALIVE):
                client.wire.sendall(part)
                time.sleep(0.05)
            client.wire.sendall(push(served, wanted[1]))
            heard = client.hear(4)
        finally:
            before_flush.disarm()
        assert statuses(heard) == [202, 202, 200, 202]
        assert answers(client.ask(push(served, wanted[2]))) == [NEW]


def test_part_of_a_body_is_not_taken_for_the_whole(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    def lines() -> tuple[bytes, dict[str, Any]]:
        first, last = another(), another()
        return json.dumps(first).encode() + b"\n" + json.dumps(last).encode(), last

    with Client(served) as client:
        for _ in range(3):
            assert answers(client.ask(push(served, lines()[0]))) == [{**NEW, "accepted": 2}]
        body, last = lines()
        cut = body.index(b"\n")
        whole = push(served, body)
        assert answers(client.ask(whole[: cut - len(body)], whole[cut - len(body) :])) == [
            {**NEW, "accepted": 2}
        ]
        assert answers(client.ask(push(served, last))) == [KNOWN]


def test_a_request_within_the_body_of_another_is_none(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    hidden = another()
    with Client(served) as client:
        client.learn(served)
        inner = push(served, hidden)
        outer = b"POST /contact-center/v1/events?source=x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        assert statuses(client.ask(outer % len(inner))) == [401]
        client.wire.sendall(inner)  # the body, which nobody wanted to read
        time.sleep(0.1)
        assert statuses(client.ask(ALIVE)) == [200]
        assert answers(client.ask(inner)) == [NEW], "it was not kept before"


def test_a_known_head_waits_for_the_answer_before_it(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    many = [another() for _ in range(SMALL_ROWS + 1)]
    with Client(served) as client:
        client.learn(served)
        # Whoever brings one of the many waits for this; few have a connection of their own.
        held = served.run(_held(served, many[0]["id"]))
        client.wire.sendall(push(served, many))
        time.sleep(0.2)
        client.wire.sendall(push(served, another()))
        time.sleep(0.2)
        served.run(held.close())
        heard = client.hear(2)
    assert answers(heard) == [{**NEW, "accepted": len(many)}, NEW]


async def _held(served: Served, name: str) -> asyncpg.Connection:
    """A connection that has brought an event of that id, and has not committed."""
    connection = await asyncpg.connect(served.world.running.url)
    await connection.execute("BEGIN")
    await connection.execute(
        """
        INSERT INTO contact_center.inbox
        SELECT (jsonb_populate_record(i, jsonb_build_object('id', $1::text))).*
        FROM contact_center.inbox i WHERE id LIKE 'e1%' AND tenant = $2 LIMIT 1
        """,
        name,
        served.world.ours.tenant,
    )
    return connection


def test_lengths_in_one_packet_are_not_mixed_up(
    served: Served, parsed: list[QuickProtocol]
) -> None:
    def two() -> bytes:
        return b"\n".join(json.dumps(another()).encode() for _ in range(2))

    both = {**NEW, "accepted": 2}
    with Client(served) as client:
        for _ in range(3):
            client.wire.sendall(push(served, two(), b"X-Of: two") + push(served, another()))
            assert answers(client.hear(2)) == [both, NEW]
        body = two()
        whole, rest = push(served, body, b"X-Of: two"), len(body) // 2 + 1
        assert answers(client.ask(whole[:-rest], whole[-rest:])) == [both]


def test_heads_in_one_packet_are_not_mixed_up(served: Served, parsed: list[QuickProtocol]) -> None:
    ours, theirs = served.world.ours.key.encode(), served.world.rival.key.encode()
    assert len(ours) == len(theirs)
    line = b"X-Mixed: up"
    mine = another()
    with Client(served) as client:
        for _ in range(3):
            client.wire.sendall(
                push(served, another(), line) + push(served, another(), line).replace(ours, theirs)
            )
            assert statuses(client.hear(2)) == [202, 202]
        assert answers(client.ask(push(served, mine, line))) == [NEW]
        assert answers(client.ask(push(served, mine, b"X-Of: our own"))) == [KNOWN]


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


QUESTIONS: Final = ("push", "push", "push", "two", "alive", "broken", "refused", "named")
Asked = tuple[bytes, int, Any]


def _question(served: Served, kind: str) -> Asked:
    """The bytes of a request, the status of its answer, and the body if it matters."""
    if kind == "alive":
        return ALIVE, 200, None
    if kind == "two":
        return push(served, [another(), another()]), 202, {**NEW, "accepted": 2}
    if kind == "broken":
        return push(served, json.dumps(another()).encode()[:-1] + b"]"), 400, None
    if kind == "refused":
        return push(served, another(channel="cull")), 202, None
    lines = [b"X-Request-Id: " + b"0" * 32] if kind == "named" else []
    return push(served, another(), *lines), 202, NEW


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kinds=st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=8),
    cuts=st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from([0, 0, 0, 1, -1, 4, -40, 150])), max_size=8
    ),
)
def test_however_bytes_are_cut_they_mean_the_same(
    served: Served,
    parsed: list[QuickProtocol],
    kinds: list[str],
    cuts: list[tuple[int, int]],
) -> None:
    """Most cuts lie where one request ends and another begins: there heads are known."""
    questions = [_question(served, kind) for kind in kinds]
    stream = b"".join(question for question, _, _ in questions)
    ends = [0, *itertools.accumulate(len(question) for question, _, _ in questions)]
    places = sorted(
        max(0, min(len(stream), ends[min(number, len(questions))] + more)) for number, more in cuts
    )
    with Client(served) as client:
        for start, end in itertools.pairwise([0, *places, len(stream)]):
            client.wire.sendall(stream[start:end])
            time.sleep(0.002)
        heard = client.hear(len(questions))
        client.wire.settimeout(0.01)
        with suppress(TimeoutError):
            heard += client.wire.recv(65_536)
    assert statuses(heard) == [status for _, status, _ in questions]
    for found, (_, _, wanted) in zip(_bodies(heard), questions, strict=True):
        if wanted is not None:
            assert json.loads(found) == wanted


def _bodies(heard: bytes) -> list[bytes]:
    bodies = []
    while heard:
        top, _, rest = heard.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", top)
        assert length is not None, top
        bodies.append(rest[: int(length[1])])
        heard = rest[int(length[1]) :]
    return bodies
