"""What was known at a moment: whether it is all there, and not too much to look at."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_metrics.domain.limits import MOST_FACTS
from otklik_metrics.domain.refusals import HistoryBehind
from otklik_metrics.store import history
from otklik_metrics.store.history import Between
from otklik_metrics.store.query_facts import Source, count_up_to
from otklik_metrics.store.query_histories import TooManyFactsError


async def check_history(tx: AsyncConnection, as_of: datetime | None) -> None:
    """
    What was known at a moment is all in the history.

    Raises:
        HistoryBehind: More may still be heard of that time.
    """
    until = None if as_of is None else await history.history_until(tx)
    if as_of is not None and (until is None or until < as_of):
        shown = "nothing" if until is None else until.isoformat()
        raise HistoryBehind(
            f"what was known at {as_of.isoformat()} is not all there yet: history reaches {shown}",
            detail_ru=f"известное на {as_of.isoformat()} ещё не собрано: история до {shown}",
            history_until=None if until is None else until.isoformat(),
        )


async def counted(
    tx: AsyncConnection,
    kind: str,
    tenant: str,
    as_of: datetime,
    between: Between | None = None,
    *,
    people: Sequence[str] | None = None,
) -> Source:
    """
    The facts as they were known, once it is clear that there are not too many revisions of them.

    Args:
        between, people: As of `facts_as_of`.
    Raises:
        TooManyFactsError.
    """
    some = history.revisions(kind, tenant, as_of, between, people=people)
    if await count_up_to(tx, some, MOST_FACTS) > MOST_FACTS:
        raise TooManyFactsError(MOST_FACTS)
    return Source(kind, history.facts_as_of(kind, as_of, between, people=people))
