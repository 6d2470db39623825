"""Seeded bugs, each with the load and the faults under which it shows in every run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.crash.checker import Breach
from tests.crash.faults import API, KAFKA, METRICS, POSTGRES, WORKERS, Fault, Kind
from tests.crash.run import Plan, Report
from tests.crash.world import Armed

FIRST, SECOND = WORKERS


@dataclass(frozen=True)
class Seeded:
    """
    A bug and the run that shows it.

    Attributes:
        shows: What is promised to be found; more may be.
        why: Why it shows in every run.
        armed: Where the bug is, and the named places that make room for it.
        rights: What the database must permit besides, since the product's roles may not do it.
    """

    name: str
    shows: Breach
    why: str
    armed: Mapping[str, Armed]
    faults: Sequence[Fault] = ()
    rights: Sequence[str] = ()

    def plan(self, seed: int) -> Plan:
        """Its run: few calls with many events, pushed by many at once."""
        return Plan(
            faults=self.faults,
            seed=seed,
            seconds=8.0,
            rate=40.0,
            transfers=8,
            share_of_new=0.15,
            armed=self.armed,
            rights=self.rights,
            patience=30.0,
        )

    def control(self, seed: int) -> Plan:
        """The same run of the product as it is; the named places still make room."""
        armed = {role: replace(one, bug=None) for role, one in self.armed.items()}
        return replace(self.plan(seed), armed=armed)

    def caught_by(self, report: Report) -> bool:
        """Whether the checker found what this bug does."""
        return self.shows in report.verdict.breaches


SEEDED: Final = (
    Seeded(
        "cursor",
        Breach.LOST,
        "one worker's folds stand still for a fifth of a second between their outbox rows and"
        " their commit, so the other's higher ids are committed and sent first",
        {
            FIRST: Armed("cursor", "fold.folded=sleep:0.2"),
            SECOND: Armed("cursor"),
        },
    ),
    Seeded(
        "skip_locked",
        Breach.REORDERED,
        "one of two active relays stands still between reading and sending; the other sends what"
        " was folded of the same calls meanwhile",
        {
            FIRST: Armed("skip_locked", "relay.taken=sleep:0.5"),
            SECOND: Armed("skip_locked"),
        },
        rights=("GRANT UPDATE ON contact_center.outbox TO otklik_contact_center_worker",),
    ),
    Seeded(
        "delete_first",
        Breach.LOST,
        "the broker is killed under load, then both workers before it is back: the batch that was"
        " deleted was never answered; standing still before it is sent makes it a large one; and"
        " once more, since at the first time none may be under way",
        dict.fromkeys(WORKERS, Armed("delete_first", "relay.taken=sleep:0.3")),
        (
            Fault(3.0, KAFKA, Kind.KILL),
            Fault(4.0, FIRST, Kind.KILL),
            Fault(4.0, SECOND, Kind.KILL),
            Fault(12.0, KAFKA, Kind.KILL),
            Fault(13.0, FIRST, Kind.KILL),
            Fault(13.0, SECOND, Kind.KILL),
        ),
    ),
    Seeded(
        "answer_first",
        Breach.LOST,
        "nearly all the time the API stands still with requests that were answered and not appended:"
        " it is killed there",
        {API: Armed("answer_first", "intake.before_flush=sleep:0.3")},
        (Fault(3.0, API, Kind.KILL), Fault(6.0, API, Kind.KILL)),
    ),
    Seeded(
        "no_row_lock",
        Breach.DIFFERENT,
        "one worker's folds stand still before their commit; the other folds newer events of the"
        " same calls from the same revision, so two states have one number",
        {
            FIRST: Armed("no_row_lock", "fold.folded=sleep:0.1"),
            SECOND: Armed("no_row_lock"),
        },
    ),
    Seeded(
        "any_revision",
        Breach.LOST,
        "relays stand still between reading and sending, and lose their sessions meanwhile: the"
        " standby sends the same rows and newer ones, then the first sends the old ones again",
        {
            **dict.fromkeys(METRICS, Armed("any_revision")),
            **dict.fromkeys(WORKERS, Armed(failpoints="relay.taken=sleep:4@3")),
        },
        tuple(Fault(at, POSTGRES, Kind.CUT) for at in (4.0, 7.0, 10.0, 13.0)),
    ),
)
BY_NAME: Final[Mapping[str, Seeded]] = {seeded.name: seeded for seeded in SEEDED}
