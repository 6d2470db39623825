"""Kafka's clients begin and end in bounded time, and leave nothing behind."""

import asyncio

import pytest

from otklik_common.log import kafka_clients
from otklik_common.log.kafka_clients import end, start


class Client:
    """Its start or its stop never comes to an end, or both do at once."""

    def __init__(self, *, starts: bool = True, stops: bool = True) -> None:
        self._starts = starts
        self._stops = stops
        self.stopped = False
        self.closed = False
        self.client = self

    async def start(self) -> None:
        if not self._starts:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped = True
        if not self._stops:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


@pytest.mark.asyncio
async def test_one_that_does_not_start_in_time_is_ended() -> None:
    client = Client(starts=False)
    with pytest.raises(TimeoutError):
        await start(client, 0.01)
    assert client.stopped


@pytest.mark.asyncio
async def test_one_is_ended_too_if_whoever_started_it_waits_no_longer() -> None:
    client = Client(starts=False)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await start(client, 60)
    assert client.stopped


@pytest.mark.asyncio
async def test_one_that_has_started_goes_on() -> None:
    client = Client()
    await start(client, 60)
    assert not client.stopped


@pytest.mark.asyncio
async def test_of_one_that_does_not_end_the_connections_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_clients, "END_SECONDS", 0.01)
    client = Client(stops=False)
    await end(client)
    assert client.closed
