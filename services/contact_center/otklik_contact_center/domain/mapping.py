"""
What the columns of a file mean: a mapping, as its writer states it.

A mapping is versioned JSON. It is read once, checked once, and then put to work by
`mapping_rows.Translator`. How to write one: docs/imports/README.md.
"""

import hashlib
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from otklik_contact_center.domain.events import MAX_CODE, MAX_TEXT, Type

VERSION: Final = 1

ENCODINGS: Final = (
    "utf-8",
    "windows-1251",
    "windows-1252",
    "koi8-r",
    "cp866",
    "iso-8859-1",
    "iso-8859-5",
)
MAX_NAME: Final = 40
MAX_COLUMN: Final = 200
MAX_COLUMNS: Final = 500
MAX_PARTS: Final = 50
MAX_VALUES: Final = 5_000
MAX_PREFIX: Final = 40

Encoding = Literal[
    "utf-8", "windows-1251", "windows-1252", "koi8-r", "cp866", "iso-8859-1", "iso-8859-5"
]
Conversion = Literal["text", "seconds", "milliseconds", "minutes", "clock"]

Column = Annotated[str, Meta(min_length=1, max_length=MAX_COLUMN)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Cell = Annotated[str, Meta(max_length=MAX_TEXT)]
Cells = Annotated[list[Cell], Meta(max_length=MAX_VALUES)]
Pattern = Annotated[str, Meta(min_length=1, max_length=100)]
Patterns = Annotated[list[Pattern], Meta(min_length=1, max_length=10)]


class _Part(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """A part of a mapping: what is not said has its default."""


class Format(_Part, frozen=True):
    """
    How the file is written.

    Attributes:
        header: Names of the columns; None: they stand in the first line.
        skip_lines: Lines above the header, or above the first row where there is none.
        empty: Cells that mean nothing, besides blank ones: NULL, n/a, -.
        decimal: What parts whole seconds from the rest.
        each: Of a pushed body alone: the path of a list of which each element is a row; "" if the
            body is that list. None: the body is one row.
    """

    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Meta(min_length=1, max_length=1)] = '"'
    encoding: Encoding = "utf-8"
    header: Annotated[list[Column], Meta(min_length=1, max_length=MAX_COLUMNS)] | None = None
    skip_lines: Annotated[int, Meta(ge=0, le=1000)] = 0
    empty: Cells = []
    decimal: Literal[".", ","] = "."
    each: Annotated[str, Meta(max_length=MAX_COLUMN)] | None = None


class Clock(_Part, frozen=True):
    """
    How local times become moments.

    Attributes:
        zone: IANA name of the zone in which the clock ran.
        ambiguous: Which of two moments a time means that an autumn night has twice.
        nonexistent: A time that a spring night skips is read with the offset from before, and so
            moves forward by the gap; or its row is refused.
    """

    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    ambiguous: Literal["first", "second", "refuse"] = "first"
    nonexistent: Literal["shift", "refuse"] = "shift"


class Condition(_Part, frozen=True):
    """
    Something that is so of a row or not; exactly one of `in`, `not_in` and `empty` says what.

    Attributes:
        empty: True: the cell is empty; False: it is not.
    """

    column: Column
    in_: Cells | None = msgspec.field(name="in", default=None)
    not_in: Cells | None = None
    empty: bool | None = None


Conditions = Annotated[list[Condition], Meta(max_length=MAX_PARTS)]


class Key(_Part, frozen=True):
    """
    By what a row's contact is known again.

    Attributes:
        columns: Together they name the contact.
        prefix: Put before it, so that files of one source do not meet: `calls-`.
        repeated: When rows share a key: the first counts and the others are refused; the first
            or the last counts and the others are passed over; or each adds its events.
        latest_by: A time; with `last`, the row in which it is latest counts.
    """

    columns: Annotated[list[Column], Meta(min_length=1, max_length=10)]
    prefix: Annotated[str, Meta(max_length=MAX_PREFIX)] = ""
    repeated: Literal["refuse", "first", "last", "merge"] = "refuse"
    latest_by: Name | None = None


class Time(_Part, frozen=True):
    """
    A moment in a row.

    Attributes:
        formats: Tried in order; see `mapping_times.compile_format`.
        time_column, time_formats: Where the time of day stands apart from the date.
        not_before: Another time; a time of day before it belongs to the next day.
        instead: Another time that counts where this one is empty, and `instead_when` holds.
    """

    column: Column
    formats: Patterns
    time_column: Column | None = None
    time_formats: Patterns | None = None
    not_before: Name | None = None
    instead: Name | None = None
    instead_when: Conditions = []


class Value(_Part, frozen=True):
    """
    A value of an event: out of a column, a constant, or one of the row's times.

    Attributes:
        convert: How the cell is read; all but `text` give seconds.
        values: What cells stand for; any other cell gives `default` or refuses the row.
        default: For an empty cell and for one that `values` lacks; null leaves the value out.
        required: An empty cell refuses the row.
    """

    column: Column | None = None
    constant: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | None = None
    time: Name | None = None
    convert: Conversion = "text"
    values: Annotated[dict[Cell, Cell], Meta(max_length=MAX_VALUES)] | None = None
    default: Cell | UnsetType | None = UNSET
    required: bool = False


Fields = Annotated[
    dict[Annotated[str, Meta(max_length=MAX_CODE + 11)], Value], Meta(max_length=MAX_PARTS)
]


class EventOfRow(_Part, frozen=True):
    """
    An event that a row tells of, if its time is there and its conditions hold.

    Attributes:
        at: Name of its time.
        name: Distinguishes events of one type; the type if not said.
        required: The row is refused where the time is empty.
        repeats: It may happen to a contact more than once: its id then holds its time.
        fields: What this event says besides; the mapping's `fields` go with the first event.
    """

    type: Type
    at: Name
    name: Name | None = None
    when: Conditions = []
    required: bool = False
    repeats: bool = False
    public: bool = True
    fields: Fields = {}

    @property
    def label(self) -> str:
        """Its part of the event's id."""
        return self.name or self.type


class Order(_Part, frozen=True):
    """Times that may not run backwards: the row is refused, or the later one is left out."""

    times: Annotated[list[Name], Meta(min_length=2, max_length=10)]
    otherwise: Literal["refuse", "leave_out"] = "refuse"


class Requirement(_Part, frozen=True):
    """What a row must hold under a condition: a closed request has a time of closing."""

    when: Conditions
    times: Annotated[list[Name], Meta(min_length=1, max_length=10)]


class Mapping(_Part, frozen=True):
    """
    What the columns of a file mean.

    Attributes:
        times: The moments in a row, by name.
        skip: Rows for which any of these holds are passed over.
    """

    version: Literal[1]
    key: Key
    clock: Clock
    times: Annotated[dict[Name, Time], Meta(min_length=1, max_length=MAX_PARTS)]
    events: Annotated[list[EventOfRow], Meta(min_length=1, max_length=MAX_PARTS)]
    description: Annotated[str, Meta(max_length=2000)] = ""
    format: Format = Format()
    fields: Fields = {}
    orders: Annotated[list[Order], Meta(max_length=MAX_PARTS)] = []
    requirements: Annotated[list[Requirement], Meta(max_length=MAX_PARTS)] = []
    skip: Conditions = []


_decoder = msgspec.json.Decoder(Mapping)
_encoder = msgspec.json.Encoder(order="deterministic")


def decode_mapping(body: bytes) -> Mapping:
    """A mapping out of JSON. Raises msgspec.ValidationError."""
    return _decoder.decode(body)


def encode_mapping(mapping: Mapping) -> bytes:
    """The mapping as JSON, the same for all who mean the same."""
    return _encoder.encode(mapping)


def digest_of(mapping: Mapping) -> str:
    """Equal for mappings that mean the same, whatever their description says."""
    bare = msgspec.structs.replace(mapping, description="")
    return hashlib.sha256(encode_mapping(bare)).hexdigest()
