"""Reading the audit trail."""

from otklik_access.actions.change import Actor, database
from otklik_access.store import audit
from otklik_access.store.audit import Entry
from otklik_common.errors import Forbidden
from otklik_common.module import Platform
from otklik_common.paging import Part


async def page(
    platform: Platform,
    actor: Actor,
    part: Part,
    *,
    object_kind: str | None,
    object_id: str | None,
) -> list[Entry]:
    """Lines of the trail, the newest first. Raises Forbidden for a limited reach."""
    if actor.reach is not None:
        raise Forbidden(
            "this needs reach over the whole company", detail_ru="нужен доступ ко всей компании"
        )
    async with database(platform).begin(actor.tenant) as tx:
        return await audit.page(
            tx, actor.tenant, part, object_kind=object_kind, object_id=object_id
        )
