"""
Kill, stop and starve everything under load, then compare all that is left with all that was sent.

    python -m tests.crash run --faults 12 --seed 1
    python -m tests.crash run --bug cursor
    python -m tests.crash bugs --runs 5

Real Kafka and PostgreSQL in folders of their own; needs Java 17 and Maven, as `make test` does.
"""

import json
import logging
import signal
import time
from typing import Annotated

import typer

from tests.crash.bugs import BY_NAME, SEEDED
from tests.crash.checker import Breach
from tests.crash.faults import schedule
from tests.crash.run import Plan, Report, by_target_and_kind, run
from tests.crash.world import Say

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)

Json = Annotated[bool, typer.Option("--json", help="Print the verdict as one JSON object.")]


@app.command("run")
def run_once(
    faults: Annotated[int, typer.Option(min=0, help="How many kills, pauses and starvings.")] = 12,
    seed: Annotated[int, typer.Option(help="Of the schedule and the load.")] = 1,
    every: Annotated[float, typer.Option(help="Seconds between two faults, on average.")] = 3.0,
    seconds: Annotated[float, typer.Option(help="How long to push at least.")] = 0.0,
    rate: Annotated[float, typer.Option(help="Pushes a second, whatever is answered.")] = 25.0,
    bug: Annotated[
        str | None, typer.Option(help=f"Run this fault of ours instead: {', '.join(BY_NAME)}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """
    One run and its verdict; exits with 1 where a promise was broken.

    With --bug the faults and the load are those that show the bug: it must exit with 1.
    """
    if bug is not None and bug not in BY_NAME:
        raise typer.BadParameter(f"no bug {bug!r}; there are {', '.join(BY_NAME)}")
    if bug is None:
        plan = Plan(schedule(faults, seed, every=every), seed, seconds=seconds, rate=rate)
    else:
        plan = BY_NAME[bug].plan(seed)
    say = _teller()
    say(f"seed {seed}, {len(plan.faults)} faults:")
    for fault in plan.faults:
        say(str(fault))
    report = run(plan, say)
    if as_json:
        print(json.dumps(report.as_json()))
    else:
        _print(report)
    raise SystemExit(0 if report.good else 1)


@app.command("bugs")
def run_bugs(
    runs: Annotated[int, typer.Option(min=1, help="Of each bug, each with another seed.")] = 5,
    only: Annotated[str | None, typer.Option(help=f"One of {', '.join(BY_NAME)}.")] = None,
) -> None:
    """
    Run the product with faults of ours in it; exits with 1 if the checker misses one.

    Each run is also made once with the product as it is, and must then be found good.
    """
    failed = 0
    print(f"{'bug':<14}{'must show':<12}{'caught':<8}{'without':<9}{'seconds':<9}found", flush=True)
    for seeded in SEEDED if only is None else [BY_NAME[only]]:
        control = run(seeded.control(1), _quietly)
        typer.echo(f"{seeded.name}: the same run without it: {_found(control)}", err=True)
        reports = []
        for seed in range(1, runs + 1):
            reports.append(run(seeded.plan(seed), _quietly))
            typer.echo(f"{seeded.name}: run {seed}: {_found(reports[-1])}", err=True)
        caught = sum(seeded.caught_by(report) for report in reports)
        failed += runs - caught + (not control.good)
        without = "good" if control.good else _found(control)
        took = sum(report.seconds for report in reports) / runs
        row = f"{seeded.name:<14}{seeded.shows:<12}{f'{caught}/{runs}':<8}{without:<9}{took:<9.0f}"
        print(row + "; ".join(map(_found, reports)), flush=True)
    raise SystemExit(1 if failed else 0)


def _found(report: Report) -> str:
    return " ".join(f"{n} {breach}" for breach, n in sorted(report.verdict.breaches.items())) or "-"


def _quietly(_: str) -> None:
    """Say nothing while it runs."""


def _teller() -> Say:
    began = time.monotonic()

    def say(line: str) -> None:
        typer.echo(f"[{time.monotonic() - began:7.1f}] {line}", err=True)

    return say


def _print(report: Report) -> None:
    verdict = report.verdict
    print(f"\nfaults: {len(report.faults)} in {report.seconds:.0f} s")
    targets: dict[str, list[str]] = {}
    for (target, kind), n in sorted(by_target_and_kind(report.faults)):
        targets.setdefault(target, []).append(f"{n} {kind}")
    for target, kinds in targets.items():
        own = report.own_ends.get(target)
        ended = "" if own is None else f"; ended itself {own} times and was started again"
        print(f"  {target:<10} {', '.join(kinds)}{ended}")
    print(
        f"events: {verdict.acknowledged} acknowledged, {verdict.refused} refused,"
        f" {verdict.unknown} unknown, of which {verdict.became_known} are kept"
    )
    print(
        f"log: {verdict.revisions} revisions of {verdict.subjects} subjects,"
        f" {verdict.repeated} records sent again"
    )
    for found in Breach:
        print(f"{found}: {verdict.breaches[found]}")
        for text in verdict.shown.get(found, []):
            print(f"  {text}")
    drained = "never" if report.drained is None else f"after {report.drained:.1f} s"
    print(f"all counted: {drained}")
    print(f"otklik rebuild --check: {'no difference' if report.recounted else 'differs'}")
    print("every promise was kept" if report.good else "PROMISES WERE BROKEN")


def _end(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Told to end, it ends what it has started.
    signal.signal(signal.SIGTERM, _end)
    # That the broker is away now and then is no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()
