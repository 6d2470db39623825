"""Pace programmes as routes read and write them, and what they show of requests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from otklik_common.events.contact_center import CHANNEL_NAMES, ChannelName
from otklik_common.http import AwareTime, StrictModel
from otklik_common.terms_body import Frees, Seconds
from otklik_contact_center.actions.pace_programmes import Edit
from otklik_contact_center.actions.paces import Behind, Pace, Shares
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.pace import programme as p
from otklik_contact_center.domain.pace.pacing import Paced, State
from otklik_contact_center.domain.pace.presets import Preset
from otklik_contact_center.domain.pace.shares import Counts, OfVersion
from otklik_contact_center.store.pace import Kept

Language = Literal["en", "ru"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=p.MOST_NAME)]
Names = Annotated[dict[Language, Name], Field(description="by language")]
Abouts = Annotated[
    dict[Language, Annotated[str, StringConstraints(min_length=1, max_length=p.MOST_ABOUT)]],
    Field(description="by language; what it is for, in words"),
]
StepName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=len(p.OWN) + 100),
    Field(
        description=f"{', '.join(p.PROCESS)}, or {p.OWN} with a code of your own, as lead steps say"
        " it in `own`",
        examples=["contacted", "own:photo"],
    ),
]


class StepBody(StrictModel):
    """From what, to what, and in what time."""

    model_config = ConfigDict(populate_by_name=True)

    start: StepName = Field(alias="from")
    end: StepName = Field(
        alias="to", description="who came to a later step of the process came to this one, too"
    )
    seconds: Seconds = Field(description="who takes exactly so long is on time")
    business: bool = Field(
        default=True,
        description="by the calendar of the request's branch, else the company's; false: elapsed",
    )
    names: Names = Field(default_factory=dict)

    @classmethod
    def said(cls, step: p.Step) -> dict[str, Any]:
        """The fields of the body out of a step."""
        return {
            "start": step.start,
            "end": step.end,
            "seconds": step.seconds,
            "business": step.business,
            "names": dict(step.names),
        }


class TermsFields(StrictModel):
    """What a programme says, and for which requests; a condition left empty fits every request."""

    priority: Annotated[int, Field(ge=1, le=p.MOST_PRIORITY)] = Field(
        description="of the programmes that fit a request, the one with the lowest number holds; two"
        " that hold never have the same"
    )
    channels: list[ChannelName] = Field(default_factory=list, max_length=len(CHANNEL_NAMES))
    parties: Frees = ()
    branches: Frees = ()
    groups: Frees = Field(default=(), description="branch groups: any of them fits")
    steps: Annotated[tuple[StepBody, ...], Field(min_length=1, max_length=p.MOST_STEPS)]

    def terms(self, since: datetime) -> p.Terms:
        """As they are kept, lists in order."""
        return p.Terms(
            since=since,
            priority=self.priority,
            steps=tuple(p.Step(**one.model_dump()) for one in self.steps),
            channels=tuple(sorted(set(self.channels))),
            parties=tuple(sorted(set(self.parties))),
            branches=tuple(sorted(set(self.branches))),
            groups=tuple(sorted(set(self.groups))),
        )


class ProgrammeBody(TermsFields):
    """A programme as it should be from a moment on."""

    code: Code | None = Field(
        default=None, description="that of the path, if said at all: presets say it"
    )
    names: Names = Field(default_factory=dict)
    about: Abouts = Field(default_factory=dict)
    valid_from: AwareTime | None = Field(
        default=None,
        description="since when; null: now. Requests that began before keep what was said then: a"
        " moment of the past changes past requests",
    )

    def edit(self, code: str, now: datetime) -> Edit:
        """What is to be said. Raises BadProgramme if it says that it is another."""
        if self.code not in (None, code):
            raise p.BadProgramme(
                f"the body is of programme {self.code}, the path of {code}",
                detail_ru=f"в теле программа {self.code}, а в адресе {code}",
            )
        since = (self.valid_from or now).astimezone(UTC)
        return Edit(self.terms(since), _texts(self.names), _texts(self.about))


class PresetOut(TermsFields):
    """A programme to start from: it may be put as it is, or changed."""

    code: str
    names: Names
    about: Abouts

    @classmethod
    def of(cls, preset: Preset) -> Self:
        """The answer for one."""
        return cls(
            code=preset.code,
            names=dict(preset.names),  # type: ignore[arg-type]  # both languages
            about=dict(preset.about),  # type: ignore[arg-type]  # both languages
            priority=preset.priority,
            parties=preset.parties,
            steps=tuple(StepBody(**StepBody.said(one)) for one in preset.steps),
        )


class PresetsOut(BaseModel):
    """Programmes to start from."""

    items: list[PresetOut]


class StepOut(BaseModel):
    """A step of a programme."""

    number: int
    start: str = Field(serialization_alias="from")
    end: str = Field(serialization_alias="to")
    seconds: int
    business: bool
    names: dict[str, str]

    @classmethod
    def of(cls, number: int, step: p.Step, **more: Any) -> Self:
        """The answer for one, with what else is known of it."""
        return cls(number=number, **StepBody.said(step), **more)


class TermsOut(BaseModel):
    """What a programme says from a moment on."""

    version: int
    since: datetime
    active: bool = Field(description="false: from then on it is for no request")
    priority: int
    channels: tuple[str, ...]
    parties: tuple[str, ...]
    branches: tuple[str, ...]
    groups: tuple[str, ...]
    steps: list[StepOut]


class ProgrammeOut(BaseModel):
    """A programme, with all that it ever said."""

    code: str
    names: dict[str, str]
    about: dict[str, str]
    terms: list[TermsOut]

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """The answer for one."""
        value = kept.value
        terms = [
            TermsOut(
                version=version,
                since=one.since,
                active=one.active,
                priority=one.priority,
                channels=one.channels,
                parties=one.parties,
                branches=one.branches,
                groups=one.groups,
                steps=[StepOut.of(n, step) for n, step in enumerate(one.steps, 1)],
            )
            for version, one in enumerate(value.terms, 1)
        ]
        return cls(code=value.code, names=dict(value.names), about=dict(value.about), terms=terms)


class PacedOut(StepOut):
    """What one step of a request shows."""

    state: State = Field(
        description="not_begun: what it leads from is not made; running, running_late: past its"
        " time; on_time; late: made late, or closed late without it; over: closed in time without"
        " it; unknown: business time without a calendar"
    )
    began_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None = Field(description="made, or a later step of the process was")

    @classmethod
    def shown(cls, number: int, step: p.Step, one: Paced) -> Self:
        """The answer for one."""
        return cls.of(number, step, **one._asdict())


class PaceView(BaseModel):
    """The programme that holds for a request, and what its steps show."""

    programme: str
    version: int = Field(description="of the programme: what it said when the request began")
    names: dict[str, str]
    steps: list[PacedOut]

    @classmethod
    def of(cls, pace: Pace) -> Self:
        """The answer for a request."""
        chosen = pace.chosen
        pairs = zip(chosen.terms.steps, pace.steps, strict=True)
        return cls(
            programme=chosen.programme.code,
            version=chosen.version,
            names=dict(chosen.programme.names),
            steps=[PacedOut.shown(n, step, one) for n, (step, one) in enumerate(pairs, 1)],
        )


class BehindOut(BaseModel):
    """A request that is behind the pace."""

    id: UUID = Field(description="its subject in facts and metrics")
    contact: UUID = Field(description="the contact that opened it")
    created_at: datetime
    state: str = Field(description="how far it has come")
    party: str | None
    branch: str | None
    agent: str | None
    steps: list[PacedOut] = Field(description="those in which it is late and goes on")

    @classmethod
    def of(cls, one: Behind, id_: UUID) -> Self:
        """The answer for one."""
        shown = PaceView.of(one.pace).steps
        return cls(
            id=id_,
            contact=one.row.contact,
            created_at=one.row.created_at,
            state=one.row.state,
            party=one.party,
            branch=one.branch,
            agent=one.row.agent,
            steps=[step for step in shown if step.state is State.RUNNING_LATE],
        )


class CountsOut(BaseModel):
    """How many requests show what of a step."""

    number: int = Field(description="of the step")
    share: float | None = Field(
        description="kept of kept and late, 0 to 1; null where there are none of either"
    )
    kept: int = Field(description="made on time")
    late: int = Field(description="made late, or past its time: on_time is none of them")
    running_late: int = Field(description="of these, those that go on without it")
    running: int
    not_begun: int
    over: int
    unknown: int

    @classmethod
    def of(cls, number: int, counts: Counts) -> Self:
        """The answer for a step."""
        named = ("running_late", "running", "not_begun", "over", "unknown")
        states = {name: counts.states[State(name)] for name in named}
        return cls(number=number, share=counts.share, kept=counts.kept, late=counts.late, **states)


class UnitOut(BaseModel):
    """Requests of one branch, group or month."""

    unit: str = Field(description="a code, or a month of the company's zone", examples=["2026-03"])
    steps: list[CountsOut]


class VersionOut(BaseModel):
    """What came of one version of a programme."""

    version: int
    since: datetime
    requests: int = Field(description="that it was for")
    steps: list[StepOut]
    all: list[CountsOut] = Field(description="of all these requests, a member for each step")
    units: list[UnitOut] = Field(description="the same apart, by code or month")

    @classmethod
    def of(cls, one: OfVersion) -> Self:
        """The answer for one."""
        return cls(
            version=one.version,
            since=one.terms.since,
            requests=one.requests,
            steps=[StepOut.of(n, step) for n, step in enumerate(one.terms.steps, 1)],
            all=_counts(one.all),
            units=[
                UnitOut(unit=code, steps=_counts(one.units[code])) for code in sorted(one.units)
            ],
        )


class SharesOut(BaseModel):
    """How many requests kept each step."""

    begins: datetime = Field(serialization_alias="from")
    ends: datetime = Field(serialization_alias="to")
    code: str
    names: dict[str, str]
    versions: list[VersionOut] = Field(description="the newest first")

    @classmethod
    def of(cls, shares: Shares) -> Self:
        """The answer for a period."""
        return cls(
            begins=shares.begins,
            ends=shares.ends,
            code=shares.programme.code,
            names=dict(shares.programme.names),
            versions=[VersionOut.of(one) for one in shares.versions],
        )


def _texts(by_language: Mapping[Language, str]) -> dict[str, str]:
    return {str(language): text for language, text in by_language.items()}


def _counts(steps: list[Counts]) -> list[CountsOut]:
    return [CountsOut.of(number, one) for number, one in enumerate(steps, 1)]
