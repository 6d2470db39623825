"""Which phones and mailboxes are the head's."""

from collections.abc import Sequence

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.errors import FieldError, Unprocessable
from otklik_contact_center.domain.head_line import MOST_LINES, line_of
from otklik_contact_center.store.declared import HEAD_LINES


class HeadLines:
    """Reads and writes the list."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory

    async def listed(self, tenant: str) -> list[str]:
        """Those of a company, as they are compared."""
        async with self._db.begin(tenant) as tx:
            return await HEAD_LINES.listed(tx, tenant)

    async def put(self, tenant: str, texts: Sequence[str]) -> list[str]:
        """Have these and no others. Raises Unprocessable for what is no line."""
        assert len(texts) <= MOST_LINES, "routes take no more"
        region = await self._directory.region(tenant)
        lines = [line_of(text, region) for text in texts]
        faults = [
            FieldError(
                f"lines.{at}", "bad_line", "is blank or too long", "пусто или слишком длинно"
            )
            for at, line in enumerate(lines)
            if line is None
        ]
        if faults:
            raise Unprocessable(
                f"{len(faults)} lines are none, the first: {faults[0].field}",
                code="bad_line",
                detail_ru=f"не номера и не адреса: {len(faults)}, первый: {faults[0].field}",
                errors=faults,
            )
        async with self._db.begin(tenant) as tx:
            await HEAD_LINES.put(tx, tenant, [line for line in lines if line is not None])
            return await HEAD_LINES.listed(tx, tenant)
