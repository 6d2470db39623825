"""
Invitations: how long it takes to plan and to send as many as a large company has in a day.

    python -m bench.invitations [--contacts 100000] [--workers 1]

Contacts that have just ended, each of another person, come in batches as the consumer gets them, and
become plans under one programme; then everything is due at once. Quarantine, sample, quota, link and
fact of each are decided and written, fsync on.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uvloop

from bench.contact_center_support import MASTER, TENANT, connected, running_server
from otklik_common.events.access import Company
from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.ids import contact_subject, source_subject
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.reading import ReadEvent
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_feedback.actions.inviting import Inviting
from otklik_feedback.actions.planning import PlanAsking
from otklik_feedback.domain.asking.programme import AskChannel, Counted, Programme, Quota, Trigger
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.templates import QUESTIONS, Template
from otklik_feedback.module import MODULE
from otklik_feedback.store import programmes, surveys

BATCH = 5_000
"""Records that a consumer takes at once."""

SOURCE = f"{TENANT}.default"


def ended(number: int, now: datetime) -> ReadEvent:
    """The fact of a call that has just ended."""
    contact = Contact(
        source=source_subject(TENANT, SOURCE),
        channel=Channel.CALL,
        direction=Direction.IN,
        branch=f"b{number % 50}",
        identifiers=(f"ph1_{number:032}", f"em1_{number:032}"),
        ended_at=now,
    )
    return ReadEvent(
        tenant=TENANT,
        kind="contact",
        verb="ended",
        version=1,
        subject=contact_subject(TENANT, SOURCE, f"c-{number}"),
        epoch=1,
        revision=5,
        void=False,
        time=now,
        recorded_at=now,
        raw=contact.model_dump_json().encode(),
        topic="otklik.contact-center",
        partition=0,
        offset=number,
    )


def batches(contacts: int, now: datetime) -> Iterator[list[ReadEvent]]:
    """The calls as the consumer gets them."""
    for first in range(0, contacts, BATCH):
        yield [ended(number, now) for number in range(first, min(first + BATCH, contacts))]


async def declare(platform: Platform, now: datetime) -> None:
    """One survey and one programme."""
    survey = Survey(
        UUID(int=1), "nps", Template.NPS, Words("Опрос", "Survey"), QUESTIONS[Template.NPS], now
    )
    programme = Programme(
        "after-call",
        survey.id,
        Trigger.CONTACT_ENDED,
        (AskChannel.SMS, AskChannel.EMAIL),
        now - timedelta(hours=1),
        quotas=(Quota(Counted.INVITATIONS, 10_000_000, by_branch=True, monthly=True),),
    )
    async with platform.database("feedback", "api").begin(TENANT) as tx:
        await surveys.add(tx, TENANT, surveys.Kept(survey, now), sender="bench")
        await programmes.put(tx, TENANT, programmes.Kept(programme, 1), now)


async def measure(contacts: int, workers: int) -> dict[str, Any]:
    """Seconds of planning and of sending."""
    with running_server() as url:
        settings = Settings(
            database_url=url, admin_database_url=url, master_key=MASTER, environment="test"
        )
        await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
        async with connected(url) as admin:
            company = Company(timezone="Europe/Moscow", created_at=datetime.now(UTC))
            await admin.execute(
                "INSERT INTO feedback.directory (tenant, kind, subject, code, revision, epoch,"
                " void, data) VALUES ($1, 'company', $2, NULL, 1, 1, false, $3::text::jsonb)",
                TENANT,
                UUID(int=3),
                company.model_dump_json(),
            )
        platform = make_platform(settings)
        now = datetime.now(UTC)
        await declare(platform, now)
        directory, db = platform.directory("feedback"), platform.database("feedback", "worker")
        planner = PlanAsking(directory)
        began, used = time.monotonic(), -time.process_time()
        for batch in batches(contacts, now):
            async with db.begin_as_worker() as tx:
                await planner.apply(tx, batch)
        planned = time.monotonic() - began

        async def invite() -> None:
            one = Inviting(db, directory, settings.master)
            while await one.step():
                pass

        began = time.monotonic()
        await asyncio.gather(*(invite() for _ in range(workers)))
        sent = time.monotonic() - began
        used += time.process_time()
        async with connected(url) as admin:
            told = await admin.fetchval("SELECT count(*) FROM feedback.outbox")
        await platform.close()
    return {
        "contacts": contacts,
        "workers": workers,
        "invitations told": told,
        "planning seconds": round(planned, 1),
        "sending seconds": round(sent, 1),
        "together seconds": round(planned + sent, 1),
        "processor seconds of this process": round(used, 1),
        "together per second": round(contacts / (planned + sent)),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(uvloop.run(measure(given.contacts, given.workers)), indent=2))


if __name__ == "__main__":
    main()
