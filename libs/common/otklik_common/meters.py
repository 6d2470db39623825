"""Process metrics of relays, consumers and pools; on no registry they cost next to nothing."""

from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BATCH_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

WAIT_SECONDS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)

M = TypeVar("M", Counter, Gauge, Histogram)

# A registry refuses a second metric of one name; several loops of a process share theirs.
_made: "WeakKeyDictionary[CollectorRegistry, dict[str, Any]]" = WeakKeyDictionary()


class RelayMeters:
    """What one relay shows. Label `topic`: the services, so five at most."""

    def __init__(self, registry: CollectorRegistry | None, topic: str) -> None:
        by = {"topic": topic}
        self._active = _of(registry, Gauge, "otklik_relay_active", _ACTIVE, by)
        self._rows = _of(registry, Counter, "otklik_relay_facts_total", _FACTS, by)
        self._seconds = _histogram(registry, "otklik_relay_batch_seconds", _RELAYED, by)
        self._troubled = _of(registry, Gauge, "otklik_relay_troubled", _TROUBLED, by)
        self._oldest: datetime | None = None
        age = _of(registry, Gauge, "otklik_relay_oldest_seconds", _OLDEST, by)
        # Asked at each scrape: what waits grows older also while nothing moves.
        age.set_function(lambda: _age(self._oldest))

    def active(self, value: int) -> None:
        """1 while this relay moves facts, 0 while it stands by."""
        self._active.set(value)

    def waiting(self, oldest: datetime | None) -> None:
        """When the oldest row of the outbox was written; None when it is empty."""
        self._oldest = oldest

    def troubled(self, *, value: bool) -> None:
        """Whether the log or the database keeps this relay from its work."""
        self._troubled.set(value)

    def moved(self, rows: int, seconds: float) -> None:
        """A batch was moved."""
        self._rows.inc(rows)
        self._seconds.observe(seconds)


class ConsumerMeters:
    """What one consumer shows. Label `consumer`: its group, of which there are few."""

    def __init__(self, registry: CollectorRegistry | None, group: str) -> None:
        by = {"consumer": group}
        self._lag = _of(registry, Gauge, "otklik_consumer_lag_records", _LAG, by)
        self._troubled = _of(registry, Gauge, "otklik_consumer_troubled", _TROUBLED, by)
        self._newest: datetime | None = None
        self._waiting = 0
        age = _of(registry, Gauge, "otklik_consumer_lag_seconds", _LAG_SECONDS, by)
        age.set_function(lambda: _age(self._newest if self._waiting else None))
        self._seconds = _histogram(registry, "otklik_consumer_batch_seconds", _BATCH, by)
        self._records = _of(registry, Counter, "otklik_consumer_records_total", _RECORDS, by)
        self._dead = _of(registry, Counter, "otklik_consumer_dead_letters_total", _DEAD, by)
        self._progress = _of(registry, Gauge, "otklik_consumer_progress_timestamp", _WHEN, by)

    def lag(self, records: int, newest: datetime | None) -> None:
        """How many records wait, and when the newest one taken in was recorded; None: as before."""
        self._lag.set(records)
        self._waiting = records
        self._newest = newest or self._newest

    def troubled(self, *, value: bool) -> None:
        """Whether the log or the database keeps this consumer from its work."""
        self._troubled.set(value)

    def batch(self, records: int, dead: int, seconds: float) -> None:
        """A batch was committed."""
        self._records.inc(records)
        self._dead.inc(dead)
        self._seconds.observe(seconds)
        self._progress.set_to_current_time()


class PoolMeters:
    """What one pool of connections shows. Labels: the service's schema and the role."""

    def __init__(self, registry: CollectorRegistry | None, schema: str, role: str) -> None:
        by = {"schema": schema, "role": role}
        self._seconds = _of(
            registry, Histogram, "otklik_pool_wait_seconds", _WAITED, by, buckets=WAIT_SECONDS
        )

    def waited(self, seconds: float) -> None:
        """A transaction got its connection."""
        self._seconds.observe(seconds)


def _age(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (datetime.now(UTC) - moment).total_seconds())


def _of(
    registry: CollectorRegistry | None,
    kind: type[M],
    name: str,
    meaning: str,
    labels: dict[str, str],
    **more: Any,
) -> M:
    made = {} if registry is None else _made.setdefault(registry, {})
    if name not in made:
        made[name] = kind(name, meaning, list(labels), registry=registry, **more)
    child: M = made[name].labels(**labels)
    return child


def _histogram(
    registry: CollectorRegistry | None, name: str, meaning: str, labels: dict[str, str]
) -> Histogram:
    return _of(registry, Histogram, name, meaning, labels, buckets=BATCH_SECONDS)


_WAITED = "How long transactions waited for a connection of the pool, new ones included"
_ACTIVE = "1 while this process moves the topic's facts, 0 while it stands by"
_FACTS = "Facts moved from the outbox to the log"
_RELAYED = "Time of one batch from the outbox to the log"
_OLDEST = "Age of the oldest fact that is not on the log"
_TROUBLED = "1 while the log or the database keeps it from its work"
_LAG = "Records on the log that the consumer has not taken in"
_LAG_SECONDS = "Age of the newest record taken in while others wait, 0 when none do"
_BATCH = "Time of one batch, its transaction included"
_RECORDS = "Records taken in"
_DEAD = "Records put among the dead letters"
_WHEN = "When the consumer last got on, in Unix time"
