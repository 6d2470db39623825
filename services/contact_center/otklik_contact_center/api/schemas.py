"""What routes read and write, in Pydantic: the same words as in domain/events.py."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from otklik_common.hours_words import Zone
from otklik_common.http import AwareTime, StrictModel, bad_value, never_null
from otklik_contact_center.api.imports_schemas import MappingBody
from otklik_contact_center.domain import events
from otklik_contact_center.domain.mapping import Mapping as FileMapping
from otklik_contact_center.domain.providers.pushed import Directions, Lines
from otklik_contact_center.domain.source import KINDS
from otklik_contact_center.store.sources import Version

Id = Annotated[str, StringConstraints(min_length=1, max_length=events.MAX_ID)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=events.MAX_CODE)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=events.MAX_ADDRESS)]
Seconds = Annotated[float, Field(ge=0, le=events.MAX_SECONDS)]


class PushedCustomer(StrictModel):
    """By what the customer can be known again; it never leaves this service."""

    phone: Address | None = None
    email: Address | None = None
    external_id: Address | None = None


class PushedEvent(StrictModel):
    """Something that happened to a contact. Only `id`, `contact`, `type` and `at` are needed."""

    id: Id = Field(description="the sender's own id of the event, unique in its source for ever")
    contact: Id = Field(description="the sender's own id of the contact")
    type_: events.Type = Field(alias="type")
    at: AwareTime = Field(description="when it happened, with offset")
    channel: events.Channel | None = None
    direction: events.Direction | None = Field(
        default=None,
        description="of the contact: in, where the customer began; on a message that is not the"
        " contact's first event it says only who wrote. Without it the author of the first"
        " message began, else the customer",
    )
    party: Code | None = Field(default=None, description="buyer, seller, …")
    from_: Address | None = Field(
        default=None, alias="from", description="who called or wrote: a phone, an e-mail, an id"
    )
    to: Address | None = None
    customer: PushedCustomer | None = None
    queue: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    agent: Code | None = None
    campaign: Code | None = Field(
        default=None, description="leaves in facts only if the company declares `campaign`"
    )
    touchpoint: Code | None = None
    stage: Code | None = None
    actor: events.Actor | None = Field(
        default=None,
        description="who did it; without it whoever answers is a person, and a message is an"
        " agent's if `agent` is named or `direction` is out, else the customer's. Bots and systems"
        " answer nothing; the customer's `answered` counts in calls that a person of ours makes",
    )
    public: bool = Field(default=True, description="false for notes that the customer cannot see")
    outcome: events.Ending | None = Field(
        default=None, description="on `ended`: why, where the sender knows better than the rules"
    )
    due_at: AwareTime | None = Field(default=None, description="by when it was to be done")
    waited_seconds: Seconds | None = Field(
        default=None, description="as the sender measured it; outranks the difference of times"
    )
    talked_seconds: Seconds | None = None
    text: Annotated[str, StringConstraints(max_length=events.MAX_TEXT)] | None = Field(
        default=None, description="what was said; it never leaves this service"
    )
    attributes: (
        Annotated[
            dict[Code, Annotated[str, StringConstraints(max_length=events.MAX_ATTRIBUTE_LENGTH)]],
            Field(max_length=events.MAX_ATTRIBUTES),
        ]
        | None
    ) = Field(default=None, description="they leave in facts only if the company declares them")


class RefusedItem(StrictModel):
    """One that was not let in: its place in the push from 0, why, and where."""

    index: int
    code: str
    detail: str


class PushAnswer(StrictModel):
    """What became of a push; good ones are kept when others are refused."""

    accepted: int
    duplicates: int
    refused: list[RefusedItem]


class LineBody(StrictModel):
    """Where those belong who call a number of the company's."""

    branch: Code | None = None
    queue: Code | None = None


Codes = Annotated[dict[Code, Code], Field(max_length=1_000)]


class DirectionsBody(StrictModel):
    """How the company's words stand for those of a provider."""

    lines: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")], LineBody] = Field(
        default_factory=dict,
        max_length=1_000,
        description="by a number of the company's, digits only: whose calls to it are",
    )
    agents: Codes = Field(
        default_factory=dict, description="our code of an agent by theirs, an extension for example"
    )
    queues: Codes = Field(default_factory=dict, description="the same of queues or groups")
    zone: Zone | None = Field(
        default=None,
        description="IANA name of the zone of times that say none, `Europe/Moscow`; null: as the"
        " product's page says",
    )
    mapping: MappingBody | None = Field(
        default=None,
        description="how bodies are read, for sources of kind mapped: docs/imports, columns are"
        " paths into the body",
    )

    def directions(self) -> Directions:
        """As a source keeps them."""
        lines = {number: Lines(one.branch, one.queue) for number, one in self.lines.items()}
        return Directions(lines, self.agents, self.queues, self.zone, self._mapping())

    def _mapping(self) -> FileMapping | None:
        return None if self.mapping is None else self.mapping.of()


class DirectionsView(BaseModel):
    """How a source is read, as it may be set again."""

    lines: dict[str, LineBody]
    agents: dict[str, str]
    queues: dict[str, str]
    zone: str | None
    mapping: dict[str, Any] | None = Field(description="as it was stated, without defaults")

    @classmethod
    def of(cls, kept: Directions) -> Self:
        """The answer for directions."""
        lines = {n: LineBody(branch=one.branch, queue=one.queue) for n, one in kept.lines.items()}
        return cls(
            lines=lines,
            agents=dict(kept.agents),
            queues=dict(kept.queues),
            zone=kept.zone,
            mapping=None if kept.mapping is None else msgspec.to_builtins(kept.mapping),
        )


class DirectionsVersion(BaseModel):
    """How a source is or was read."""

    version: int
    since: datetime
    principal: str = Field(description="who set it")
    directions: DirectionsView

    @classmethod
    def of(cls, kept: Version) -> Self:
        """The answer for a version."""
        directions = DirectionsView.of(kept.directions)
        return cls(
            version=kept.number,
            since=kept.since,
            principal=kept.principal,
            directions=directions,
        )


Secret = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Credentials = Annotated[dict[Code, Secret], Field(max_length=10)]


class NewSource(StrictModel):
    """A source to be."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    kind: Literal[KINDS] = Field(  # type: ignore[valid-type]
        default="generic",
        description="what it sends: generic is our own event contract; of the others the hook takes"
        " what that product pushes",
    )
    credentials: Credentials = Field(
        default_factory=dict,
        description="by what a product proves its pushes, as its page says (mango: key, salt);"
        " never shown again",
    )
    directions: DirectionsBody = Field(default_factory=DirectionsBody)
    require_signature: bool = Field(
        default=False, description="pushes need Standard Webhooks headers besides the key"
    )
    demo: bool = Field(
        default=False,
        description="goes, with all that it sent, when the demo is taken out; needs demo:write",
    )


class SourceChange(StrictModel):
    """What of a source can be changed; what is left out stays."""

    model_config = ConfigDict(json_schema_extra=never_null)

    require_signature: bool | None = None
    credentials: Credentials | None = None
    directions: DirectionsBody | None = None
    ended: bool | None = Field(
        default=None, description="true: it takes nothing more (410), what it has told stays"
    )

    @model_validator(mode="after")
    def _nothing_is_removed(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise bad_value(
                    "wrong_type", f"{name} cannot be null", f"{name} не может быть null"
                )
        return self


class SourceView(StrictModel):
    """A source, without its secret."""

    id: str
    name: str
    kind: str
    require_signature: bool
    created_at: datetime
    hook: str = Field(description="path that takes its signed pushes without a key")
    heard: bool = Field(default=False, description="whether it has ever sent an event")
    branch: str | None = Field(
        default=None, description="all its contacts are this branch's; null: of any branch"
    )
    demo: bool = Field(default=False, description="goes when the demo is taken out")
    directions: DirectionsView
    version: int = Field(default=1, description="of the directions")
    ended_at: datetime | None = Field(default=None, description="since then it takes nothing more")


class SourceWithSecret(SourceView):
    """A source with its secret, shown this once: null in answers to a repetition."""

    secret: str | None = Field(description="Standard Webhooks secret, whsec_…")


class AllowedAttributes(StrictModel):
    """Names of attributes that may leave in facts; `campaign` stands for campaigns."""

    names: Annotated[list[Code], Field(max_length=64)]
