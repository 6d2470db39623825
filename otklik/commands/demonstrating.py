"""`otklik demo`: tell the simulated agency's life, or take it out again."""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from otklik.client import Client, fail
from otklik.demo.loading import OTHERS, TAKEN_OUT, Position, live, load, somebody_else_pushes

CONTACT_CENTER = "/contact-center/v1/demo"

LOOK_SECONDS = 0.5
STANDS_STILL_SECONDS = 120
"""A removal that has not moved for so long has no worker."""


def run(
    url: str,
    key: str,
    *,
    until: str,
    data: Path | None,
    seed: int,
    live_on: bool,
    as_json: bool,
) -> None:
    """Tell ninety days up to `until`, then go on live."""

    def told(**facts: Any) -> None:
        if as_json:
            print(json.dumps(facts), flush=True)

    try:
        ends = datetime.fromisoformat(until)
    except ValueError:
        fail(f"{until!r} is no RFC 3339 time")
    if ends.tzinfo is None:
        fail(f"{until!r} has no offset from UTC")
    with Client(url, key) as client:
        if data is not None and _was_taken_out(client, data):
            _say(f"demo: {TAKEN_OUT}; delete {Position.file(data)} to tell it again")
            told(loaded=False, reason=TAKEN_OUT)
            return
        if somebody_else_pushes(client):
            _say(f"demo: {OTHERS}; the demo falls silent")
            told(loaded=False, reason=OTHERS)
            return
        teller, _ = load(client, until=ends, folder=data, seed=seed, say=_say)
        if data is not None:
            (data / "demo.loaded").touch()
        told(loaded=True, contacts=teller.offered)
        if live_on:
            live(teller, until=ends, seed=seed, say=_say)


def _was_taken_out(client: Client, data: Path) -> bool:
    """Whether somebody took the demo out after it was last told from this folder."""
    told = Position.file(data)
    if not told.exists():
        return False
    asked_at = client.get(CONTACT_CENTER)["asked_at"]
    return asked_at is not None and (
        datetime.fromisoformat(asked_at).timestamp() > told.stat().st_mtime
    )


def remove(url: str, key: str, *, as_json: bool) -> None:
    """Take everything that the demo pushed out of every service, and wait until it is gone."""
    with Client(url, key) as client:
        # The source goes with this: a demo that is still alive hears of it and falls silent.
        client.call("DELETE", CONTACT_CENTER)
        removed = {
            name: client.call("DELETE", f"/{name}/v1/demo").json()
            for name in ("feedback", "loyalty")
        }
        removed["contact-center"] = _until_gone(client)
        removed["access"] = client.call("DELETE", "/access/v1/demo").json()
    done = (
        "the demo is removed from every service; the numbers follow as soon as metrics has read it"
    )
    print(json.dumps(removed) if as_json else done)


def _until_gone(client: Client) -> Any:
    """Wait for the contact centre's worker; returns what it took out."""
    found = client.get(CONTACT_CENTER)
    moved_at = time.monotonic()
    while found["state"] == "running":
        if time.monotonic() - moved_at > STANDS_STILL_SECONDS:
            fail("the removal stands still: is a worker of contact-center running?")
        time.sleep(LOOK_SECONDS)
        last, found = found, client.get(CONTACT_CENTER)
        if found != last:
            moved_at = time.monotonic()
            _say(f"demo: {found['contacts']} contacts taken out")
    return found


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
