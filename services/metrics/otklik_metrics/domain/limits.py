"""How much a query may ask, read and answer; each limit has its stated refusal."""

from typing import Final

MOST_METRICS: Final = 20
MOST_GROUP_BY: Final = 4
MOST_FILTERS: Final = 20
MOST_VALUES: Final = 200
MOST_BUCKETS: Final = 10_000
MOST_CELLS: Final = 100_000
MOST_READ: Final = 100_000
"""Groups × buckets that one select may read, before the top ones are chosen."""
MOST_TAKEN: Final = 400_000
"""The same for a whole query, counted once for each metric that takes numbers from them."""
MOST_FACTS: Final = 5_000_000
"""Facts that one select may look at in the database."""
MOST_SPANS: Final = 2_000_000
"""Spans that a query may read one by one, where some of them go on."""
MOST_HISTORIES: Final = 500_000
"""Facts that a query may read person by person."""
MANY_CELLS: Final = 1_000
"""Buckets × metrics of a query by group, from which on it waits for its turn."""
MANY_UNITS: Final = 1_000
"""Units (branches, teams, agents) compared at once; more wait for their turn."""
HEAVY_AT_ONCE: Final = 2
"""Heavy queries that one process reads at once: together they bound its memory."""
DEADLINE_SECONDS: Final = 30
"""How long an answer may take, its turn included."""
