"""Known heads among other bytes: whatever is cut or joined is answered once, and in its order."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common.failpoints import failpoints
from otklik_common.quick_protocol import QuickProtocol
from otklik_contact_center.actions.intake import SMALL_ROWS
from tests.support.postgres import PostgresServer
from tests.support.served import Served, serving
from tests.system.known_heads import ALIVE, Client, another, note_parsed
from tests.system.test_bad_connections import statuses
from tests.system.test_quick_connections import KNOWN, NEW, answers, bodies, push

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def served(postgres: PostgresServer) -> Iterator[Served]:
    """A real server with a real database behind it."""
    with serving(postgres, "known_heads_in_order") as running:
        yield running


@pytest.fixture
def parsed(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[QuickProtocol]:
    """The connection of every request that was parsed; no head is known but of pushes in order."""
    return note_parsed(served, monkeypatch)


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
    for found, (_, _, wanted) in zip(bodies(heard), questions, strict=True):
        if wanted is not None:
            assert json.loads(found) == wanted
