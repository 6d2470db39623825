"""Scripts of conversations: an edit makes a version, and none is ever lost."""

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_contact_center.actions.versioned import Documents
from otklik_contact_center.domain.script.script import MOST_SCRIPTS, Script, check_script
from otklik_contact_center.store.scripts import SCRIPTS
from otklik_contact_center.store.versioned import Kept


class UnknownScript(NotFound):
    """No script of that code, or no such version of it; another company's is answered the same."""

    code = "unknown_script"


class ScriptRetired(Conflict):
    """No checklist is made of it any more."""

    code = "script_retired"


class Scripts(Documents[Script]):
    """Keeps scripts; one that is retired is meant for no contact any more."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, SCRIPTS)

    def check(self, value: Script) -> None:
        """Raises BadScript."""
        check_script(value)

    def check_room(self, used: int) -> None:
        """Raises Unprocessable."""
        if used >= MOST_SCRIPTS:
            raise Unprocessable(
                f"a company has at most {MOST_SCRIPTS} scripts",
                code="too_many_scripts",
                detail_ru=f"скриптов не больше {MOST_SCRIPTS}",
            )

    async def found(
        self, tx: AsyncConnection, tenant: str, code: str, version: int | None = None
    ) -> Kept[Script]:
        """Raises UnknownScript."""
        return await found(tx, tenant, code, version)


async def found(
    tx: AsyncConnection, tenant: str, code: str, version: int | None = None
) -> Kept[Script]:
    """A script. Raises UnknownScript."""
    kept = await SCRIPTS.get(tx, tenant, code, version)
    if kept is None:
        which = code if version is None else f"{code}, version {version}"
        which_ru = code if version is None else f"{code}, версия {version}"
        raise UnknownScript(f"there is no script {which}", detail_ru=f"нет скрипта {which_ru}")
    return kept
