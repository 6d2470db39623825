"""A real HTTP server that keeps recordings."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

LOOPBACK = [ip_network("127.0.0.0/8")]
SOUND = b"RIFF" + bytes(range(256)) * 40


@dataclass
class Asked:
    """A request as the server heard it."""

    path: str
    headers: dict[str, str]


@dataclass
class Shelf:
    """A real HTTP server that keeps recordings; answers by path: status, headers, body."""

    port: int = 0
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def keep(self, path: str, body: bytes = SOUND, status: int = 200, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = status, {"Content-Type": "audio/mpeg", **named}, body
        return self.url(path)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split(" ")[1]
            said = dict(line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in said.items()}
            self.asked.append(Asked(path, headers))
            status, own, body = self.answers.get(path, (404, {"Content-Type": "text/plain"}, b""))
            if "range" in headers and status == 200:
                first, last = headers["range"].removeprefix("bytes=").split("-")
                begin, end = int(first), int(last) if last else len(body) - 1
                own = {**own, "Content-Range": f"bytes {begin}-{end}/{len(body)}"}
                status, body = 206, body[begin : end + 1]
            own = {"Content-Length": str(len(body)), **own, "Connection": "close"}
            lines = "".join(f"{name}: {value}\r\n" for name, value in own.items() if value)
            writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
            writer.write(body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Shelf]:
    shelf = Shelf()
    server = await asyncio.start_server(shelf.answer, "127.0.0.1", 0, ssl=tls)
    shelf.port = server.sockets[0].getsockname()[1]
    async with server:
        yield shelf
