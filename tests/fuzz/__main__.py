"""
`python -m tests.fuzz`: every operation of every service against Schemathesis, at length.

Each service is asked in a world of its own: a fresh database with two companies. `--short` is
what the tests run: few requests, and the same each time.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from otklik_common.observability import configure
from tests.fuzz.campaign import AT_LENGTH, PHASES, SHORTLY, Summary, attack
from tests.support.app import settings_of
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.served import serving

SERVICES = ("access", "contact-center", "feedback", "loyalty", "metrics")


def main() -> int:
    """Run; 1 if anything failed."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--examples", type=int, help="of each operation and phase")
    asked.add_argument("--short", action="store_true", help="ask little, and alike each time")
    asked.add_argument("--postgres", help="superuser's address of a server that runs already")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--service", action="append", choices=SERVICES)
    asked.add_argument("--phase", action="append", choices=PHASES)
    asked.add_argument("--answers", action="store_true", help="show the statuses of each operation")
    chosen = asked.parse_args()
    usual = SHORTLY if chosen.short else AT_LENGTH
    manner = replace(
        usual,
        examples=chosen.examples or usual.examples,
        phases=tuple(chosen.phase or usual.phases),
    )
    failed = 0
    with _postgres(chosen.postgres) as postgres:
        configure(
            settings_of(postgres.admin_url).model_copy(update={"log_level": "WARNING"}),
            process="fuzz",
        )
        for service in chosen.service or SERVICES:
            began = time.monotonic()
            with serving(postgres, f"fuzz_{service.replace('-', '_')}") as served:
                summary = attack(
                    served,
                    service,
                    manner,
                    seed=chosen.seed,
                    tell=partial(print, f"{service}:", flush=True),
                )
            print(_told(service, summary, time.monotonic() - began, chosen.answers), flush=True)
            failed += len(summary.problems())
    return 1 if failed else 0


@contextmanager
def _postgres(admin_url: str | None) -> Iterator[PostgresServer]:
    """The server of that address, or one of our own."""
    if admin_url is not None:
        yield PostgresServer(admin_url)
        return
    with running_postgres() as started:
        yield started


def _told(service: str, summary: Summary, seconds: float, answers: bool) -> str:
    lines = [
        f"{service}: {summary.operations} operations, {summary.examples} requests, "
        f"{summary.server_errors} server errors, {len(summary.failures)} failures, "
        f"{len(summary.errors)} errors, {seconds:.0f} s"
    ]
    if answers:
        lines += [
            f"  {name}: {', '.join(f'{status} × {n}' for status, n in sorted(found.items()))}"
            for name, found in sorted(summary.answers.items())
        ]
    return "\n".join([*lines, *(f"- {one}" for one in summary.problems())])


if __name__ == "__main__":
    sys.exit(main())
