"""A company that imports files, over HTTP and through the worker."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from httpx import AsyncClient, Response

from otklik_common.module import Platform
from otklik_contact_center.actions.imports_work import Importing
from otklik_contact_center.domain import reading_job
from tests.unit.contact_center.mapping_builders import a_mapping_as_json, a_row

IMPORTS = "/contact-center/v1/imports"
CHUNK = reading_job.LEAST_CHUNK


@dataclass
class Office:
    """A company that imports files."""

    tenant: str
    admin: asyncpg.Connection
    client: AsyncClient
    platform: Platform
    mapping: dict[str, Any] = field(default_factory=a_mapping_as_json)

    async def begin(self, data: bytes, **said: Any) -> Response:
        body = {
            "name": "requests.csv",
            "mapping": self.mapping,
            "file_sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "chunk_bytes": CHUNK,
            **said,
        }
        return await self.client.post(IMPORTS, json=body)

    async def send(self, job: dict[str, Any], data: bytes) -> None:
        for number in reversed(job["missing_chunks"]):
            part = data[number * CHUNK : (number + 1) * CHUNK]
            answer = await self.client.put(f"{IMPORTS}/{job['id']}/chunks/{number}", content=part)
            assert answer.status_code == 204, answer.text

    async def ready(self, data: bytes, **said: Any) -> dict[str, Any]:
        """An import whose file has come whole and is to be read."""
        job: dict[str, Any] = (await self.begin(data, **said)).json()
        await self.send(job, data)
        answer = await self.client.post(f"{IMPORTS}/{job['id']}/start")
        assert (answer.status_code, answer.json()["state"]) == (202, "ready"), answer.text
        return job

    async def work(self) -> None:
        """Read what is to be read, of this and other companies."""
        importing = Importing(self.platform)
        while await importing.round(asyncio.Event()):
            pass

    async def done(self, data: bytes, **said: Any) -> dict[str, Any]:
        """An import as it is when it was read."""
        job = await self.ready(data, **said)
        await self.work()
        return await self.get(job)

    async def get(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"{IMPORTS}/{job['id']}")).json()
        return found

    async def refused(self, job: dict[str, Any], limit: int = 2) -> list[tuple[int, str]]:
        rows: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": limit}
        while True:
            answer = await self.client.get(f"{IMPORTS}/{job['id']}/refused", params=params)
            page = answer.json()
            rows += page["items"]
            if page["next_cursor"] is None:
                return [(row["line"], row["code"]) for row in rows]
            params["cursor"] = page["next_cursor"]

    async def inbox(self) -> list[tuple[str, str, bytes]]:
        """What lies in the inbox: source, id, hash."""
        rows = await self.admin.fetch(
            "SELECT source, id, body_hash FROM contact_center.inbox WHERE tenant = $1 ORDER BY 1, 2",
            self.tenant,
        )
        return [tuple(row) for row in rows]


def counts(job: dict[str, Any]) -> tuple[int, ...]:
    """Rows: read, accepted, duplicate, skipped, refused; and new events."""
    names = ("read", "accepted", "duplicate", "skipped", "refused")
    return (*(job[f"rows_{name}"] for name in names), job["events"])


def many(number: int) -> list[list[str]]:
    return [a_row(f"r{n}", closed="" if n % 3 else "2026-03-02 10:00:00") for n in range(number)]
