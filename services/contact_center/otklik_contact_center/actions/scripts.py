"""Scripts of conversations: an edit makes a version, and none is ever lost."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.domain.script.script import MOST_SCRIPTS, Script, check_script
from otklik_contact_center.store import scripts
from otklik_contact_center.store.scripts import Head, Kept


class UnknownScript(NotFound):
    """No script of that code, or no such version of it; another company's is answered the same."""

    code = "unknown_script"


class ScriptRetired(Conflict):
    """No checklist is made of it any more."""

    code = "script_retired"


class Scripts:
    """Keeps scripts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(
        self, caller: Caller, value: Script, *, expected: Expected, now: datetime
    ) -> Kept:
        """
        Make a script, or a new version of it; the same again makes none.

        Raises:
            BadScript, PreconditionFailed: It stays as it was.
            Unprocessable: There are too many.
        """
        check_script(value)
        tenant, code = caller.tenant, value.code
        async with self._db.begin(tenant) as tx:
            head = await scripts.lock(tx, tenant, code, now)
            expected.check(head.revision)
            known = await scripts.get(tx, tenant, code)
            if known is not None and known.value == value and not head.retired:
                return known
            if head.retired and await scripts.count_alone(tx, tenant) >= MOST_SCRIPTS:
                raise Unprocessable(
                    f"a company has at most {MOST_SCRIPTS} scripts",
                    code="too_many_scripts",
                    detail_ru=f"скриптов не больше {MOST_SCRIPTS}",
                )
            version = head.version
            if known is None or known.value != value:
                version += 1
                await scripts.add(tx, tenant, value, version=version, now=now, by=caller.principal)
            await scripts.put_head(tx, tenant, code, Head(version, False, head.revision + 1), now)
            return await found(tx, tenant, code)

    async def get(self, tenant: str, code: str, version: int | None = None) -> Kept:
        """A script, also one that is retired. Raises UnknownScript."""
        async with self._db.begin(tenant) as tx:
            return await found(tx, tenant, code, version)

    async def listed(self, tenant: str, part: Part) -> list[Kept]:
        """Scripts that are not retired, by code."""
        async with self._db.begin(tenant) as tx:
            return await scripts.listed(tx, tenant, part)

    async def retire(self, caller: Caller, code: str, *, expected: Expected, now: datetime) -> None:
        """It is meant for no contact any more; checklists made of it stay. Raises UnknownScript."""
        async with self._db.begin(caller.tenant) as tx:
            # Locked first: what was read before may be another's former version by now.
            head = await scripts.lock(tx, caller.tenant, code, now)
            await found(tx, caller.tenant, code)
            expected.check(head.revision)
            if not head.retired:
                gone = Head(head.version, True, head.revision + 1)
                await scripts.put_head(tx, caller.tenant, code, gone, now)


async def found(tx: AsyncConnection, tenant: str, code: str, version: int | None = None) -> Kept:
    """A script. Raises UnknownScript."""
    kept = await scripts.get(tx, tenant, code, version)
    if kept is None:
        which = code if version is None else f"{code}, version {version}"
        which_ru = code if version is None else f"{code}, версия {version}"
        raise UnknownScript(f"there is no script {which}", detail_ru=f"нет скрипта {which_ru}")
    return kept
