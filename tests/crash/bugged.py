"""
Runs the product with one fault of ours in it: `python -m tests.crash.bugged NAME -- serve …`.

Each fault replaces a statement or a function of the product before its main begins. A product that
no longer has what is replaced ends here with an error, so that no fault silently does nothing.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final


class Rewritten:
    """The relay's connection, its reading of the outbox said otherwise."""

    def __init__(self, connection: Any, rewrite: Callable[[str], str]) -> None:
        self._connection = connection
        self._rewrite = rewrite
        self.rows: Sequence[Any] = ()

    async def fetch(self, sql: str, *arguments: Any) -> Sequence[Any]:
        """Read the outbox."""
        self.rows = await self._connection.fetch(self._rewrite(sql), *arguments)
        return self.rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def cursor() -> None:
    """The relay reads on from the last id it has seen, instead of from the least there is."""
    from otklik_common.relay import Relay

    genuine: Any = Relay._move
    last = 0

    async def move(self: Relay, connection: Any, *more: Any) -> Any:
        nonlocal last
        by_cursor = f" WHERE id > {last} ORDER BY id"
        reading = Rewritten(connection, lambda sql: replaced(sql, " ORDER BY id", by_cursor))
        done = await genuine(self, reading, *more)
        last = max([last, *(row["id"] for row in reading.rows)])
        return done

    Relay._move = move  # type: ignore[assignment, method-assign]


def skip_locked() -> None:
    """Every relay is active; rows that another has locked are passed over."""
    from otklik_common.relay import Relay

    genuine: Any = Relay._move

    async def is_ours(_: Relay, __: Any) -> bool:
        return True

    async def move(self: Relay, connection: Any, *more: Any) -> Any:
        async with connection.transaction():
            locking = " LIMIT $1 FOR UPDATE SKIP LOCKED"
            reading = Rewritten(connection, lambda sql: replaced(sql, " LIMIT $1", locking))
            return await genuine(self, reading, *more)

    Relay._is_ours = is_ours  # type: ignore[assignment, method-assign]
    Relay._move = move  # type: ignore[assignment, method-assign]


def delete_first() -> None:
    """The outbox is emptied before the log has answered."""
    from otklik_common.relay import Relay

    moving: Any = Relay._move
    sending: Any = Relay._send
    reading: Rewritten | None = None

    async def move(self: Relay, connection: Any, *more: Any) -> Any:
        nonlocal reading
        reading = Rewritten(connection, lambda sql: sql)
        return await moving(self, reading, *more)

    async def send(self: Relay, *more: Any) -> Any:
        assert reading is not None
        await reading.execute(
            f'DELETE FROM "{self._db.schema}".outbox WHERE id = ANY ($1)',
            [row["id"] for row in reading.rows],
        )
        return await sending(self, *more)

    Relay._move = move  # type: ignore[assignment, method-assign]
    Relay._send = send  # type: ignore[assignment, method-assign]


def answer_first() -> None:
    """A push is answered before it is committed."""
    from otklik_contact_center.actions.intake import ALL_NEW, Intake

    genuine: Any = Intake.offer

    def offer(self: Intake, rows: Any, tell: Any, refused: Any = ()) -> None:
        genuine(self, rows, lambda _: None, refused)
        asyncio.get_running_loop().call_soon(tell, ALL_NEW)

    Intake.offer = offer  # type: ignore[method-assign]


def no_row_lock() -> None:
    """Contacts are folded without their rows being locked."""
    from otklik_contact_center.store import folding

    folding._LOCK = replaced(folding._LOCK, "FOR UPDATE OF c SKIP LOCKED", "")


def any_revision() -> None:
    """A fact is replaced by whatever revision comes, be it older."""
    from otklik_metrics.store import facts

    genuine = facts.statement
    newer = "WHERE (known.epoch, known.revision) < (excluded.epoch, excluded.revision)"

    def statement(kind: str, schema: str) -> str:
        return replaced(genuine(kind, schema), newer, "")

    facts.statement = statement  # type: ignore[assignment]


BUGS: Final[Mapping[str, Callable[[], None]]] = {
    bug.__name__: bug
    for bug in (cursor, skip_locked, delete_first, answer_first, no_row_lock, any_revision)
}


def replaced(text: str, old: str, new: str) -> str:
    """`text` with `old` said otherwise, which must be in it once."""
    assert text.count(old) == 1, f"{old!r} is no longer in {text!r}"
    return text.replace(old, new)


def main() -> None:
    """Put the fault in, then run the product's own main with the rest of the command line."""
    name, dashes, *rest = sys.argv[1:]
    assert dashes == "--"
    BUGS[name]()
    sys.argv = ["otklik", *rest]
    from otklik.__main__ import main as product

    product()


if __name__ == "__main__":
    main()
