"""What contact_center says of contacts, and the subjects that were taken out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_feedback.domain.answer import ContactKnown
from otklik_feedback.store.sets import array, given
from otklik_feedback.store.tables import contact_dims, retired

_COLUMNS = ("tenant", "contact", "epoch", "revision", "dimensions", "identifiers")


@dataclass(frozen=True, slots=True)
class Heard:
    """A contact as one revision of its fact says it is."""

    tenant: str
    contact: UUID
    epoch: int
    revision: int
    known: ContactKnown


async def held(
    tx: AsyncConnection, tenant: str, contacts: Collection[UUID]
) -> dict[UUID, ContactKnown]:
    """
    What is known of contacts; nothing more is learned of them until the end of `tx`.

    One that nobody has heard of yet gets a row too: whoever hears of it must wait for us, and
    then sees the answers that we are about to keep.
    """
    wanted = sorted(set(contacts))
    if not wanted:
        return {}
    found = await _shared(tx, tenant, wanted)
    missing = [contact for contact in wanted if contact not in found]
    if missing:
        rows = [_row(Heard(tenant, contact, 0, 0, ContactKnown())) for contact in missing]
        source = given(contact_dims, _COLUMNS, rows)
        await tx.execute(
            upsert(contact_dims)
            .from_select(list(_COLUMNS), select(*source.c))
            .on_conflict_do_nothing()
        )
        found |= await _shared(tx, tenant, missing)
    return found


async def _shared(
    tx: AsyncConnection, tenant: str, contacts: Collection[UUID]
) -> dict[UUID, ContactKnown]:
    rows = await tx.execute(
        select(contact_dims.c.contact, contact_dims.c.dimensions, contact_dims.c.identifiers)
        .where(
            contact_dims.c.tenant == tenant,
            contact_dims.c.contact == array(contact_dims, "contact", contacts),
        )
        .order_by(contact_dims.c.contact)
        .with_for_update(read=True)
    )
    return {row.contact: ContactKnown(row.dimensions, tuple(row.identifiers)) for row in rows}


async def hear(tx: AsyncConnection, heard: Iterable[Heard]) -> set[tuple[str, UUID]]:
    """Keep what is newer than what is known; returns (tenant, contact) of those."""
    ordered = sorted(heard, key=lambda each: (each.tenant, each.contact))
    source = given(contact_dims, _COLUMNS, [_row(each) for each in ordered])
    new = upsert(contact_dims).from_select(list(_COLUMNS), select(*source.c))
    kept = await tx.execute(
        new.on_conflict_do_update(
            index_elements=[contact_dims.c.tenant, contact_dims.c.contact],
            set_={
                name: new.excluded[name]
                for name in ("epoch", "revision", "dimensions", "identifiers")
            },
            where=tuple_(contact_dims.c.epoch, contact_dims.c.revision)
            < tuple_(new.excluded.epoch, new.excluded.revision),
        ).returning(contact_dims.c.tenant, contact_dims.c.contact)
    )
    return {(row.tenant, row.contact) for row in kept}


def _row(heard: Heard) -> Mapping[str, object]:
    return {
        "tenant": heard.tenant,
        "contact": heard.contact,
        "epoch": heard.epoch,
        "revision": heard.revision,
        "dimensions": dict(heard.known.dimensions),
        "identifiers": list(heard.known.identifiers),
    }


# --- Subjects that were taken out ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Last:
    """The last revision of a subject that was taken out."""

    revision: int
    recorded_at: datetime


async def last_of(tx: AsyncConnection, tenant: str, subjects: Collection[UUID]) -> dict[UUID, Last]:
    """Which of these were taken out before, and where their revisions go on."""
    found = await tx.execute(
        select(retired.c.subject, retired.c.revision, retired.c.recorded_at).where(
            retired.c.tenant == tenant,
            retired.c.subject == array(retired, "subject", subjects),
        )
    )
    return {row.subject: Last(row.revision, row.recorded_at) for row in found}


async def retire(tx: AsyncConnection, tenant: str, last: Mapping[UUID, Last]) -> None:
    """Remember the last revisions of subjects that are being taken out."""
    rows = [
        {
            "tenant": tenant,
            "subject": subject,
            "revision": last[subject].revision,
            "recorded_at": last[subject].recorded_at,
        }
        for subject in sorted(last)
    ]
    source = given(retired, list(rows[0]), rows)
    new = upsert(retired).from_select(list(rows[0]), select(*source.c))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[retired.c.tenant, retired.c.subject],
            set_={name: new.excluded[name] for name in ("revision", "recorded_at")},
        )
    )
