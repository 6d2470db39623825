"""Nobody's phone, name, e-mail or words stand anywhere in the clear, whatever way they took."""

import asyncio
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from otklik.data import operations_token
from otklik.embedded import EmbeddedPostgres
from tests.support.canary import hits, hits_in_files, hits_in_tables, new_canaries
from tests.support.canary_flows import Flows
from tests.support.deployment import Client, Deployment, one_process
from tests.support.kafka import free_ports
from tests.support.routes_table import QUERY

pytestmark = pytest.mark.system

ALLOWED = {
    "access.api_key.name": "what administrators call a key, shown in their list of keys",
    "loyalty.purchase.attributes": "what sellers add to a purchase; leaves only where declared",
}
"""Columns that hold what somebody wrote in the clear, and why. Nothing of it leaves its service."""

SETTLE_SECONDS = 60


@dataclass
class Collector:
    """An OTLP endpoint that keeps what it is sent."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""
    (port,) = free_ports(1)
    found = Collector(f"http://127.0.0.1:{port}")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_personal_stands_nowhere_in_the_clear() -> None:
    it = new_canaries()
    forms = it.forms()
    with collecting() as traces:
        told = {"OTKLIK_LOG_LEVEL": "DEBUG", "OTKLIK_OTLP_ENDPOINT": traces.url}
        with one_process(told=told) as deployment:
            data = Path(deployment.told["OTKLIK_DATA"])
            adopted = EmbeddedPostgres.start(data)
            adopted.stop()  # or `up` would leave it to us
            admin_url = adopted.admin_url
            client = deployment.client()
            with closing(Flows(deployment.urls["access"], deployment.key, it)) as flows:
                flows.everything()
                check_that_they_got_in(flows)
                until_settled(client, admin_url, flows)
                assert asyncio.run(faults(admin_url, flows)) == [500] * 5
                until_settled(client, admin_url, flows)
            found = [f"scrape: {hit}" for hit in hits(forms, scrapes(deployment, data))]
            in_tables, values = asyncio.run(hits_in_tables(forms, admin_url))
            cluster, personal = asyncio.run(settled(admin_url))
            files = 0
            for folder in {data, cluster}:
                in_files, seen = hits_in_files(forms, folder)
                found += [f"file: {hit}" for hit in in_files]
                files += seen
        # Everything has ended: the last spans are sent, the last lines written.
        said = deployment.processes["up"].said().encode()
        found += [f"log line: {hit}" for hit in hits(forms, said)]
        spans = b"\n".join(traces.bodies)
        found += [f"trace: {hit}" for hit in hits(forms, spans)]
        found += [hit for hit in in_tables if hit.partition(":")[0] not in ALLOWED]
    assert not found, f"{it}\n" + "\n".join(found)
    # The other half of the proof: there was something to find, and where it was looked for.
    assert (values > 1000, files > 5) == (True, True), (values, files)
    assert set(ALLOWED) == {hit.partition(":")[0] for hit in in_tables}, "allowed without need"
    assert said.count(b'"event":"request"') > 100
    assert b'"process":"worker"' in said
    assert b"/feedback/v1/answers/{answer}" in spans
    assert personal > 5


def check_that_they_got_in(flows: Flows) -> None:
    """Good requests were accepted, and nothing of ours broke on bad ones."""
    for flow, statuses in flows.statuses.items():
        most = 499 if any(word in flow for word in ("refused", "malformed", "odd")) else 299
        assert max(statuses) <= most, f"{flow}: {statuses}"


async def faults(admin_url: str, flows: Flows) -> list[int]:
    """What is answered while the tables that a request needs are away."""
    it, found = flows.it, []
    said = {"survey": "s", "at": "2026-03-02T09:00:00Z", "customer": flows.customer}
    asked = QUERY | {"filters": [{"dimension": "agent", "op": "eq", "value": it.phone}]}
    admin = await asyncpg.connect(admin_url)
    for table, method, path, body in (
        (
            "feedback.answers",
            "PUT",
            "/feedback/v1/answers/a-9",
            said | {"values": {"comment": it.text}},
        ),
        ("loyalty.customer", "PUT", f"/loyalty/v1/customers/{it.digits}", {"phone": it.phone}),
        ("access.member", "PUT", "/access/v1/staff/new", {"role": "agent", "name": it.name}),
        (
            "contact_center.inbox",
            "POST",
            "/contact-center/v1/events",
            [flows.event("f-1", text=it.text)],
        ),
        ("metrics.directory", "POST", "/metrics/v1/query", asked),
    ):
        name = table.partition(".")[2]
        await admin.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            if body is asked:
                await asyncio.sleep(2.1)  # the directory is remembered for two seconds
            await asyncio.to_thread(flows.send, "fault", method, path, body)
            found.append(flows.statuses["fault"][-1])
        finally:
            await admin.execute(f"ALTER TABLE {table.partition('.')[0]}.away RENAME TO {name}")
    await admin.close()
    return found


def until_settled(client: Client, admin_url: str, flows: Flows) -> None:
    """Wait until what was sent is folded, read, relayed and counted."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        job = client.ok("GET", flows.job)
        waiting = asyncio.run(outstanding(admin_url))
        if job["state"] == "done" and not waiting:
            break
        assert time.monotonic() < deadline, f"{job} {waiting}"
        time.sleep(0.2)
    assert client.ok("GET", f"{flows.job}/refused")["items"]
    known = client.ok("POST", "/contact-center/v1/contacts:find", json={"phone": flows.it.phone})
    assert len(known["items"]) > 4
    time.sleep(2)  # consumers of the last facts


async def outstanding(admin_url: str) -> list[str]:
    """Tables that still hold something under way."""
    admin = await asyncpg.connect(admin_url)
    tables = [f"{schema}.outbox" for schema in ("access", "contact_center", "feedback", "loyalty")]
    found = [
        table
        for table in (*tables, "contact_center.dirty", "feedback.unread")
        if await admin.fetchval(f"SELECT count(*) FROM {table}")
    ]
    await admin.close()
    return found


def scrapes(deployment: Deployment, data: Path) -> bytes:
    """What Prometheus reads of the process that answers and of the one that works."""
    bearer = {"Authorization": f"Bearer {operations_token(data)}"}
    found = []
    for url in (deployment.urls["access"], f"http://127.0.0.1:{ops_port(deployment)}"):
        answer = httpx.get(f"{url}/metrics", headers=bearer)
        assert answer.status_code == 200, answer.text
        assert b"otklik_" in answer.content
        found.append(answer.content)
    return b"\n".join(found)


def ops_port(deployment: Deployment) -> int:
    """Where the working process tells how it does."""
    running = deployment.processes["up"].running
    assert running is not None
    for child in psutil.Process(running.pid).children():
        command = child.cmdline()
        if "--ops-port" in command:
            return int(command[command.index("--ops-port") + 1])
    raise AssertionError("no process works")


async def settled(admin_url: str) -> tuple[Path, int]:
    """PostgreSQL's own folder with everything on disk, and how many sealed bodies there are."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute("CHECKPOINT")
    folder = await admin.fetchval("SHOW data_directory")
    bodies = await admin.fetchval("SELECT count(*) FROM contact_center.inbox WHERE body <> ''")
    await admin.close()
    return Path(folder), bodies
