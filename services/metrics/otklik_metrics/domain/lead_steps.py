"""The steps of requests, and the spans between any two of them."""

from collections.abc import Mapping
from itertools import combinations

LEAD_STEPS: Mapping[str, str] = {
    "created": "created_at",
    "assigned": "assigned_at",
    "attempted": "attempted_at",
    "contacted": "contacted_at",
    "qualified": "qualified_at",
    "showing": "shown_at",
    "deal": "dealt_at",
    "closed": "closed_at",
}
"""When a request came to each step, in the order in which it should."""

PROCESSES: Mapping[str, tuple[str, str]] = {
    f"{first}_to_{then}": (LEAD_STEPS[first], LEAD_STEPS[then])
    for first, then in combinations(LEAD_STEPS, 2)
}
"""Spans between any two steps: the times between which each lies, by name."""
