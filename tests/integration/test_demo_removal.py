"""The demo as the command line tells it and takes it out again, over HTTP, workers and all."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from otklik.client import Client
from otklik.commands import demonstrating
from otklik.demo import loading, simulation
from otklik.demo.agency import ZONE
from tests.support.app import Running, running_app
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

ENDS = datetime(2026, 3, 12, tzinfo=ZONE)
METRICS = ("contacts_offered", "contacts_answered", "answers", "purchases", "points_issued")


@dataclass
class Office:
    """A company on a real port."""

    running: Running
    url: str
    key: str

    async def facts(self) -> dict[str, int]:
        """How many facts of each kind count."""
        rows = await self.running.admin.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'void'"
            " AND table_schema = 'metrics' AND table_name LIKE 'facts\\_%'"
        )
        found = {}
        for row in rows:
            name = row["table_name"]
            count = f"SELECT count(*) FROM metrics.{name} WHERE NOT void"
            number = await self.running.admin.fetchval(count)
            if number:
                found[name.removeprefix("facts_")] = number
        return found

    def numbers(self) -> dict[str, float]:
        """What the metrics say of the demo's time."""
        body = {
            "metrics": [{"name": name} for name in METRICS],
            "time": {
                "from": (ENDS - timedelta(days=30)).isoformat(),
                "to": (ENDS + timedelta(days=30)).isoformat(),
                "granularity": "total",
                "timezone": str(ZONE),
            },
        }
        with Client(self.url, self.key) as client:
            [row] = client.post("/metrics/v1/query", body)["rows"]
        return {name: row[name]["value"] for name in METRICS}


@pytest_asyncio.fixture
async def office(postgres: PostgresServer) -> AsyncIterator[Office]:
    """Every service with its workers."""
    async with running_app(postgres, "demo_removal", pool_size=8) as running:
        made = await running.company()
        assert made.key is not None
        server = uvicorn.Server(uvicorn.Config(running.app, lifespan="off", log_config=None))
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port = listening.getsockname()[1]
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            async with running.at_work():
                await running.until_settled()  # the key is known everywhere
                yield Office(running, f"http://127.0.0.1:{port}", made.key)
            server.should_exit = True
            await serving


def run(office: Office, folder: Path) -> None:
    demonstrating.run(
        office.url,
        office.key,
        until=ENDS.isoformat(),
        data=folder,
        seed=1,
        live_on=False,
        as_json=True,
    )


async def test_the_demo_comes_goes_stays_out_and_may_come_again(
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(loading, "DAYS", 5)
    monkeypatch.setattr(simulation, "REQUESTS_A_DAY", 60)
    before = await office.facts()
    await asyncio.to_thread(run, office, tmp_path)
    await office.running.until_settled()
    told = await office.facts()
    assert told.keys() >= {
        "contact",
        "lead",
        "reply",
        "agent_state",
        "answer",
        "purchase",
        "points",
        "review",
        "claim",
        "feedback_clock",
    }
    first = await asyncio.to_thread(office.numbers)
    assert all(first.values()), first

    await asyncio.to_thread(demonstrating.remove, office.url, office.key, as_json=True)
    await office.running.until_settled()
    left = await office.facts()
    assert not left.keys() & {"contact", "lead", "reply", "agent_state", "answer", "case"}
    assert not left.keys() & {"survey", "purchase", "points", "customer"}
    assert not left.keys() & {"review", "claim", "feedback_clock"}
    assert left.get("source", 0) <= before.get("source", 0) + 1  # the default one
    assert not any((await asyncio.to_thread(office.numbers)).values())

    # As at the next start of `otklik up`: what was taken out stays out.
    os.utime(tmp_path / "demo.position", (1, 1))
    await asyncio.to_thread(run, office, tmp_path)
    assert "it was taken out" in capsys.readouterr().err
    assert await office.facts() == left

    (tmp_path / "demo.position").unlink()
    await asyncio.to_thread(run, office, tmp_path)
    await office.running.until_settled()
    assert await office.facts() == told
    assert await asyncio.to_thread(office.numbers) == first


async def test_a_demo_that_lives_falls_silent(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr(loading, "DAYS", 1)
    monkeypatch.setattr(simulation, "REQUESTS_A_DAY", 20)
    said: list[str] = []

    def live() -> None:
        with Client(office.url, office.key) as client:
            teller, _ = loading.load(client, until=ENDS, folder=None, seed=1, say=said.append)
            assert teller.reason_to_end() is None
            said.clear()
            demonstrating.remove(office.url, office.key, as_json=False)
            loading.live(teller, until=ENDS, seed=1, say=said.append)

    await asyncio.to_thread(live)
    assert said == ["demo: it was taken out; the demo falls silent"]


async def test_what_the_company_declares_outlives_the_demos_next_start(
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(loading, "DAYS", 1)
    monkeypatch.setattr(simulation, "REQUESTS_A_DAY", 20)
    attributes, branch = "/contact-center/v1/attributes", "/access/v1/branches/perm"
    survey = "/feedback/v1/surveys/demo-csi"

    def declare_and_tell_again() -> None:
        with Client(office.url, office.key) as client:
            client.call("PUT", attributes, json={"names": ["product"]})
            run(office, tmp_path)
            assert client.get(attributes)["names"] == ["campaign", "product"]
            renamed = {"names": {"ru": "Пермь, Ленина 1", "en": "Perm, Lenin St. 1"}}
            client.call("PUT", branch, json=renamed)
            client.call("PUT", attributes, json={"names": ["product"]})
            title = {"ru": "Наш опрос", "en": "Our survey"}
            read = {"If-Match": client.call("GET", survey).headers["etag"]}
            client.call("PATCH", survey, json={"title": title}, headers=read)
            run(office, tmp_path)
            assert client.get(branch)["names"] == renamed["names"]
            assert client.get(attributes)["names"] == ["product"]
            assert client.get(survey)["title"] == title

    await asyncio.to_thread(declare_and_tell_again)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second == {"loaded": True, "contacts": first["contacts"]}
    assert first["contacts"] > 0


async def test_where_somebody_else_pushes_the_demo_says_nothing_at_all(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"id": "1", "contact": "c", "type": "queued", "channel": "call", "direction": "in"}

    def push_and_tell() -> None:
        with Client(office.url, office.key) as client:
            client.post("/contact-center/v1/events", call | {"at": "2026-03-02T09:14:00Z"})
            run(office, tmp_path)
            assert client.get("/access/v1/branches")["items"] == []
            assert client.get("/contact-center/v1/attributes")["names"] == []

    await asyncio.to_thread(push_and_tell)
    said = capsys.readouterr()
    assert "somebody else pushes; the demo falls silent" in said.err
    assert json.loads(said.out) == {"loaded": False, "reason": "somebody else pushes"}
    assert not (tmp_path / "demo.position").exists()
