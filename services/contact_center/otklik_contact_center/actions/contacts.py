"""Reading contacts, with what never leaves this service in the clear for those who may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound
from otklik_common.paging import Part
from otklik_common.pseudonym import Pseudonyms, Sealer, e164
from otklik_contact_center.actions.packing import EVENT
from otklik_contact_center.domain.admission import decode_stored
from otklik_contact_center.domain.contact import fold
from otklik_contact_center.domain.events import Event, place
from otklik_contact_center.store import contacts_read
from otklik_contact_center.store.contacts_read import Kept, Wanted

MOST_SHOWN: Final = 1_000
"""Events of one contact that are shown: the latest."""


class ContactNotFound(NotFound):
    """There is no such contact, or none within reach."""

    code = "contact_not_found"


def not_found(contact: UUID) -> ContactNotFound:
    """What is said of a contact that cannot be seen."""
    return ContactNotFound(f"there is no contact {contact}", detail_ru=f"нет обращения {contact}")


@dataclass(frozen=True, slots=True)
class Means:
    """What reading needs besides the database; `region` is that of phones without a plus."""

    pseudonyms: Pseudonyms
    sealer: Sealer
    region: str = "RU"


@dataclass(frozen=True, slots=True)
class Customer:
    """By what the customer can be known; phones as E.164 where they are sound."""

    phone: str | None = None
    email: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a contact, and when we heard of it."""

    event: Event
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Detail:
    """
    A contact with everything that happened to it.

    Attributes:
        events: The latest, in the order in which they are understood.
        left_out: How many earlier ones there are.
    """

    kept: Kept
    customer: Customer
    events: Sequence[Happened]
    left_out: int


async def list_contacts(db: Database, caller: Caller, wanted: Wanted, part: Part) -> list[Kept]:
    """Contacts within reach, the newest first."""
    async with db.begin(caller.tenant) as tx:
        return await contacts_read.listed(tx, caller.tenant, wanted, caller.branches, part)


async def find_contacts(
    db: Database, means: Means, caller: Caller, customer: Customer, part: Part
) -> list[Kept]:
    """Contacts within reach of whoever is known by any of these, the newest first."""
    identifiers = means.pseudonyms.identifiers(
        caller.tenant,
        phone=customer.phone,
        email=customer.email,
        external_id=customer.external_id,
        region=means.region,
    )
    if not identifiers:
        return []
    async with db.begin(caller.tenant) as tx:
        return await contacts_read.known_by(tx, caller.tenant, identifiers, caller.branches, part)


async def read_contact(db: Database, means: Means, caller: Caller, id_: UUID) -> Detail:
    """A contact by its subject id. Raises ContactNotFound, also when it is out of reach."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        kept = await contacts_read.get(tx, tenant, id_, caller.branches)
        if kept is None:
            raise not_found(id_)
        stored = await contacts_read.events_of(tx, tenant, kept)
    happened = [
        Happened(decode_stored(means.sealer.open(tenant, EVENT, one.body)), one.received_at)
        for one in stored
    ]
    happened.sort(key=lambda one: place(one.event))
    return Detail(
        kept,
        customer=_customer([one.event for one in happened], means.region),
        events=happened[-MOST_SHOWN:],
        left_out=max(0, len(happened) - MOST_SHOWN),
    )


def _customer(events: Sequence[Event], region: str) -> Customer:
    folded = fold(events)
    if folded is None:
        return Customer()
    about = folded.about
    phone = None if about.phone is None else e164(about.phone, region) or about.phone
    return Customer(phone, about.email, about.external_id)
