"""Rate limits by caller and address, and whose address it is."""

import httpx
import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from otklik_common import http
from otklik_common.limits import MOST_BUCKETS
from otklik_common.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    limit = http.RateLimit("test", per_second=2, burst=3, clock=clock)
    assert [limit.take("a") for _ in range(3)] == [2, 1, 0]
    with pytest.raises(http.TooMany) as refused:
        limit.take("a")
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["RateLimit"] == '"test";r=0;t=1'
    assert limit.take("b") == 2
    clock.now += 0.5
    assert limit.take("a") == 0
    clock.now += 100
    assert limit.take("a") == 2


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    limit = http.RateLimit("test", per_second=1, burst=1, clock=clock)
    limit.take("a")
    for _ in range(100):
        with pytest.raises(http.TooMany):
            limit.take("a")
    clock.now += 1
    assert limit.take("a") == 0


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200))
def test_nobody_gets_more_than_burst_and_rate(pauses: list[float]) -> None:
    clock = Clock()
    limit = http.RateLimit("test", per_second=3, burst=5, clock=clock)
    granted = 0
    for pause in pauses:
        clock.now += pause
        try:
            limit.take("a")
            granted += 1
        except http.TooMany:
            pass
    assert granted <= 5 + 3 * sum(pauses) + 1e-6


def test_what_is_given_back_was_never_taken_and_no_bucket_holds_more_than_its_burst() -> None:
    clock = Clock()
    limit = http.RateLimit("test", per_second=1, burst=2, clock=clock)
    limit.take("a")
    limit.take("a")
    limit.give_back("a")
    assert limit.take("a") == 0
    with pytest.raises(http.TooMany):
        limit.take("a")
    clock.now += 1.5
    limit.take("a")
    limit.give_back("a")
    limit.give_back("a")
    limit.give_back("a")
    limit.give_back("nobody")
    assert limit.take("a") == 1
    assert limit.take("nobody") == 1


def test_memory_is_bounded() -> None:
    limit = http.RateLimit("test", per_second=1, burst=1)
    for number in range(MOST_BUCKETS + 100):
        limit.take(str(number))
    assert len(limit._buckets) == MOST_BUCKETS


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.1", "10.0.0.1"),
        (1, None, "10.0.0.1", "10.0.0.1"),
        (1, "1.1.1.1", "10.0.0.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "10.0.0.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.1", "10.0.0.1"),
        (1, "1.1.1.1:5555", "10.0.0.1", "1.1.1.1"),
        (1, "[2001:db8::1]:5555", "10.0.0.1", "2001:db8::"),
        (1, "2001:db8::1", "10.0.0.1", "2001:db8::"),
        (1, "2001:db8:0:0:ffff::2", "10.0.0.1", "2001:db8::"),
        (1, "::ffff:1.2.3.4", "10.0.0.1", "1.2.3.4"),
        (1, "garbage", "10.0.0.1", "unknown"),
    ],
)
def test_the_client_is_the_nth_from_the_right(
    proxies: int, forwarded: str | None, peer: str, expected: str
) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {"client": (peer, 1), "headers": headers}
    assert http.client_ip(scope, proxies) == expected


def test_several_headers_count_as_one_list() -> None:
    headers = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1, 2.2.2.2")]
    assert http.client_ip({"client": None, "headers": headers}, 2) == "1.1.1.1"


@pytest.mark.parametrize(
    ("proxies", "seen", "peer", "handed_on"),
    [
        (0, "6.6.6.6", "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "10.0.0.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "10.0.0.1", "1.1.1.1, 10.0.0.2"),
        (2, "1.1.1.1", "10.0.0.1", "10.0.0.1"),
        (1, "g\u00fcrbage", "10.0.0.1", "unknown"),
    ],
)
def test_who_calls_for_a_client_hands_on_what_proxies_saw_and_nothing_else(
    proxies: int, seen: str, peer: str, handed_on: str
) -> None:
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", seen.encode("latin-1"))]}
    assert http.forwarded(scope, proxies) == handed_on


@pytest.mark.asyncio
async def test_answers_tell_what_is_left_and_inventing_addresses_gains_nothing() -> None:
    app = FastAPI()
    settings = Settings(database_url="postgresql://nowhere", trusted_proxies=1)
    http.install(app, settings, CollectorRegistry())
    limit = http.RateLimit("sign-in", per_second=0.1, burst=3)

    @app.get("/", dependencies=[Depends(http.per_ip(limit))])
    async def read() -> str:
        return "ok"

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [
            await client.get("/", headers={"X-Forwarded-For": f"10.9.8.{n}, 1.1.1.1"})
            for n in range(4)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"sign-in";q=3;w=30'
    assert answers[0].headers["ratelimit"] == '"sign-in";r=2;t=10'
    assert answers[3].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 10
