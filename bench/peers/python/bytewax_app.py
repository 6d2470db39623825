"""
A peer of the consumer of facts: bytewax, in memory, one worker.

Each contact remembers what it last was; a change takes the former out of its cell and puts the
latter in. No recovery store and no database: the cells are handed out once, at the end.
"""

import json
import os
from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main
from contact_cells import Fact, count, empty, fact_of, totals

Change = tuple[str, tuple[str | None, int | None, int]]
Keyed = tuple[str, Fact]


def read(message: KafkaSourceMessage[bytes, bytes]) -> Keyed | None:
    """A record's contact and what counts of it."""
    fact = fact_of(orjson.loads(message.value))
    return None if fact is None else (message.key.decode(), fact)


def replace(former: Fact | None, fact: Fact) -> tuple[Fact, list[Change]]:
    """The latter in the former's place; nothing where nothing changed."""
    if former == fact:
        return fact, []
    changes = [(fact[0], (fact[1], fact[2], 1))]
    if former is not None:
        changes.append((former[0], (former[1], former[2], -1)))
    return fact, changes


def add(cell: dict[str, Any], change: tuple[str | None, int | None, int]) -> dict[str, Any]:
    """A cell after a change."""
    count(cell, *change)
    return cell


found: list[tuple[str, dict[str, Any]]] = []
flow = Dataflow("facts")
source = op.input(
    "topic",
    flow,
    KafkaSource([os.environ["BOOTSTRAP"]], [os.environ["TOPIC"]], tail=False, batch_size=5_000),
)
facts = op.filter_map("read", source, read)
changes = op.map("by cell", op.stateful_flat_map("replace", facts, replace), lambda pair: pair[1])
op.output("cells", op.fold_final("count", changes, empty, add), TestingSink(found))

if __name__ == "__main__":
    run_main(flow)
    print(json.dumps(totals([cell for _, cell in found])))
