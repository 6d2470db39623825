"""Samples of contacts that are to be evaluated, and how far they are."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.errors import FieldError, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_common.pseudonym import derive
from otklik_contact_center.domain.quality.evaluation import State
from otklik_contact_center.domain.quality.sampling import (
    MOST_CONTACTS,
    MOST_RULES,
    Candidate,
    Coverage,
    Rule,
    Week,
    coverage,
    last_week,
    picked,
    week_of,
)
from otklik_contact_center.store import sampling
from otklik_contact_center.store.evaluation_forms import FORMS
from otklik_contact_center.store.sampling import KeptRule, Seen


class UnknownRule(NotFound):
    """No rule of that code; another company's is answered the same."""

    code = "unknown_rule"


@dataclass(frozen=True, slots=True)
class Sample:
    """
    What is to be evaluated of a week, within the caller's reach.

    Attributes:
        final: The week is over: by a number per agent what is picked may change until then.
        wanted: In the order in which they began.
        coverage: By agent.
    """

    rule: Rule
    week: Week
    final: bool
    wanted: Sequence[Seen]
    coverage: Sequence[Coverage]


class Sampling:
    """Keeps rules, and picks contacts by them."""

    def __init__(self, db: Database, directory: Directory, master: bytes) -> None:
        self._db = db
        self._directory = directory
        self._master = master

    async def put(
        self, caller: Caller, rule: Rule, *, expected: Expected, now: datetime
    ) -> KeptRule:
        """
        Make a rule, or change it.

        Raises:
            PreconditionFailed: It stays as it was.
            Unprocessable: There is no such form, or there are too many rules.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            known = await sampling.get(tx, tenant, rule.code, locked=True)
            expected.check(0 if known is None else known.revision)
            if known is not None and known.value == rule:
                return known
            form = await FORMS.get(tx, tenant, rule.form)
            if form is None or form.retired:
                raise _no_form(rule.form)
            if known is None and await sampling.count(tx, tenant) >= MOST_RULES:
                raise Unprocessable(
                    f"a company has at most {MOST_RULES} rules of samples",
                    code="too_many_rules",
                    detail_ru=f"правил выборки не больше {MOST_RULES}",
                )
            kept = KeptRule(rule, 1 if known is None else known.revision + 1)
            await sampling.put(tx, tenant, kept, now)
        return kept

    async def get(self, tenant: str, code: str) -> KeptRule:
        """A rule. Raises UnknownRule."""
        async with self._db.begin(tenant) as tx:
            found = await sampling.get(tx, tenant, code)
        if found is None:
            raise _unknown(code)
        return found

    async def listed(self, tenant: str, part: Part) -> list[KeptRule]:
        """Rules by their codes."""
        async with self._db.begin(tenant) as tx:
            return await sampling.listed(tx, tenant, part)

    async def remove(self, caller: Caller, code: str, *, expected: Expected) -> None:
        """Take a rule out; evaluations stay. Raises UnknownRule, PreconditionFailed."""
        async with self._db.begin(caller.tenant) as tx:
            known = await sampling.get(tx, caller.tenant, code, locked=True)
            if known is None:
                raise _unknown(code)
            expected.check(known.revision)
            await sampling.remove(tx, caller.tenant, code)

    async def sample(self, caller: Caller, code: str, day: date | None, now: datetime) -> Sample:
        """
        What is to be evaluated of the week of a day, of the last that is over if none is named.

        Raises:
            UnknownRule: There is none.
            Unprocessable: The rule looks at too many contacts.
        """
        tenant = caller.tenant
        rule = (await self.get(tenant, code)).value
        company = await self._directory.company(tenant)
        zone = ZoneInfo("UTC" if company is None else company.timezone)
        week = last_week(now, zone) if day is None else week_of(day, zone)
        async with self._db.snapshot(tenant) as tx:
            most = MOST_CONTACTS + 1
            if await sampling.count_seen(tx, tenant, rule, week, most=most) > MOST_CONTACTS:
                raise Unprocessable(
                    f"the rule looks at more than {MOST_CONTACTS:,} contacts of the week: narrow it"
                    " by queue or channel",
                    code="too_many_contacts",
                    detail_ru=f"под правило за неделю попадает больше {MOST_CONTACTS} обращений:"
                    " сузьте его по очереди или каналу",
                )
            seen = await sampling.seen(tx, tenant, rule, week)
        key = derive(self._master, SAMPLE, tenant)
        return await asyncio.to_thread(_sample, caller, rule, week, now, seen, key)


SAMPLE: Final = "evaluation sample"
"""Purpose of the key under which contacts are picked."""


def _sample(
    caller: Caller, rule: Rule, week: Week, now: datetime, seen: Sequence[Seen], key: bytes
) -> Sample:
    # Of all contacts, whoever asks: somebody who sees one branch sees a part of the same sample.
    wanted = picked(rule, key, (Candidate(one.contact, one.agent) for one in seen))
    mine = [one for one in seen if caller.may_see(one.branch)]
    released = {
        one.contact: one.state != State.DRAFT.value for one in mine if one.evaluation is not None
    }
    return Sample(
        rule=rule,
        week=week,
        final=now >= week.ends,
        wanted=[one for one in mine if one.contact in wanted],
        coverage=coverage((Candidate(one.contact, one.agent) for one in mine), wanted, released),
    )


def _no_form(code: str) -> Unprocessable:
    error = FieldError("form", "unknown_form", "names no form in use", "такой формы в ходу нет")
    return Unprocessable(
        f"there is no form {code} in use",
        code="unknown_form",
        detail_ru=f"формы {code} в ходу нет",
        errors=[error],
    )


def _unknown(code: str) -> UnknownRule:
    return UnknownRule(f"there is no rule {code}", detail_ru=f"нет правила {code}")
