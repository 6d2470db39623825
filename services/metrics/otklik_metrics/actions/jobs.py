"""What the metrics of a query read, each reading once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otklik_metrics.domain.frames import TallyFrame
from otklik_metrics.domain.planner import Plan
from otklik_metrics.domain.query import Asked, Query
from otklik_metrics.domain.readings import BUSINESS_OPS, Histories, Op, Sum, Tally


@dataclass(slots=True)
class Job:
    """
    One reading of one kind, and the metrics that are made of it.

    Attributes:
        whole: All that these metrics read: of other kinds too, into the same frame.
    """

    asked: list[Asked]
    whole: Tally
    tally: Tally
    plan: Plan
    frame: TallyFrame

    def sums(self) -> Mapping[str, Sum]:
        """What is read with the pieces of the plan: what is true only now too, if they are facts."""
        return {**self.tally.sums, **self.tally.now} if self.plan.only_facts else self.tally.sums


def jobs_of(query: Query, plan: Callable[[Tally], Plan]) -> list[Job]:
    """The readings of a query's metrics, but for those that look at people one by one."""
    jobs: list[Job] = []
    for asked in query.asked:
        reading = asked.reading
        if isinstance(reading, Histories):
            continue
        known = [job for job in jobs if job.whole == reading]
        for job in known:
            job.asked.append(asked)
        if not known:
            frame = TallyFrame(_ops(reading))
            jobs += [Job([asked], reading, part, plan(part), frame) for part in reading.parts]
    return jobs


def _ops(reading: Tally) -> Mapping[str, Op]:
    ops = {
        name: one.op for part in reading.parts for name, one in {**part.sums, **part.now}.items()
    }
    return ops if reading.business is None else {**ops, **BUSINESS_OPS}


def alike(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that can be done by one select, together."""

    def by(job: Job) -> tuple[Any, ...]:
        return (job.tally.kind, job.tally.time_column, job.plan.pieces, job.tally.anonymous)

    found: dict[tuple[Any, ...], list[Job]] = {}
    for job in jobs:
        found.setdefault(by(job), []).append(job)
    return list(found.values())
