"""Programmes of asking and rules of quarantine: what a company declares."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.links import link_digest, link_token
from otklik_common.paging import Part
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.surveys import SurveyNotFound, survey_id
from otklik_feedback.domain.asking.link import Link, LinkKind
from otklik_feedback.domain.asking.programme import (
    MOST_PROGRAMMES,
    AskChannel,
    Programme,
    checked,
)
from otklik_feedback.domain.asking.quarantine import Quarantine
from otklik_feedback.store import invitations, links, programmes, surveys
from otklik_feedback.store.invitations import Kept as KeptInvitation
from otklik_feedback.store.invitations import Tally, Wanted
from otklik_feedback.store.links import Kept as KeptLink
from otklik_feedback.store.programmes import Kept, KeptQuarantine

TEST_LASTS = timedelta(hours=24)


class ProgrammeNotFound(NotFound):
    """No such programme in the company."""

    code = "programme_not_found"


class TooManyProgrammes(Unprocessable):
    """A company has only so many."""

    code = "too_many_programmes"


@dataclass(frozen=True, slots=True)
class Draft:
    """A programme as somebody wants it; `survey` is its id or the company's own one."""

    programme: Programme
    survey: str


async def put_programme(
    db: Database, caller: Caller, draft: Draft, *, expected: Expected, now: datetime
) -> Kept:
    """
    Make a programme, or change it; the same again changes nothing.

    One that is switched on, now or again, begins with what happens from then on.

    Raises:
        BadProgramme, SurveyNotFound, TooManyProgrammes.
        PreconditionFailed: It is not as the caller read it.
    """
    tenant = caller.tenant
    wanted = checked(replace(draft.programme, survey=survey_id(tenant, draft.survey)))
    async with db.begin(tenant) as tx:
        known = await programmes.get(tx, tenant, wanted.code, lock=True)
        expected.check(0 if known is None else known.revision)
        if not await surveys.get(tx, tenant, [wanted.survey]):
            raise SurveyNotFound(
                f"there is no survey {draft.survey[:100]!r}",
                detail_ru=f"опроса {draft.survey[:100]!r} нет",
            )
        if known is None and await programmes.count(tx, tenant) >= MOST_PROGRAMMES:
            raise TooManyProgrammes(
                f"a company has at most {MOST_PROGRAMMES} programmes of asking",
                detail_ru=f"программ опросов не больше {MOST_PROGRAMMES}",
            )
        goes_on = known is not None and known.programme.active
        since = known.programme.since if known is not None and goes_on else now
        wanted = replace(wanted, since=since)
        if known is not None and known.programme == wanted:
            return known
        kept = Kept(wanted, 1 if known is None else known.revision + 1)
        await programmes.put(tx, tenant, kept, now)
    return kept


async def read_programme(db: Database, caller: Caller, code: str) -> Kept:
    """A programme. Raises ProgrammeNotFound."""
    async with db.begin(caller.tenant) as tx:
        kept = await programmes.get(tx, caller.tenant, code)
    if kept is None:
        raise _missing(code)
    return kept


async def list_programmes(db: Database, caller: Caller, wanted: Part) -> list[Kept]:
    """A part of the company's programmes, by code, and one more."""
    async with db.begin(caller.tenant) as tx:
        return await programmes.part(tx, caller.tenant, wanted)


async def read_quarantine(db: Database, caller: Caller) -> KeptQuarantine:
    """The company's rules."""
    async with db.begin(caller.tenant) as tx:
        return await programmes.quarantine(tx, caller.tenant)


async def put_quarantine(
    db: Database, caller: Caller, rules: Quarantine, *, expected: Expected, now: datetime
) -> KeptQuarantine:
    """
    Change the company's rules; they hold for every invitation that is decided from now on.

    Raises:
        PreconditionFailed: They are not as the caller read them.
    """
    async with db.begin(caller.tenant) as tx:
        known = await programmes.quarantine(tx, caller.tenant, lock=True)
        expected.check(known.revision)
        if known.revision and known.rules == rules:
            return known
        kept = KeptQuarantine(rules, known.revision + 1)
        await programmes.put_quarantine(tx, caller.tenant, kept, now)
    return kept


@dataclass(frozen=True, slots=True)
class TestSend:
    """What somebody would get, and a link that may be tried; it is counted nowhere."""

    token: str
    link: Link
    channels: tuple[AskChannel, ...]


async def test_programme(
    db: Database, means: Means, caller: Caller, code: str, *, language: str, now: datetime
) -> TestSend:
    """A link for oneself: what is answered by it is looked at and kept nowhere."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        kept = await programmes.get(tx, tenant, code)
        if kept is None:
            raise _missing(code)
        programme = kept.programme
        link = Link(
            uuid4(),
            LinkKind.PERSONAL,
            programme.survey,
            programme.language or language,
            now + TEST_LASTS,
            test=True,
            programme=code,
        )
        token = link_token(means.master, tenant, link.id)
        await links.add(tx, [(tenant, KeptLink(link, now), link_digest(token))])
    return TestSend(token, link, programme.channels)


# --- What became of it --------------------------------------------------------------------------


async def list_invitations(
    db: Database, caller: Caller, wanted: Wanted, page: Part
) -> list[KeptInvitation]:
    """A part of a programme's invitations within reach, the first due first, and one more."""
    within = replace(wanted, branches=caller.branches)
    async with db.begin(caller.tenant) as tx:
        if await programmes.get(tx, caller.tenant, wanted.programme) is None:
            raise _missing(wanted.programme)
        return await invitations.part(tx, caller.tenant, within, page)


async def count_invitations(db: Database, caller: Caller, wanted: Wanted) -> list[Tally]:
    """A programme's invitations within reach, by state and rule."""
    within = replace(wanted, branches=caller.branches)
    async with db.begin(caller.tenant) as tx:
        if await programmes.get(tx, caller.tenant, wanted.programme) is None:
            raise _missing(wanted.programme)
        return await invitations.tallies(tx, caller.tenant, within)


def _missing(code: str) -> ProgrammeNotFound:
    return ProgrammeNotFound(
        f"there is no programme {code[:100]!r}", detail_ru=f"программы {code[:100]!r} нет"
    )
