"""
A peer of the consumer of facts: quixstreams, exactly once, its state in RocksDB with changelogs.

Each contact remembers what it last was; a change goes, keyed by cell, through a topic of its own,
and is added to the cell's state. No database. It ends when EVENTS records were read and every
change was counted.
"""

import json
import os
from typing import Any

from contact_cells import count, empty, fact_of, totals
from quixstreams import Application, State

wanted = int(os.environ["EVENTS"])
read = sent = counted = 0
known: dict[str, dict[str, Any]] = {}


def replace(event: dict[str, Any], state: State) -> list[dict[str, Any]]:
    """The latter in the former's place; nothing where nothing changed."""
    global read, sent  # noqa: PLW0603 - how far the whole program has come
    read += 1
    fact = fact_of(event)
    former = state.get("fact")
    if fact is None or former == list(fact):
        return []
    state.set("fact", fact)
    changes = [{"cell": fact[0], "change": [fact[1], fact[2], 1]}]
    if former is not None:
        changes.append({"cell": former[0], "change": [former[1], former[2], -1]})
    sent += len(changes)
    return changes


def add(change: dict[str, Any], state: State) -> None:
    """The cell after a change."""
    global counted  # noqa: PLW0603
    cell = state.get("cell") or empty()
    count(cell, *change["change"])
    state.set("cell", cell)
    known[change["cell"]] = cell
    counted += 1
    if read == wanted and counted == sent:
        app.stop()


app = Application(
    os.environ["BOOTSTRAP"],
    consumer_group=os.environ["GROUP"],
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=1.0,
    state_dir=os.environ["STATE"],
    loglevel="ERROR",
    consumer_extra_config={"queued.min.messages": 100_000},
    producer_extra_config={"compression.type": "lz4", "linger.ms": 20},
)
topic = app.topic(os.environ["TOPIC"], key_deserializer="str", value_deserializer="json")
frame = app.dataframe(topic).apply(replace, stateful=True, expand=True)
frame = frame.group_by("cell").update(add, stateful=True)

if __name__ == "__main__":
    app.run()
    print(json.dumps(totals(list(known.values()))))
