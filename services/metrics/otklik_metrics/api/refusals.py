"""How many questions were refused, and why: a query that pages ask in vain should be seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter

from otklik_common.errors import Refused
from otklik_common.module import Platform

# A registry refuses a second metric of one name.
_made: "WeakKeyDictionary[CollectorRegistry, Counter]" = WeakKeyDictionary()


def refusals(platform: Platform) -> Counter:
    """The counter of this process; asked for at the start, it shows before the first refusal."""
    if platform.registry not in _made:
        _made[platform.registry] = Counter(
            "otklik_metrics_refusals_total",
            "Questions to the query API that were refused, by the code of the refusal",
            ["code"],
            registry=platform.registry,
        )
    return _made[platform.registry]


@contextmanager
def counted_refusals(platform: Platform) -> Iterator[None]:
    """Count the refusal that ends a question, if one does."""
    try:
        yield
    except Refused as no:
        refusals(platform).labels(no.code).inc()
        raise
