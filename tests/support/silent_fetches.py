"""A broker's port behind a proxy that can fall silent for those who read, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.support.kafka import free_ports

FETCH: Final = 1
"""Kafka's number of the request that reads records."""


class FetchProxy:
    """Hands on what comes, both ways; a silenced reader waits for its answers for ever."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.broker_port = 0
        self._speaks: dict[asyncio.StreamWriter, asyncio.Event] = {}
        self._readers: set[asyncio.StreamWriter] = set()

    def silence_readers(self) -> int:
        """Answer no connection any more that has fetched so far; how many there are."""
        for client in self._readers:
            self._speaks[client].clear()
        return len(self._readers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        speaks = self._speaks[writer] = asyncio.Event()
        speaks.set()
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self.broker_port)
        answering = asyncio.create_task(self._answer(from_broker, writer, speaks))
        try:
            while True:
                size = await reader.readexactly(4)
                request = await reader.readexactly(int.from_bytes(size, "big"))
                if int.from_bytes(request[:2], "big") == FETCH:
                    self._readers.add(writer)
                to_broker.write(size + request)
        except (asyncio.IncompleteReadError, ConnectionError):
            answering.cancel()
        finally:
            self._readers.discard(writer)
            del self._speaks[writer]
            to_broker.close()
            writer.close()

    async def _answer(
        self, source: asyncio.StreamReader, client: asyncio.StreamWriter, speaks: asyncio.Event
    ) -> None:
        while chunk := await source.read(65536):
            await speaks.wait()
            client.write(chunk)
        client.close()


@asynccontextmanager
async def fetch_proxy() -> AsyncIterator[FetchProxy]:
    """A proxy that listens; tell it the broker's port before anybody connects."""
    (port,) = free_ports(1)
    proxy = FetchProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
