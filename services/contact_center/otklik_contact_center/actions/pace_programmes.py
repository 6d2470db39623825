"""Pace programmes of a company: declared, changed and ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.directory import Directory, Known
from otklik_common.errors import NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.domain.pace.programme import (
    Programme,
    Terms,
    check_priority,
    edited,
    ended,
)
from otklik_contact_center.store import pace
from otklik_contact_center.store.pace import Kept


class UnknownProgramme(NotFound):
    """No programme of that code; another company's is answered the same."""

    code = "unknown_programme"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a programme is to say, by `terms.since`."""

    terms: Terms
    names: Mapping[str, str]
    about: Mapping[str, str]


def unknown(code: str) -> UnknownProgramme:
    """What is said of a programme that there is not."""
    return UnknownProgramme(
        f"there is no pace programme {code}", detail_ru=f"нет программы темпа {code}"
    )


class PaceProgrammes:
    """Keeps programmes."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory

    async def put(
        self, caller: Caller, code: str, edit: Edit, *, expected: Expected, now: datetime
    ) -> Kept:
        """
        Make a programme, or change it from a moment on; the same again changes nothing.

        Raises:
            Conflict: Another programme has its priority.
            Unprocessable: It cannot be so, or names what there is not.
            PreconditionFailed.
        """
        tenant = caller.tenant
        _check_named(edit.terms, await self._directory.known(tenant))
        async with self._db.begin(tenant) as tx:
            await pace.alone(tx, tenant)
            known = await pace.get(tx, tenant, code)
            expected.check(0 if known is None else known.revision)
            value = edited(
                None if known is None else known.value,
                code,
                edit.terms,
                names=edit.names,
                about=edit.about,
            )
            check_priority(value, await pace.every(tx, tenant))
            return await _put(tx, tenant, known, value, now)

    async def end(self, caller: Caller, code: str, *, expected: Expected, now: datetime) -> None:
        """
        It is for no request that begins from now on. Raises UnknownProgramme, PreconditionFailed.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            await pace.alone(tx, tenant)
            known = await pace.get(tx, tenant, code)
            if known is None:
                raise unknown(code)
            expected.check(known.revision)
            await _put(tx, tenant, known, ended(known.value, now), now)

    async def get(self, tenant: str, code: str) -> Kept:
        """A programme, also one that has ended. Raises UnknownProgramme."""
        async with self._db.begin(tenant) as tx:
            found = await pace.get(tx, tenant, code)
        if found is None:
            raise unknown(code)
        return found

    async def listed(self, tenant: str, part: Part) -> list[Kept]:
        """Programmes by their codes, those that have ended included."""
        async with self._db.begin(tenant) as tx:
            return await pace.listed(tx, tenant, part)


async def _put(
    tx: AsyncConnection, tenant: str, known: Kept | None, value: Programme, now: datetime
) -> Kept:
    if known is not None and known.value == value:
        return known
    kept = Kept(value, 1 if known is None else known.revision + 1)
    await pace.put(tx, tenant, kept, now)
    return kept


def _check_named(terms: Terms, known: Known) -> None:
    _check("branch", "филиала", terms.branches, known.branches)
    _check("branch_group", "группы филиалов", terms.groups, known.groups)
    if known.default_calendar is None and any(step.business for step in terms.steps):
        raise Unprocessable(
            "a step counts business time and there is no calendar: make one, or count elapsed time",
            code="no_calendar",
            detail_ru="шаг считает рабочее время, а календаря нет: заведите его или считайте время"
            " по часам",
        )


def _check(kind: str, kind_ru: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    missing = sorted(set(wanted) - set(known))
    if missing:
        codes = ", ".join(missing)
        raise Unprocessable(
            f"no {kind} has the code {codes}",
            code=f"unknown_{kind}",
            detail_ru=f"нет {kind_ru} с кодом {codes}",
        )
