"""
Every benchmark, one after the other, and the page made of their figures.

    make bench [ARGS="--quick --only end_to_end"]
    make bench-peers

Each benchmark runs alone in a process of its own and ends in one JSON object. The figures go to
bench/figures.json and from there into docs/performance.md; those of benchmarks not run stay.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peers import goals

FIGURES = Path(__file__).with_name("figures.json")
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

BENCHMARKS: dict[str, tuple[str, list[str]]] = {
    "contact_center_push": ("Pushes, durable, one API process", ["--seconds", "2"]),
    "contact_center_fold": ("Folding", ["--contacts", "6000", "--rounds", "1"]),
    "metrics_write": ("Facts and rollups from the log", ["--contacts", "10000", "--rounds", "1"]),
    "metrics_query": (
        "Queries over a year",
        ["--events", "1000000", "--fewer", "200000", "--rounds", "6"],
    ),
    "business_time": (
        "Business time beside libraries",
        ["--questions", "2000", "--rounds", "1"],
    ),
    "promises": (
        "Promises: folding with clocks, and a back-test",
        ["--contacts", "2000", "--rounds", "1", "--past", "5000"],
    ),
    "number_leases": (
        "Tracked numbers at 200 requests a second",
        ["--seconds", "3", "--rounds", "1"],
    ),
    "invitations": (
        "Invitations: planned and sent",
        ["--contacts", "5000"],
    ),
    "end_to_end": ("From a push to a number, and memory", ["--seconds", "5"]),
}
"""Module → what it measures, and the arguments of a quick run."""

PEERS: dict[str, tuple[str, list[str]]] = {
    goals.PUSH: ("Single pushes beside other servers", ["--rounds", "1", "--seconds", "2"]),
    goals.RELAY: ("The relay beside other clients", ["--facts", "20000", "--rounds", "1"]),
    goals.CONSUMER: (
        "Counting beside other stream processors",
        ["--contacts", "20000", "--some", "4000", "--rounds", "1"],
    ),
}
"""The same for what needs the peers: `python -m bench.peers setup`."""

TABLE = "<!-- table -->\n"
"""Where the table of goals goes in the text about the peers."""

BESIDE = Path(__file__).parent / "peers" / "README.md"

HEAD = """\
# Performance

Measured, never promised: ratios to a baseline in the same run, medians of interleaved rounds. The
machine is small and shared, so absolute figures move by a factor of two between runs; compare
ratios. Each table names the command that made it; `make bench` makes this page again.

"""


def run(name: str, arguments: list[str]) -> dict[str, Any]:
    """One benchmark; what it says on the way is shown."""
    command = [sys.executable, "-m", f"bench.{name}", *arguments]
    print(f"$ python -m bench.{name} {' '.join(arguments)}", flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if running.returncode != 0:
        raise SystemExit(f"bench.{name} failed with {running.returncode}")
    output = "".join(lines)
    measured: dict[str, Any] = json.loads(
        output[output.rindex("\n{") + 1 if "\n{" in output else 0 :]
    )
    return {
        "command": f"python -m bench.{name} {' '.join(arguments)}".strip(),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "figures": measured,
    }


def page(figures: dict[str, Any]) -> str:
    """The whole page."""
    parts = [HEAD]
    for name, (title, _) in (BENCHMARKS | PEERS).items():
        found = figures.get(name)
        if found is None:
            continue
        if name == next(iter(PEERS)):
            parts += [BESIDE.read_text().replace(TABLE, goals.table(figures)), "\n"]
        parts += [
            f"## {title}\n\n`{found['command']}` · {found['measured_on']} · {found['machine']}\n\n",
            "| figure | value |\n|---|---|\n",
            *(f"| {label} | {value} |\n" for label, value in _flat(found["figures"])),
            "\n",
        ]
    return "".join(parts).rstrip() + "\n"


def _flat(figures: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in figures.items():
        label = f"{before}{name}".replace("_", " ")
        if isinstance(value, dict):
            rows += _flat(value, f"{label}: ")
        else:
            rows.append((label, f"{value:,}" if isinstance(value, int | float) else str(value)))
    return rows


def main() -> None:
    """Run what was asked for, keep the figures, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS | PEERS, help="may be repeated"
    )
    parser.add_argument("--peers", action="store_true", help="what stands beside other programs")
    parser.add_argument("--quick", action="store_true", help="small; the page is left as it is")
    given = parser.parse_args()
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in given.only or (PEERS if given.peers else BENCHMARKS):
        measured = run(name, (BENCHMARKS | PEERS)[name][1] if given.quick else [])
        if not given.quick:
            figures[name] = measured
            FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
            PAGE.write_text(page(figures))


if __name__ == "__main__":
    main()
