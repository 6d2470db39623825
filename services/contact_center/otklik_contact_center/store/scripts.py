"""Scripts of conversations, in all their versions."""

from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.domain.script.script import Meant, Script
from otklik_contact_center.store.script_tables import script, script_version
from otklik_contact_center.store.versioned import Versions

SCRIPTS: Final = Versions(script, script_version, Script)


async def meant(tx: AsyncConnection, tenant: str) -> list[tuple[str, Meant]]:
    """What each script that is not retired is meant for, as it is now."""
    head, version = script, script_version
    rows = (
        select(head.c.code, version.c.body["meant"])
        .join_from(head, version, SCRIPTS.same)
        .where(head.c.tenant == tenant, ~head.c.retired, version.c.version == head.c.version)
    )
    return [(code, msgspec.convert(said or {}, Meant)) for code, said in await tx.execute(rows)]
