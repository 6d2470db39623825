"""`otklik demo`: tell the simulated agency's life, or take it out again."""

import json
import sys
from datetime import datetime
from pathlib import Path

from otklik.client import Client, fail
from otklik.demo.loading import live, load

SERVICES = ("contact-center", "feedback", "loyalty")


def run(url: str, key: str, *, until: str, data: Path | None, seed: int, live_on: bool) -> None:
    """Tell ninety days up to `until`, then go on live."""
    try:
        ends = datetime.fromisoformat(until)
    except ValueError:
        fail(f"{until!r} is no RFC 3339 time")
    if ends.tzinfo is None:
        fail(f"{until!r} has no offset from UTC")
    teller, _ = load(Client(url, key), until=ends, folder=data, seed=seed, say=_say)
    if data is not None:
        (data / "demo.loaded").touch()
    if live_on:
        live(teller, until=ends, seed=seed, say=_say)


def remove(url: str, key: str, *, as_json: bool) -> None:
    """Take everything that the demo pushed out of every service."""
    client = Client(url, key)
    removed = {name: client.call("DELETE", f"/{name}/v1/demo").json() for name in SERVICES}
    client.call("DELETE", "/access/v1/demo")
    print(json.dumps(removed) if as_json else "the demo is removed; numbers follow in a moment")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
