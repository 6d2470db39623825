"""
What bytewax and quixstreams count of a contact, and the cell they count it in.

Runs in the peers' environment, which has nothing of Otklik: only the standard library.
"""

from bisect import bisect_left
from datetime import datetime
from typing import Any

THRESHOLDS_MS = tuple(1000 * n for n in (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300))
QUARTER_SECONDS = 900
LONGEST_MS = 10**12

Fact = tuple[str, str | None, int | None]
"""Cell, outcome (answered, abandoned or None), wait in milliseconds."""


def _bounds() -> list[int]:
    """Bucket 0 holds 0 ms; bucket n ends at 1.02^(n-1) ms, rounded down, as Otklik's own do."""
    bounds, above, below = [0], 1, 1
    while bounds[-1] < LONGEST_MS:
        bounds.append(above // below)
        above, below = above * 51, below * 50
    return bounds


BOUNDS = _bounds()


def fact_of(event: dict[str, Any]) -> Fact | None:
    """What counts of an event; None for a contact that was not offered."""
    data = event["data"]
    offered_at = data.get("offered_at")
    if offered_at is None:
        return None
    quarter = int(datetime.fromisoformat(offered_at).timestamp()) // QUARTER_SECONDS
    cell = f"{event['tenant']}|{data['channel']}|{data.get('branch') or ''}|{quarter}"
    outcome = "answered" if data.get("answered_at") else data.get("outcome")
    return cell, outcome if outcome in ("answered", "abandoned") else None, data.get("waited_ms")


def empty() -> dict[str, Any]:
    """A cell without contacts."""
    none = [0] * len(THRESHOLDS_MS)
    return {
        "offered": 0,
        "answered": 0,
        "abandoned": 0,
        "wait_ms": 0,
        "answered_within": none,
        "abandoned_within": list(none),
        "buckets": {},
    }


def count(cell: dict[str, Any], outcome: str | None, wait: int | None, sign: int) -> None:
    """Add a contact to a cell (sign 1), or take it out again (-1)."""
    cell["offered"] += sign
    if outcome is None:
        return
    cell[outcome] += sign
    if wait is None:
        return
    slot = bisect_left(THRESHOLDS_MS, wait)
    if slot < len(THRESHOLDS_MS):
        cell[f"{outcome}_within"][slot] += sign
    if outcome == "answered":
        cell["wait_ms"] += sign * wait
        # A key of text: state that is kept as JSON has no others.
        bucket = str(bisect_left(BOUNDS, wait))
        cell["buckets"][bucket] = cell["buckets"].get(bucket, 0) + sign


def totals(cells: list[dict[str, Any]]) -> dict[str, int]:
    """What all cells hold together, to be compared with what was put on the topic."""
    return {
        "cells": sum(1 for cell in cells if cell["offered"]),
        "offered": sum(cell["offered"] for cell in cells),
        "answered": sum(cell["answered"] for cell in cells),
        "abandoned": sum(cell["abandoned"] for cell in cells),
        "wait_ms": sum(cell["wait_ms"] for cell in cells),
        "in_20_s": sum(sum(cell["answered_within"][:4]) for cell in cells),
        "buckets": sum(int(b) * n for cell in cells for b, n in cell["buckets"].items()),
    }
