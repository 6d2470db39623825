"""Forms by which contacts are evaluated: an edit makes a version, and none is ever lost."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.domain.quality.form import MOST_FORMS, Form, check_form
from otklik_contact_center.store import evaluation_forms
from otklik_contact_center.store.evaluation_forms import Head, Kept


class UnknownForm(NotFound):
    """No form of that code, or no such version of it; another company's is answered the same."""

    code = "unknown_form"


class FormRetired(Conflict):
    """Nothing is evaluated by it any more."""

    code = "form_retired"


class EvaluationForms:
    """Keeps forms."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, caller: Caller, form: Form, *, expected: Expected, now: datetime) -> Kept:
        """
        Make a form, or a new version of it; the same again makes none.

        Raises:
            BadForm, PreconditionFailed: It stays as it was.
            Unprocessable: There are too many.
        """
        check_form(form)
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            head = await evaluation_forms.lock(tx, tenant, form.code, now)
            expected.check(head.revision)
            known = await evaluation_forms.get(tx, tenant, form.code)
            if known is not None and known.value == form and not head.retired:
                return known
            if head.retired and await evaluation_forms.count(tx, tenant) >= MOST_FORMS:
                raise Unprocessable(
                    f"a company has at most {MOST_FORMS} forms",
                    code="too_many_forms",
                    detail_ru=f"форм не больше {MOST_FORMS}",
                )
            version = head.version
            if known is None or known.value != form:
                version += 1
                await evaluation_forms.add(
                    tx, tenant, form, version=version, now=now, by=caller.principal
                )
            await evaluation_forms.put_head(
                tx, tenant, form.code, Head(version, False, head.revision + 1), now
            )
            return await found(tx, tenant, form.code)

    async def get(self, tenant: str, code: str, version: int | None = None) -> Kept:
        """A form, also one that is retired. Raises UnknownForm."""
        async with self._db.begin(tenant) as tx:
            return await found(tx, tenant, code, version)

    async def listed(self, tenant: str, part: Part) -> list[Kept]:
        """Forms that are not retired, by code."""
        async with self._db.begin(tenant) as tx:
            return await evaluation_forms.listed(tx, tenant, part)

    async def retire(self, caller: Caller, code: str, *, expected: Expected, now: datetime) -> None:
        """Evaluate nothing by it any more; what was evaluated by it stays. Raises UnknownForm."""
        async with self._db.begin(caller.tenant) as tx:
            # Locked first: what was read before may be another's former version by now.
            head = await evaluation_forms.lock(tx, caller.tenant, code, now)
            await found(tx, caller.tenant, code)
            expected.check(head.revision)
            if not head.retired:
                gone = Head(head.version, True, head.revision + 1)
                await evaluation_forms.put_head(tx, caller.tenant, code, gone, now)


async def found(tx: AsyncConnection, tenant: str, code: str, version: int | None = None) -> Kept:
    """A form. Raises UnknownForm."""
    kept = await evaluation_forms.get(tx, tenant, code, version)
    if kept is None:
        which = code if version is None else f"{code}, version {version}"
        raise UnknownForm(f"there is no form {which}", detail_ru=f"нет формы {which}")
    return kept


async def found_for_use(tx: AsyncConnection, tenant: str, code: str) -> Kept:
    """The version by which something is evaluated now. Raises UnknownForm, FormRetired."""
    kept = await found(tx, tenant, code)
    if kept.retired:
        raise FormRetired(f"the form {code} is retired", detail_ru=f"форма {code} больше не в ходу")
    return kept
