"""A mapping and an import as routes read and write them: the same words as domain/mapping.py."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from otklik_common.http import StrictModel
from otklik_contact_center.actions.imports import Progress
from otklik_contact_center.domain import mapping as m
from otklik_contact_center.domain import reading_job as jobs
from otklik_contact_center.domain.events import MAX_TEXT, Type

Column = Annotated[str, StringConstraints(min_length=1, max_length=m.MAX_COLUMN)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Cell = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Cells = Annotated[list[Cell], Field(max_length=m.MAX_VALUES)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=10)]
Sign = Annotated[str, StringConstraints(min_length=1, max_length=1)]


class FormatBody(StrictModel):
    """How the file is written."""

    delimiter: Sign = ","
    quote: Sign = '"'
    encoding: m.Encoding = "utf-8"
    header: Annotated[list[Column], Field(min_length=1, max_length=m.MAX_COLUMNS)] | None = Field(
        default=None, description="names of the columns; null: they stand in the first line"
    )
    skip_lines: Annotated[int, Field(ge=0, le=1000)] = 0
    empty: Cells = Field(default=[], description="cells that mean nothing, besides blank ones")
    decimal: Literal[".", ","] = "."
    each: Annotated[str, StringConstraints(max_length=m.MAX_COLUMN)] | None = Field(
        default=None,
        description="of a pushed body alone: path of the list whose elements are rows; empty: the"
        " body is that list",
    )


class ClockBody(StrictModel):
    """How local times become moments."""

    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="IANA name", examples=["Europe/Moscow"]
    )
    ambiguous: Literal["first", "second", "refuse"] = "first"
    nonexistent: Literal["shift", "refuse"] = "shift"


class ConditionBody(StrictModel):
    """Something that is so of a row or not: one of `in`, `not_in`, `empty`."""

    column: Column
    in_: Cells | None = Field(default=None, alias="in")
    not_in: Cells | None = None
    empty: bool | None = None


Conditions = Annotated[list[ConditionBody], Field(max_length=m.MAX_PARTS)]


class KeyBody(StrictModel):
    """By what a row's contact is known again."""

    columns: Annotated[list[Column], Field(min_length=1, max_length=10)]
    prefix: Annotated[str, StringConstraints(max_length=m.MAX_PREFIX)] = ""
    repeated: Literal["refuse", "first", "last", "merge"] = "refuse"
    latest_by: Name | None = None


class TimeBody(StrictModel):
    """A moment in a row."""

    column: Column
    formats: Patterns = Field(description="of strptime, or iso, epoch, epoch_ms; tried in order")
    time_column: Column | None = None
    time_formats: Patterns | None = None
    not_before: Name | None = None
    instead: Name | None = None
    instead_when: Conditions = Field(default=[])


class ValueBody(StrictModel):
    """A value of an event: one of `column`, `constant`, `time`."""

    column: Column | None = None
    constant: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)] | None = None
    time: Name | None = None
    convert: m.Conversion = "text"
    values: Annotated[dict[Cell, Cell], Field(max_length=m.MAX_VALUES)] | None = None
    default: Cell | None = Field(
        default=None, description="null leaves the value out; absent refuses unlisted cells"
    )
    required: bool = False


Fields = Annotated[
    dict[Annotated[str, StringConstraints(max_length=111)], ValueBody],
    Field(max_length=m.MAX_PARTS),
]


class EventBody(StrictModel):
    """An event that a row tells of, if its time is there and its conditions hold."""

    type: Type
    at: Name
    name: Name | None = None
    when: Conditions = Field(default=[])
    required: bool = False
    repeats: bool = False
    public: bool = True
    fields: Fields = Field(default={})


class OrderBody(StrictModel):
    """Times that may not run backwards."""

    times: Annotated[list[Name], Field(min_length=2, max_length=10)]
    otherwise: Literal["refuse", "leave_out"] = "refuse"


class RequirementBody(StrictModel):
    """Times that a row must hold under a condition."""

    when: Conditions
    times: Annotated[list[Name], Field(min_length=1, max_length=10)]


class MappingBody(StrictModel):
    """What the columns of a file mean; see docs/imports."""

    version: Literal[1]
    key: KeyBody
    clock: ClockBody
    times: Annotated[dict[Name, TimeBody], Field(min_length=1, max_length=m.MAX_PARTS)]
    events: Annotated[list[EventBody], Field(min_length=1, max_length=m.MAX_PARTS)]
    description: Annotated[str, StringConstraints(max_length=2000)] = ""
    format: FormatBody = FormatBody()
    fields: Fields = Field(default={})
    orders: Annotated[list[OrderBody], Field(max_length=m.MAX_PARTS)] = Field(default=[])
    requirements: Annotated[list[RequirementBody], Field(max_length=m.MAX_PARTS)] = Field(
        default=[]
    )
    skip: Conditions = Field(default=[])

    def of(self) -> m.Mapping:
        """The mapping, with what was said and no more: an absent default is no null."""
        said = self.model_dump_json(by_alias=True, exclude_unset=True)
        return m.decode_mapping(said.encode())


class ImportBody(StrictModel):
    """A file that is to be taken in."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="for people: what it is, or the file's name"
    )
    mapping: MappingBody
    source: Annotated[str, StringConstraints(max_length=60)] | None = Field(
        default=None, description="source id; the company's default one if not said"
    )
    file_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="of the file as it lies on the disk, gzipped or not"
    )
    size: Annotated[int, Field(ge=1, le=jobs.MOST_BYTES)] = Field(description="its bytes")
    chunk_bytes: Annotated[int, Field(ge=jobs.LEAST_CHUNK, le=jobs.MOST_CHUNK)] = Field(
        default=jobs.MOST_CHUNK, description="length of each chunk but the last"
    )


class FailureOut(BaseModel):
    """Why an import failed."""

    code: str
    detail: str


class ImportOut(BaseModel):
    """How far an import is."""

    id: str
    name: str
    source: str
    state: Literal["receiving", "ready", "running", "done", "failed"]
    size: int
    chunk_bytes: int
    chunks: int
    missing_chunks: list[int] = Field(
        description="that have not come yet, at most 1,000 of them; empty once started"
    )
    rows_total: int | None = Field(description="null until the file was looked through")
    rows_read: int = Field(description="the sum of the next four")
    rows_accepted: int = Field(description="brought at least one new event")
    rows_duplicate: int = Field(description="told only what was known")
    rows_skipped: int = Field(description="passed over, as the mapping says")
    rows_refused: int
    events: int = Field(description="new events")
    failure: FailureOut | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, progress: Progress) -> "ImportOut":
        """As its sender sees it."""
        job, counts = progress.job, progress.job.counts
        return cls(
            id=job.id,
            name=job.name,
            source=job.source,
            state=job.state,  # type: ignore[arg-type]  # the table allows no other
            size=job.bytes,
            chunk_bytes=job.chunk_bytes,
            chunks=job.chunks,
            missing_chunks=list(progress.missing),
            rows_total=job.total,
            rows_read=counts.rows,
            rows_accepted=counts.accepted,
            rows_duplicate=counts.duplicates,
            rows_skipped=counts.skipped,
            rows_refused=counts.refused,
            events=counts.events,
            failure=None
            if job.code is None
            else FailureOut(code=job.code, detail=job.detail or ""),
            created_at=job.created_at,
            changed_at=job.changed_at,
        )


class RefusedRowOut(BaseModel):
    """A row that was not taken in; what it holds is never shown."""

    line: int = Field(description="of the unpacked file, from 1, on which the row begins")
    column: str | None = Field(description="null: in no column of its own")
    code: str
    detail: str
