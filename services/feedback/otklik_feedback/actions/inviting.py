"""Plans at their moment: who is asked, who is not and by which rule, and who is reminded."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.events.envelope import Event
from otklik_common.faults import DEADLOCK, sqlstate_of
from otklik_common.links import link_digest, link_token
from otklik_common.module import Platform, Worker
from otklik_common.stepping import keep_stepping
from otklik_feedback.actions.asking_facts import invitation_event
from otklik_feedback.domain.asking import deciding
from otklik_feedback.domain.asking.deciding import Decision, Invite, Plan, Stop, Wait, Waiting
from otklik_feedback.domain.asking.invitation import (
    Invitation,
    expires_at,
    month_of,
    next_reminder,
    reminded,
)
from otklik_feedback.domain.asking.link import Link, LinkKind
from otklik_feedback.domain.asking.programme import Counted, Programme, reachable
from otklik_feedback.domain.asking.quarantine import Asked, Quarantine, Rule, remembered
from otklik_feedback.domain.facts import next_moment
from otklik_feedback.domain.survey import Survey
from otklik_feedback.store import asked, invitations, links, programmes, surveys
from otklik_feedback.store.asked import Counter, Pseudonym
from otklik_feedback.store.asked import Known as KnownPerson
from otklik_feedback.store.columns import SCHEMA
from otklik_feedback.store.invitations import Kept, Sent
from otklik_feedback.store.links import Kept as KeptLink

INVITING: Final = "feedback.inviting"

AT_ONCE: Final = 1_000
"""Rows of one step."""

TURN: Final = 50
"""Rows decided between two looks at what else there is to do."""

LOOK_SECONDS: Final = 0.5
"""How late somebody may be asked when nothing else is to do."""


def inviting_worker(platform: Platform) -> Worker:
    """Asks people at their moment."""
    inviting = Inviting(
        platform.prompt_database(SCHEMA), platform.directory(SCHEMA), platform.settings.master
    )
    tracked = platform.watchdog.track(INVITING)

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            inviting.step,
            stop,
            idle_seconds=LOOK_SECONDS,
            said="nobody is asked",
            tracked=tracked,
        )

    return Worker(INVITING, run)


@dataclass(frozen=True, slots=True)
class Company:
    """What of a company decides on its invitations."""

    programmes: Mapping[str, Programme]
    rules: Quarantine
    surveys: Mapping[UUID, Survey]
    language: str
    month: str
    ends: Mapping[str, datetime]
    """When links of invitations of now end, by programme."""


@dataclass(slots=True)
class _Batch:
    """What is known and what was decided while due rows are looked at."""

    now: datetime
    companies: Mapping[str, Company]
    people: dict[Pseudonym, KnownPerson]
    waiting: dict[tuple[str, str], dict[UUID, Kept]]
    counters: dict[Counter, int]
    rows: list[Kept] = field(default_factory=list)
    told: dict[Pseudonym, KnownPerson] = field(default_factory=dict)
    links: list[tuple[str, KeptLink, bytes]] = field(default_factory=list)
    facts: list[Event[Any]] = field(default_factory=list)


class Inviting:
    """Looks at whatever is due; any number of them share the rows."""

    def __init__(self, db: Database, directory: Directory, master: bytes) -> None:
        """`master` is what tokens of links are made of."""
        self._db = db
        self._directory = directory
        self._master = master

    async def step(self) -> bool:
        """Some of what is due, in one transaction; False when no more is left."""
        try:
            return await self._step()
        except DBAPIError as broken:
            # People of one batch meet those whom somebody else tells of; nothing is lost.
            if sqlstate_of(broken) != DEADLOCK:
                raise
            return True

    async def _step(self) -> bool:
        async with self._db.begin_as_worker() as tx:
            recorder = await outbox.recorder(tx, None)
            # Locks in this order everywhere: invitations, people, counters, links.
            due = await invitations.due(tx, recorder.now, AT_ONCE)
            if not due:
                return False
            batch = await self._read(tx, due, recorder.now)
            before = dict(batch.counters)
            for place, row in enumerate(sorted(due, key=lambda one: _turn(one, batch.companies))):
                if place % TURN == 0:
                    await asyncio.sleep(0)  # whatever else this process does goes on
                self._look(batch, row)
            await invitations.put(tx, batch.rows)
            await asked.put(tx, batch.told)
            used = [(one, n) for one, n in batch.counters.items() if n != before[one]]
            await asked.count(tx, used)
            await links.add(tx, batch.links)
            await recorder.append(batch.facts)
        return len(due) == AT_ONCE

    async def _read(self, tx: AsyncConnection, due: Sequence[Kept], now: datetime) -> _Batch:
        companies = await self._companies(tx, {row.tenant for row in due}, now)
        who = {Pseudonym(row.tenant, name) for row in due for name in row.identifiers}
        people = await asked.locked(tx, who)
        planned = [row for row in due if row.sent is None]
        named = {
            (row.tenant, row.person)
            for row in planned
            if row.person is not None and _may_be_in_the_way(companies[row.tenant], row)
        }
        waiting = {
            at: {one.id: one for one in rows}
            for at, rows in (await invitations.waiting(tx, named)).items()
        }
        counters = await asked.counters(
            tx,
            {counter for row in planned for _, _, counter in quotas_of(companies[row.tenant], row)},
        )
        return _Batch(now, companies, people, waiting, counters)

    async def _companies(
        self, tx: AsyncConnection, tenants: Collection[str], now: datetime
    ) -> dict[str, Company]:
        found = await programmes.of_companies(tx, tenants)
        rules = await programmes.quarantines_of(tx, tenants)
        companies = {}
        for tenant in sorted(tenants):
            own = found.get(tenant, {})
            asks = await surveys.get(tx, tenant, {one.survey for one in own.values()})
            company = await self._directory.company(tenant)
            zone = "UTC" if company is None else company.timezone
            companies[tenant] = Company(
                own,
                rules.get(tenant, Quarantine()),
                {id_: kept.survey for id_, kept in asks.items()},
                "ru" if company is None else company.language,
                month_of(now, zone),
                {code: expires_at(now, one.expires_days, zone) for code, one in own.items()},
            )
        return companies

    def _look(self, batch: _Batch, row: Kept) -> None:
        if row.sent is not None:
            _remind(batch, row, row.sent)
            return
        company = batch.companies[row.tenant]
        decision = _decided(batch, company, row)
        others = batch.waiting.get((row.tenant, row.person or ""), {})
        if not isinstance(decision, Wait):
            others.pop(row.id, None)
        match decision:
            case Wait(until, _, because):
                changed = replace(row, next_at=until, because=because)
                if row.id in others:
                    others[row.id] = changed
                batch.rows.append(changed)
            case Stop(rule, because):
                batch.rows.append(
                    replace(row, rule=rule, because=because, next_at=None, decided_at=batch.now)
                )
            case Invite():
                self._invite(batch, company, row, decision)

    def _invite(self, batch: _Batch, company: Company, row: Kept, decision: Invite) -> None:
        programme = company.programmes[row.programme]
        survey = company.surveys[programme.survey]
        language = programme.language or company.language
        one = Invitation(
            row.id,
            decision.channels,
            batch.now,
            company.ends[row.programme],
            reminders=programme.reminders,
        )
        kept = replace(
            row,
            sent=Sent(one, survey.id, survey.template.value, language),
            because=None,
            revision=1,
            recorded_at=batch.now,
            decided_at=batch.now,
            next_at=next_reminder(one),
        )
        ask = Asked(row.id, batch.now, survey.template.value, one.channel.value)
        for name in row.identifiers:
            who = Pseudonym(row.tenant, name)
            known = batch.people[who]
            told = KnownPerson(remembered((*known.asked, ask), batch.now), known.opted_out_at)
            batch.people[who] = batch.told[who] = told
        for counted, _, counter in quotas_of(company, row):
            if counted is Counted.INVITATIONS:
                batch.counters[counter] += 1
        link = Link(
            row.id,
            LinkKind.SINGLE if programme.single_use else LinkKind.PERSONAL,
            survey.id,
            language,
            one.expires_at,
            programme=programme.code,
            invited=True,
        )
        digest = link_digest(link_token(self._master, row.tenant, row.id))
        batch.links.append((row.tenant, KeptLink(link, batch.now), digest))
        batch.rows.append(kept)
        batch.facts.append(invitation_event(kept, verb="invited"))


def _turn(row: Kept, companies: Mapping[str, Company]) -> tuple[int, datetime, UUID]:
    """Of two for one person the more important one comes first."""
    programme = companies[row.tenant].programmes.get(row.programme)
    assert row.next_at is not None
    return (0 if programme is None else -programme.priority, row.next_at, row.id)


def _may_be_in_the_way(company: Company, row: Kept) -> bool:
    """Whether a programme of the company is more important than that of a plan."""
    own = company.programmes.get(row.programme)
    least = 0 if own is None else own.priority
    return any(one.active and one.priority > least for one in company.programmes.values())


def _decided(batch: _Batch, company: Company, row: Kept) -> Decision:
    programme = company.programmes.get(row.programme)
    if programme is None:
        return Stop(Rule.PROGRAMME_OFF)
    survey = company.surveys.get(programme.survey)
    if survey is None or not survey.active:
        return Stop(Rule.SURVEY_OFF)
    known = [batch.people[Pseudonym(row.tenant, name)] for name in row.identifiers]
    assert row.next_at is not None
    decision = deciding.decide(
        Plan(row.id, row.tenant, row.person, row.identifiers, row.due_at, row.next_at),
        programme,
        survey.template.value,
        rules=company.rules,
        asked=remembered((one for each in known for one in each.asked), batch.now),
        waiting=_waiting(batch, company, row),
        opted_out=any(each.opted_out_at is not None for each in known),
        now=batch.now,
    )
    if isinstance(decision, Invite) and any(
        batch.counters[counter] >= most for _, most, counter in quotas_of(company, row)
    ):
        return Stop(Rule.QUOTA)
    return decision


def _waiting(batch: _Batch, company: Company, row: Kept) -> Iterable[Waiting]:
    if row.person is None:
        return
    for other in batch.waiting.get((row.tenant, row.person), {}).values():
        programme = company.programmes.get(other.programme)
        survey = None if programme is None else company.surveys.get(programme.survey)
        if programme is None or survey is None or not (programme.active and survey.active):
            continue
        assert other.next_at is not None
        yield Waiting(
            other.id,
            other.next_at,
            programme.priority,
            survey.template.value,
            reachable(programme.channels, other.identifiers),
        )


def _remind(batch: _Batch, row: Kept, sent: Sent) -> None:
    """Whoever does not want to be asked any more is not reminded either."""
    known = [batch.people[Pseudonym(row.tenant, name)] for name in row.identifiers]
    if any(each.opted_out_at is not None for each in known):
        batch.rows.append(replace(row, next_at=None))
        return
    at = next_reminder(sent.invitation)
    if at is None or at > batch.now or batch.now >= sent.invitation.expires_at:
        batch.rows.append(replace(row, next_at=at if at and at > batch.now else None))
        return
    one = reminded(sent.invitation, batch.now)
    kept = replace(
        row,
        sent=replace(sent, invitation=one),
        next_at=next_reminder(one),
        revision=row.revision + 1,
        recorded_at=next_moment(batch.now, row.recorded_at),
    )
    batch.rows.append(kept)
    batch.facts.append(invitation_event(kept, verb="reminded"))


def quotas_of(company: Company, row: Kept) -> Iterable[tuple[Counted, int, Counter]]:
    """What each quota of an invitation's programme counts, how many it allows, and where."""
    programme = company.programmes.get(row.programme)
    if programme is None:
        return
    for quota in programme.quotas:
        key = quota.key(row.dimensions.get("branch"), company.month)
        yield quota.counted, quota.most, Counter(row.tenant, row.programme, key)
