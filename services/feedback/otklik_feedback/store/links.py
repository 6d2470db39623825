"""Links to surveys: found by the hash of their token, spent by a row that no two can have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_feedback.domain.asking.link import Link, LinkKind
from otklik_feedback.store.asking_tables import link_uses, links
from otklik_feedback.store.sets import add as add_rows
from otklik_feedback.store.tables import answers


@dataclass(frozen=True, slots=True)
class Kept:
    """A link, the company's own name of it, and when it was made."""

    link: Link
    made_at: datetime
    reference: str | None = None


_CHANGING: Final = ("expires_at", "most", "withdrawn", "body")


async def add(tx: AsyncConnection, new: Sequence[tuple[str, Kept, bytes]]) -> None:
    """Keep new links of companies, each with the hash of its token."""
    await add_rows(tx, links, [_row(*one) for one in new])


async def put(tx: AsyncConnection, tenant: str, kept: Kept, digest: bytes) -> None:
    """Write a link, new or locked."""
    new = upsert(links).values(_row(tenant, kept, digest))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[links.c.tenant, links.c.id],
            set_={name: new.excluded[name] for name in _CHANGING},
        )
    )


async def get(tx: AsyncConnection, tenant: str, id_: UUID, *, lock: bool = False) -> Kept | None:
    """A link by its id."""
    rows = select(links).where(links.c.tenant == tenant, links.c.id == id_)
    row = (await tx.execute(rows.with_for_update() if lock else rows)).one_or_none()
    return None if row is None else _kept(row)


async def of_token(
    tx: AsyncConnection, tenant: str, digest: bytes, *, lock: bool = False
) -> Link | None:
    """A link by the hash of its token; with `lock` ours until the end of `tx`."""
    rows = select(links).where(links.c.tenant == tenant, links.c.digest == digest)
    row = (await tx.execute(rows.with_for_update() if lock else rows)).one_or_none()
    return None if row is None else _kept(row).link


async def part(tx: AsyncConnection, tenant: str, wanted: Part) -> list[Kept]:
    """A part of the links that were made by hand, the oldest first, and one more."""
    rows = select(links).where(links.c.tenant == tenant, ~links.c.invited, ~links.c.test)
    order = (links.c.made_at, links.c.id)
    return [_kept(row) for row in await tx.execute(keyset(rows, wanted, order=order))]


async def spent_by(tx: AsyncConnection, tenant: str, link: UUID, answer: UUID) -> bool:
    """Whether a complete answer of that id has come by a link."""
    rows = select(link_uses.c.place).where(
        link_uses.c.tenant == tenant, link_uses.c.link == link, link_uses.c.answer == answer
    )
    return (await tx.execute(rows)).first() is not None


async def spend(tx: AsyncConnection, tenant: str, link: Link, answer: UUID, at: datetime) -> bool:
    """
    Count a complete answer towards a locked link; False if the link has no place left.

    The key of the uses and the checks of the link are what holds, whoever comes here how.
    """
    used = await tx.execute(
        update(links)
        .values(used=links.c.used + 1)
        .where(
            links.c.tenant == tenant,
            links.c.id == link.id,
            (links.c.most.is_(None)) | (links.c.used < links.c.most),
            (links.c.kind == LinkKind.ANONYMOUS.value) | (links.c.used < 1),
        )
        .returning(links.c.used)
    )
    place = used.scalar_one_or_none()
    if place is None:
        return False
    row = {"tenant": tenant, "link": link.id, "place": place, "answer": answer, "at": at}
    added = await tx.execute(
        upsert(link_uses).values(row).on_conflict_do_nothing().returning(link_uses.c.place)
    )
    return added.one_or_none() is not None


async def digest_of_answer(tx: AsyncConnection, tenant: str, answer: UUID) -> bytes | None:
    """What makes the present body of an answer the same as another; None if there is none."""
    rows = select(answers.c.digest).where(answers.c.tenant == tenant, answers.c.id == answer)
    found: bytes | None = (await tx.execute(rows)).scalar_one_or_none()
    return found


def _row(tenant: str, kept: Kept, digest: bytes) -> dict[str, Any]:
    link = kept.link
    return {
        "tenant": tenant,
        "id": link.id,
        "reference": kept.reference,
        "digest": digest,
        "kind": link.kind.value,
        "survey": link.survey,
        "programme": link.programme,
        "invited": link.invited,
        "test": link.test,
        "expires_at": link.expires_at,
        "most": link.most,
        "used": link.used,
        "withdrawn": link.withdrawn,
        "made_at": kept.made_at,
        "body": {
            "language": link.language,
            "identifiers": list(link.identifiers),
            "branch": link.branch,
            "touchpoint": link.touchpoint,
        },
    }


def _kept(row: Any) -> Kept:
    return Kept(
        Link(
            id=row.id,
            kind=LinkKind(row.kind),
            survey=row.survey,
            language=row.body["language"],
            expires_at=row.expires_at,
            most=row.most,
            used=row.used,
            withdrawn=row.withdrawn,
            test=row.test,
            programme=row.programme,
            invited=row.invited,
            identifiers=tuple(row.body["identifiers"]),
            branch=row.body["branch"],
            touchpoint=row.body["touchpoint"],
        ),
        row.made_at,
        row.reference,
    )
