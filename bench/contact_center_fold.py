"""
Folding: events a second from the inbox to contacts, facts and the outbox, durable.

    python -m bench.contact_center_fold [--contacts 30000] [--rounds 3]

The baseline does the same work, one contact in a transaction. Both fold contacts of five events
that came all at once, as after an import or an outage.
"""

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import uvloop

from bench.contact_center_support import (
    TENANT,
    Events,
    connected,
    median,
    prepare,
    running_server,
)
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.settings import Settings
from otklik_contact_center.actions.fold import MOST_MARKS, Folder
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain.admission import LIVE, read_push
from otklik_contact_center.store.folding import Share
from otklik_contact_center.store.inbox import Appender
from otklik_contact_center.workers import HANDS

STEPS = 5
BASELINE_CONTACTS = 1_000


async def fill(settings: Settings, mark: str, contacts: int) -> None:
    """Events of so many contacts, as pushes leave them."""
    db = Database(settings, "contact_center", "pusher")
    packer = Packer(Sealer(settings.master), settings.master)
    events = Events(mark)
    # A contact's events have consecutive numbers, from a multiple of five.
    for _ in range(STEPS - 1):
        events.next()
    now = datetime.now(UTC)
    appender = await Appender.on(await db.connect())
    for _ in range(0, contacts, 1000):
        push = read_push(events.batch(STEPS * 1000), now)
        rows = [
            packer.row(TENANT, f"{TENANT}.default", one, now=now, lane=LIVE)
            for one in push.admitted
        ]
        await appender.append(sorted(rows, key=lambda row: row[:3]))
    await appender.close()


async def fold_all(folder: Folder, most: int, hands: int) -> tuple[int, float]:
    """Contacts folded until nothing waits, and how long that took."""

    async def hand(share: Share) -> int:
        contacts = 0
        while (done := await folder.fold_some(LIVE, most, share)).marks:
            contacts += done.contacts
        return contacts

    began = time.perf_counter()
    contacts = await asyncio.gather(*(hand(Share(number, hands)) for number in range(hands)))
    return sum(contacts), time.perf_counter() - began


async def measure(contacts: int, rounds: int) -> dict[str, Any]:
    """Batches against one contact a transaction, interleaved."""
    with running_server() as url:
        settings, _ = await prepare(url)
        db = Database(settings, "contact_center", "worker")
        api = Database(settings, "contact_center", "api")
        folder = Folder(
            db,
            Directory(api),
            sealer=Sealer(settings.master),
            pseudonyms=Pseudonyms(settings.master),
            meters=Meters(None),
        )
        rates: dict[str, list[float]] = {"ours": [], "baseline": []}
        async with connected(url) as admin:
            for number in range(rounds):
                for name, size, most, hands in (
                    ("baseline", BASELINE_CONTACTS, 1, 1),
                    ("ours", contacts, MOST_MARKS, HANDS),
                ):
                    await fill(settings, f"{name}{number}", size)
                    await admin.execute("CHECKPOINT")
                    folded, seconds = await fold_all(folder, most, hands)
                    assert folded == size, (folded, size)
                    rates[name].append(folded * STEPS / seconds)
                    print(f"round {number} {name:8} {rates[name][-1]:9,.0f} events/s", flush=True)
            facts = await admin.fetchval("SELECT count(*) FROM contact_center.outbox")
        await db.close()
        await api.close()
    ours, baseline = median(rates["ours"]), median(rates["baseline"])
    return {
        "folded_events_per_second": round(ours),
        "baseline_events_per_second": round(baseline),
        "fold_to_baseline": round(ours / baseline, 2),
        "facts": facts,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    measured = uvloop.run(measure(given.contacts, given.rounds))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
