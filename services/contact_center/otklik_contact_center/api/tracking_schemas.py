"""Tracked numbers as routes read and write them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from otklik_common.http import StrictModel, bad_value
from otklik_common.pseudonym import e164
from otklik_contact_center.actions.tracking import Health, Shown, Whose
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.tracking import tracker as t
from otklik_contact_center.domain.tracking.health import CROWDED
from otklik_contact_center.domain.tracking.rules import Rule
from otklik_contact_center.domain.tracking.visit import Touch
from otklik_contact_center.store.trackers import Kept


def _number(text: str) -> str:
    found = e164(text, "RU")
    if found is None:
        raise bad_value("bad_phone", "is no phone number", "не номер телефона")
    return found


Number = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    AfterValidator(_number),
    Field(description="a phone number; kept as E.164", examples=["+74951230001"]),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], Field(max_length=200)]


class RuleBody(StrictModel):
    """A rule: conditions that are left out fit everybody, those that are there must all fit."""

    code: Code
    parameters: Annotated[dict[Code, Texts], Field(max_length=20)] = Field(
        default_factory=dict,
        description="of the page's address, which values fit; * fits any",
        examples=[{"utm_campaign": ["spring"]}],
    )
    referrers: Texts = Field(
        default=(), description="hosts of the page before, those below them included"
    )
    paths: Texts = Field(default=(), description="beginnings of the page's path: /spb")
    sources: Texts = Field(default=(), description="what brought the visitor: yandex, direct, …")
    mediums: Texts = Field(default=(), description="cpc, organic, referral, none, …")
    number: Number | None = Field(default=None, description="the static number that is shown")
    pool: Code | None = Field(
        default=None, description="of which a number is leased; neither: the page stays as it is"
    )

    source: Text | None = Field(
        default=None, description="what a static number stands for; the rule's code if not said"
    )
    medium: Text | None = Field(default=None, description="of a static number; `static`")
    campaign: Text | None = Field(default=None, description="of a static number")

    def rule(self) -> Rule:
        """As a tracker keeps it."""
        return Rule(**self.model_dump())


class TrackerBody(StrictModel):
    """A site to be."""

    names: dict[Code, Text] = Field(default_factory=dict, max_length=10)
    rules: Annotated[tuple[RuleBody, ...], Field(max_length=t.MOST_RULES)] = Field(
        default=(), description="in order: the first that fits holds"
    )
    pools: Annotated[
        dict[Code, Annotated[tuple[Number, ...], Field(max_length=t.MOST_NUMBERS)]],
        Field(max_length=t.MOST_POOLS),
    ] = Field(default_factory=dict, description="numbers that are leased, by the pool's name")
    fallback: Number | None = Field(
        default=None, description="shown to several at a time when a pool has none left"
    )
    ttl_seconds: int = Field(default=1_800, ge=60, le=86_400)
    heartbeat_seconds: int = Field(default=60, ge=5, le=3_600)
    grace_seconds: int = Field(default=1_200, ge=0, le=86_400)
    window_seconds: int = Field(default=3_600, ge=0, le=7 * 86_400)

    def tracker(self, code: str) -> t.Tracker:
        """As it is kept."""
        said = self.model_dump(exclude={"rules"})
        return t.Tracker(code=code, rules=tuple(one.rule() for one in self.rules), **said)


class TrackerOut(TrackerBody):
    """A site whose visitors are shown numbers by where they came from."""

    code: str

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """The answer for one."""
        value = kept.value
        rules = tuple(
            RuleBody(**{name: getattr(rule, name) for name in Rule.__struct_fields__})
            for rule in value.rules
        )
        said = {name: getattr(value, name) for name in t.Tracker.__struct_fields__}
        return cls(**{**said, "rules": rules})


class TouchOut(BaseModel):
    """What brought a visitor, in the words of UTM."""

    source: str
    medium: str
    campaign: str | None
    term: str | None
    content: str | None
    click_id: str | None

    @classmethod
    def of(cls, touch: Touch) -> Self:
        """The answer for a touch."""
        return cls(**touch._asdict())


class LeaseBody(StrictModel):
    """Somebody on a page."""

    tracker: Code
    visitor: Annotated[str, StringConstraints(min_length=8, max_length=100)] = Field(
        description="a random id that the browser keeps; nothing else is known by it"
    )
    url: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    referrer: Annotated[str, StringConstraints(max_length=2_000)] | None = None


class LeaseOut(BaseModel):
    """What the visitor is shown."""

    number: str | None = Field(description="E.164; null: the page's own number stays")
    lease: UUID | None = Field(description="to be kept alive; null: nothing to keep")
    heartbeat_seconds: int
    shared: bool = Field(
        description="the pool had none left: several see this number, that of last resort, or none where"
        " the site has no such number"
    )
    rule: str | None = Field(description="which rule holds")

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The answer for a visitor."""
        rule = shown.choice.rule
        return cls(
            number=shown.number,
            lease=shown.lease,
            heartbeat_seconds=shown.tracker.heartbeat_seconds,
            shared=shown.shared,
            rule=None if rule is None else rule.code,
        )


class SeenBody(StrictModel):
    """The visitor of a lease."""

    tracker: Code
    visitor: Annotated[str, StringConstraints(min_length=8, max_length=100)]


class VerdictOut(BaseModel):
    """What became of a rule."""

    rule: str
    failed: str | None = Field(description="the first condition that did not fit; null: it holds")


class ExplainedOut(BaseModel):
    """Which rule holds for a visit, and why."""

    touch: TouchOut
    rule: str | None
    number: str | None = Field(description="the static number; null where one is leased, or none")
    pool: str | None
    verdicts: list[VerdictOut]


class CandidateOut(BaseModel):
    """A visitor who may have called."""

    lease: UUID
    probability: float = Field(description="of all candidates the sum is 1")
    began_at: str
    shared: bool
    touch: TouchOut


class WhoseOut(BaseModel):
    """Whose call it was."""

    number: str | None = Field(description="that was called; null: it was not said")
    certainty: str = Field(
        description="static: the number stands for one source; certain: one visitor had it; likely:"
        " had had it within the window; ambiguous: several; unattributed: nobody"
    )
    tracker: str | None
    rule: str | None = Field(description="of a static number: the rule that shows it")
    candidates: list[CandidateOut]

    @classmethod
    def of(cls, whose: Whose) -> Self:
        """The answer for a call."""
        return cls(
            number=whose.number,
            certainty="static" if whose.rule else str(whose.attribution.certainty),
            tracker=whose.tracker,
            rule=whose.rule,
            candidates=[
                CandidateOut(
                    lease=one.lease.id,
                    probability=round(one.probability, 4),
                    began_at=one.lease.begins.isoformat(),
                    shared=one.lease.shared,
                    touch=TouchOut.of(whose.touches[one.lease.id]),
                )
                for one in whose.attribution.candidates
            ],
        )


class PoolOut(BaseModel):
    """How a pool does; the past is that of the last 28 days."""

    pool: str
    numbers: int
    held: int
    resting: int = Field(description="given back, and not yet free for others")
    free: int
    visitors: int = Field(description="who were to be shown a number of the pool")
    lost: int = Field(description="of them, who found none left")
    busiest_hour: int = Field(description="visitors in the busiest hour")
    stay_seconds: int = Field(description="mean time that a visitor had a number")
    erlangs: float | None = Field(
        description="numbers in use or at rest in such an hour, on the average; null: nobody came"
    )
    expected_lost: float | None = Field(
        description="share of visitors of such an hour who find none left, by Erlang B"
    )
    advised: int | None = Field(description="numbers with which at most 1 of 100 finds none left")
    crowded: bool = Field(description="three quarters of the numbers are in use or at rest")

    @classmethod
    def of(cls, health: Health) -> Self:
        """The answer for a pool."""
        present, traffic, advised = health.present, health.traffic, health.advice
        numbers = present.held + present.resting + present.free
        return cls(
            pool=present.pool,
            numbers=numbers,
            held=present.held,
            resting=present.resting,
            free=present.free,
            visitors=traffic.visitors,
            lost=traffic.lost,
            busiest_hour=traffic.busiest,
            stay_seconds=round(traffic.stay.total_seconds()),
            erlangs=None if advised is None else round(advised.erlangs, 2),
            expected_lost=None if advised is None else round(advised.lost, 4),
            advised=None if advised is None else advised.numbers,
            crowded=present.held + present.resting >= CROWDED * numbers,
        )


class HealthOut(BaseModel):
    """How the pools of a site do."""

    pools: list[PoolOut]
