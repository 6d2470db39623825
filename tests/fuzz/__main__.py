"""
`python -m tests.fuzz`: every operation of every service against Schemathesis, at length.

Each service is asked in a world of its own: a fresh database with two companies.
"""

import argparse
import logging
import sys
import time
from functools import partial

from tests.fuzz.campaign import PHASES, Summary, attack
from tests.support.postgres import running_postgres
from tests.support.served import serving

SERVICES = ("access", "contact-center", "feedback", "loyalty", "metrics")


def main() -> int:
    """Run; 1 if anything failed."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--examples", type=int, default=200, help="of each operation and phase")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--service", action="append", choices=SERVICES)
    asked.add_argument("--phase", action="append", choices=PHASES)
    asked.add_argument("--answers", action="store_true", help="show the statuses of each operation")
    chosen = asked.parse_args()
    logging.disable(logging.INFO)
    failed = 0
    with running_postgres() as postgres:
        for service in chosen.service or SERVICES:
            began = time.monotonic()
            with serving(postgres, f"fuzz_{service.replace('-', '_')}") as served:
                summary = attack(
                    served,
                    service,
                    examples=chosen.examples,
                    seed=chosen.seed,
                    phases=chosen.phase or PHASES,
                    tell=partial(print, f"{service}:", flush=True),
                )
            print(_told(service, summary, time.monotonic() - began, chosen.answers), flush=True)
            failed += len(summary.problems())
    return 1 if failed else 0


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
