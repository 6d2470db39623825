"""What an alert consists of; how Prometheus and the runbook write it down is elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from otklik_metrics.domain.dimensions import Text


class Severity(StrEnum):
    """Who is called, and when."""

    CRITICAL = "critical"
    """Now, at night as well: customers or their data are touched."""
    WARNING = "warning"
    """On the working day."""


@dataclass(frozen=True, slots=True)
class Condition:
    """
    A number that must not be so.

    Attributes:
        value: PromQL that always has an answer while the thing it watches is there. So an alert
            whose metric was renamed is found by asking for this alone. In brackets, if it has an
            operator that binds less than a comparison.
        bound: `> 10`
    """

    value: str
    bound: str


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One alert.

    Attributes:
        when: All must hold; the first gives the alert its value and labels, the others are joined
            by the labels they share with it.
        lasts: How long, before somebody is called: `2m`.
        summary: One line; `{{ $labels.x }}` and `{{ $value | humanizeDuration }}` are filled in.
        means: In plain words: what has happened, and whom it touches.
        look: What to look at first.
        do: What to do then.
        commands: To be pasted, in the order of `look` and `do`.
    """

    name: str
    severity: Severity
    when: Sequence[Condition]
    lasts: str
    summary: Text
    means: Text
    look: Text
    do: Text
    commands: Sequence[str] = ()

    @property
    def expr(self) -> str:
        """The rule's PromQL."""
        return "\nand ".join(f"{one.value} {one.bound}" for one in self.when)

    @property
    def anchor(self) -> str:
        """Of its chapter in the runbook, as Markdown makes it of the heading."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus computes and keeps, so that an alert stays readable."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Group:
    """
    Alerts of one file.

    Attributes:
        name: Of the file and of the group in Prometheus.
        records: What its alerts rest on, in order: a later one may use those before.
    """

    name: str
    title: Text
    alerts: Sequence[Alert]
    records: Sequence[Record] = ()


def only(value: str, bound: str) -> tuple[Condition]:
    """The one condition of an alert."""
    return (Condition(value, bound),)
