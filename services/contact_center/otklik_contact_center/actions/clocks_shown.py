"""Reading clocks, for those who are to keep promises."""

from typing import Any
from uuid import UUID

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.paging import Part
from otklik_contact_center.actions.contacts import not_found
from otklik_contact_center.store import clocks_read, contacts_read
from otklik_contact_center.store.clocks_read import Kept, Wanted


async def running(db: Database, caller: Caller, wanted: Wanted, part: Part) -> list[Kept]:
    """Clocks that run, of branches within reach."""
    async with db.begin(caller.tenant) as tx:
        return await clocks_read.running(tx, caller.tenant, wanted, caller.branches, part)


async def of_contact(db: Database, caller: Caller, contact: UUID) -> list[Any]:
    """
    All clocks of a contact.

    Raises:
        ContactNotFound: There is no such contact, or none within reach.
    """
    async with db.begin(caller.tenant) as tx:
        if await contacts_read.get(tx, caller.tenant, contact, caller.branches) is None:
            raise not_found(contact)
        return await clocks_read.of_contact(tx, caller.tenant, contact)
