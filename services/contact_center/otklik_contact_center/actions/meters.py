"""Process metrics of the contact centre; on no registry they cost next to nothing."""

from datetime import UTC, datetime
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_SIZES: Final = (1, 4, 16, 64, 256, 1024, 5000)


class Meters:
    """What pushing and folding show."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        events = Counter(
            "otklik_contact_center_events_total",
            "Events that were pushed, by what became of them",
            ("result",),
            registry=registry,
        )
        self._accepted = events.labels("accepted")
        self._duplicates = events.labels("duplicate")
        self._refused = events.labels("refused")
        self._flush = Histogram(
            "otklik_contact_center_flush_seconds",
            "One group commit of pushed events, all its requests together",
            buckets=_SECONDS,
            registry=registry,
        )
        self._sizes = Histogram(
            "otklik_contact_center_flush_events",
            "Events that share a group commit",
            buckets=_SIZES,
            registry=registry,
        )
        self._folded = Counter(
            "otklik_contact_center_folded_contacts_total",
            "Contacts folded anew",
            registry=registry,
        )
        self._read = Counter(
            "otklik_contact_center_folded_events_total",
            "Events read to fold contacts",
            registry=registry,
        )
        self._fold = Histogram(
            "otklik_contact_center_fold_seconds",
            "One transaction of the folding worker",
            buckets=_SECONDS,
            registry=registry,
        )
        self._parked = Gauge(
            "otklik_contact_center_parked_contacts",
            "Contacts that could not be folded and wait for somebody to look",
            registry=registry,
        )
        self._backlog = Gauge(
            "otklik_contact_center_dirty_rows",
            "Marks of new events that wait to be folded",
            ("lane",),
            registry=registry,
        )
        self._since: dict[str, datetime | None] = {}
        age = Gauge(
            "otklik_contact_center_unfolded_seconds",
            "Age of the oldest mark that waits to be folded, 0 when none does",
            ("lane",),
            registry=registry,
        )
        for lane in ("live", "bulk"):
            # Asked at each scrape: what waits grows older also while nobody looks.
            age.labels(lane).set_function(partial(self._age, lane))

    def flushed(self, *, accepted: int, duplicates: int, refused: int, seconds: float) -> None:
        """A group commit is done."""
        self._accepted.inc(accepted)
        if duplicates:
            self._duplicates.inc(duplicates)
        if refused:
            self._refused.inc(refused)
        self._sizes.observe(accepted + duplicates)
        self._flush.observe(seconds)

    def folded(self, *, contacts: int, events: int, seconds: float) -> None:
        """A transaction of the folding worker is done."""
        self._folded.inc(contacts)
        self._read.inc(events)
        self._fold.observe(seconds)

    def waiting(self, *, live: int, bulk: int, parked: int) -> None:
        """What waits now."""
        self._backlog.labels("live").set(live)
        self._backlog.labels("bulk").set(bulk)
        self._parked.set(parked)

    def oldest(self, *, live: datetime | None, bulk: datetime | None) -> None:
        """Since when the oldest mark of each lane waits; None: none does."""
        self._since = {"live": live, "bulk": bulk}

    def _age(self, lane: str) -> float:
        since = self._since.get(lane)
        return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())


_made: "WeakKeyDictionary[CollectorRegistry, Meters]" = WeakKeyDictionary()


def meters_of(registry: CollectorRegistry) -> Meters:
    """The meters on a registry; it refuses a second metric of one name."""
    made = _made.get(registry)
    if made is None:
        made = _made[registry] = Meters(registry)
    return made
