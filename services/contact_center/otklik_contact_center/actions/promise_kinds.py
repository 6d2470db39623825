"""What agents of a company may promise."""

from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.domain.promise import MOST_KINDS, Kind
from otklik_contact_center.store import promise_kinds
from otklik_contact_center.store.promise_kinds import KeptKind


class PromiseKindNotFound(NotFound):
    """The company's list has no such kind."""

    code = "promise_kind_not_found"


def not_found(code: str) -> PromiseKindNotFound:
    """What is said of a kind that is not in the list."""
    return PromiseKindNotFound(
        f"there is no kind of promises {code}", detail_ru=f"нет вида обещаний {code}"
    )


async def put(
    db: Database, caller: Caller, kind: Kind, *, expected: Expected, now: datetime
) -> KeptKind:
    """
    Put a kind on the list, or change it.

    Raises:
        PreconditionFailed: It is not as the caller read it.
        Unprocessable: There are too many.
    """
    async with db.begin(caller.tenant) as tx:
        known = await promise_kinds.get(tx, caller.tenant, kind.code, locked=True)
        expected.check(0 if known is None else known.revision)
        if known is not None and known.value == kind:
            return known
        if known is None and await promise_kinds.count(tx, caller.tenant) >= MOST_KINDS:
            raise Unprocessable(
                f"a company has at most {MOST_KINDS} kinds of promises",
                code="too_many_promise_kinds",
                detail_ru=f"видов обещаний не больше {MOST_KINDS}",
            )
        kept = KeptKind(kind, 1 if known is None else known.revision + 1)
        await promise_kinds.put(tx, caller.tenant, kept, now)
    return kept


async def listed(db: Database, caller: Caller, part: Part) -> list[KeptKind]:
    """The list, by code."""
    async with db.begin(caller.tenant) as tx:
        return await promise_kinds.listed(tx, caller.tenant, part)


async def remove(db: Database, caller: Caller, code: str, *, expected: Expected) -> None:
    """
    Take a kind out of the list; what was promised stays promised.

    Raises:
        PromiseKindNotFound, PreconditionFailed.
    """
    async with db.begin(caller.tenant) as tx:
        known = await promise_kinds.get(tx, caller.tenant, code, locked=True)
        if known is None:
            raise not_found(code)
        expected.check(known.revision)
        await promise_kinds.remove(tx, caller.tenant, code)
