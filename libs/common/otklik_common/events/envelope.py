"""What every event carries, whoever wrote it: CloudEvents 1.0 in structured JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

Json = dict[str, Any]

MAX_FACT_BYTES = 16 * 1024
"""A fact is bounded by construction: counts and times instead of lists."""

MAX_ATTRIBUTES = 32
MAX_ATTRIBUTE_LENGTH = 200


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment, in UTC."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A company's own code of a branch, queue, agent, …: as the sender writes it."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""

Pseudonym = Annotated[str, StringConstraints(pattern=r"^(ph|em|x)\d+_[A-Za-z0-9_-]{20,64}$")]
"""A keyed pseudonym of a phone, an e-mail or an external id: kind, key version, HMAC."""


class Fact(BaseModel):
    """
    The whole state of one subject. Unknown fields are ignored, so that a writer may be newer.

    Personal values (names, phones, e-mails, free text) never stand in a fact: people are
    keyed pseudonyms, in the order phone, e-mail, external id.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: ClassVar[str] = ""
    version: ClassVar[int] = 0
    owner: ClassVar[str] = ""

    def said(self) -> str:
        """As JSON without the fields that are what the contract says by default (decision 0097)."""
        return self.model_dump_json(exclude_defaults=True)


F_co = TypeVar("F_co", bound=Fact, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[F_co]):
    """
    One revision of one subject, as it travels.

    Attributes:
        tenant: Short id of the company.
        subject: Id of the subject; its kind is the kind of `data`.
        revision: From 1 upwards, without gaps, given under the lock of the subject's aggregate.
        verb: What happened, in the past tense: a help to readers that never decides readability.
        time: When it happened.
        recorded_at: When we learned of it; strictly growing per subject.
        data: The whole state of the subject after this revision.
        void: The subject contributes nothing; a higher revision may revive it.
        epoch: Raised by a restore, which publishes every subject again; outranks `revision`.
        traceparent: W3C trace context of the request that caused it.
    """

    tenant: str
    subject: UUID
    revision: int
    verb: str
    time: datetime
    recorded_at: datetime
    data: F_co
    void: bool = False
    epoch: int = 1
    traceparent: str | None = None

    @property
    def key(self) -> str:
        """Key of the message: all revisions of a subject keep their order in one partition."""
        return f"{self.data.kind}/{self.subject}"

    def envelope(self, data: Any) -> Json:
        """The CloudEvents object around `data`, the already rendered state of the subject."""
        fact = type(self.data)
        head: Json = {
            "specversion": "1.0",
            "id": f"{self.subject}-{self.epoch}-{self.revision}",
            "source": f"/{fact.owner}",
            "type": f"otklik.{fact.kind}.{self.verb}.v{fact.version}",
            "datacontenttype": "application/json",
            "tenant": self.tenant,
            "subject": self.key,
            "epoch": self.epoch,
            "revision": self.revision,
            "time": rfc3339(self.time),
            "recordedtime": rfc3339(self.recorded_at),
            "void": self.void,
        }
        if self.traceparent is not None:
            head["traceparent"] = self.traceparent
        head["data"] = data
        return head


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC as RFC 3339 with a Z, with as many digits as it has."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def bounded_attributes(attributes: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """
    Attributes cut to what a fact may carry.

    Returns:
        At most 32 attributes in the order of their names, each value at most 200
        characters, and whether anything was cut.
    """
    kept = {
        name: attributes[name][:MAX_ATTRIBUTE_LENGTH]
        for name in sorted(attributes)[:MAX_ATTRIBUTES]
    }
    return kept, kept != dict(attributes)
