"""Mappings that cannot be: every fault is named, by field, code and words in two languages."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from otklik_contact_center.api.imports_schemas import MappingBody
from otklik_contact_center.domain.mapping import Mapping, decode_mapping, digest_of, encode_mapping
from otklik_contact_center.domain.mapping_faults import BadMapping, check_mapping
from tests.unit.contact_center.mapping_builders import a_mapping, a_mapping_as_json

EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "imports").glob("*.json"))


def read(said: dict[str, Any]) -> Mapping:
    return decode_mapping(msgspec.json.encode(a_mapping_as_json(**said)))


def time(**more: Any) -> dict[str, Any]:
    """The times of a mapping, the first with something more."""
    known = a_mapping_as_json()["times"]
    return {"times": {**known, "created": {**known["created"], **more}}}


def event(**more: Any) -> dict[str, Any]:
    """Its events, the first with something more."""
    return {"events": [{"type": "started", "at": "created", **more}]}


def field(**value: Any) -> dict[str, Any]:
    return {"fields": {"queue": value}}


@pytest.mark.parametrize(
    ("said", "place", "code"),
    [
        ({"clock": {"zone": "Europe/Atlantis"}}, "clock.zone", "unknown_zone"),
        ({"format": {"delimiter": " "}}, "format.delimiter", "invalid"),
        ({"format": {"delimiter": "\x07"}}, "format.delimiter", "invalid"),
        ({"format": {"delimiter": ";", "quote": ";"}}, "format.quote", "invalid"),
        ({"format": {"header": ["a", "a"]}}, "format.header", "repeated"),
        ({"key": {"columns": ["id"], "latest_by": "never"}}, "key.latest_by", "unknown_time"),
        (time(formats=["%Q"]), "times.created.formats", "bad_format"),
        (time(formats=["%H:%M"]), "times.created.formats", "bad_format"),
        (time(time_column="t"), "times.created.time_formats", "invalid"),
        (
            time(time_column="t", time_formats=["%H:%M"], formats=["iso"]),
            "times.created.formats",
            "bad_format",
        ),
        (
            time(time_column="t", time_formats=["%Y-%m-%d"], formats=["%Y-%m-%d"]),
            "times.created.time_formats",
            "bad_format",
        ),
        (time(not_before="closed"), "times.created.not_before", "invalid"),
        (time(instead="never"), "times.created.instead", "unknown_time"),
        (time(instead="created"), "times.created.instead", "circular"),
        (time(instead_when=[{"column": "x"}]), "times.created.instead_when.0", "invalid"),
        (event(at="never"), "events.0.at", "unknown_time"),
        (event(when=[{"column": "x", "in": [], "empty": True}]), "events.0.when.0", "invalid"),
        (event(fields={"colour": {"constant": "red"}}), "events.0.fields.colour", "unknown_field"),
        (event(fields={"attributes.": {"constant": "x"}}), None, "unknown_field"),
        ({"events": [{"type": "message", "at": "closed"}] * 2}, "events.1.name", "repeated"),
        ({"orders": [{"times": ["created", "never"]}]}, "orders.0.times", "unknown_time"),
        (
            {"requirements": [{"when": [{"column": "x"}], "times": ["never"]}]},
            "requirements.0.times",
            "unknown_time",
        ),
        ({"skip": [{"column": "x"}]}, "skip.0", "invalid"),
        (field(), "fields.queue", "invalid"),
        (field(column="a", constant="b"), "fields.queue", "invalid"),
        (field(time="created"), "fields.queue", "invalid"),
        (field(column="a", convert="seconds"), "fields.queue.convert", "invalid"),
        (field(constant="x" * 101), "fields.queue", "out_of_range"),
        (field(column="a", values={"x": ""}), "fields.queue", "out_of_range"),
        (field(column="a", default="\0"), "fields.queue", "out_of_range"),
        ({"fields": {"channel": {"constant": "pigeon"}}}, "fields.channel", "not_one_of"),
        ({"fields": {"due_at": {"column": "a"}}}, "fields.due_at", "invalid"),
        ({"fields": {"due_at": {"time": "never"}}}, "fields.due_at.time", "unknown_time"),
        (
            {"fields": {"waited_seconds": {"column": "a", "convert": "clock", "default": "1"}}},
            "fields.waited_seconds",
            "invalid",
        ),
    ],
)
def test_a_fault_is_named(said: dict[str, Any], place: str | None, code: str) -> None:
    with pytest.raises(BadMapping) as bad:
        check_mapping(read(said))
    errors = bad.value.errors
    assert any(one.code == code for one in errors), errors
    assert place is None or any(one.field == f"mapping.{place}" for one in errors), errors
    assert all(one.detail and one.detail_ru for one in errors)
    assert bad.value.detail_ru


def test_times_in_a_circle() -> None:
    times = {
        name: {"column": name, "formats": ["iso"], "instead": other}
        for name, other in (("created", "b"), ("b", "c"), ("c", "b"), ("closed", "c"))
    }
    with pytest.raises(BadMapping) as bad:
        check_mapping(read({"times": times}))
    assert [one.code for one in bad.value.errors] == ["circular", "circular"]


def test_a_file_of_faults_is_answered_in_bounds() -> None:
    fields = {f"colour{n}": {"constant": "x"} for n in range(50)}
    with pytest.raises(BadMapping) as bad:
        check_mapping(read({"fields": fields, **event(at="never", fields=fields)}))
    assert len(bad.value.errors) == 50


def test_mappings_that_mean_the_same_have_one_digest() -> None:
    plain = a_mapping()
    assert digest_of(plain) == digest_of(a_mapping(description="words", skip=[]))
    assert digest_of(plain) != digest_of(a_mapping(key={"columns": ["id"], "prefix": "x"}))
    assert decode_mapping(encode_mapping(plain)) == plain


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_sound(path: Path) -> None:
    mapping = decode_mapping(path.read_bytes())
    check_mapping(mapping)
    assert MappingBody.model_validate_json(path.read_bytes()).of() == mapping


CORPUS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"version": 2}, False),
    ({"colour": "red"}, False),
    ({"key": {"columns": []}}, False),
    ({"key": {"columns": ["a"], "repeated": "maybe"}}, False),
    ({"clock": {"zone": ""}}, False),
    ({"times": {}}, False),
    ({"times": {"Created": {"column": "a", "formats": ["iso"]}}}, False),
    ({"events": []}, False),
    ({"events": [{"type": "exploded", "at": "created"}]}, False),
    ({"events": [{"type": "started", "at": "created", "required": 1}]}, False),
    ({"format": {"delimiter": ";;"}}, False),
    ({"format": {"encoding": "utf-9"}}, False),
    ({"format": {"skip_lines": 1001}}, False),
    ({"format": {"decimal": ","}}, True),
    ({"fields": {"queue": {"column": "a", "values": {"x": "y"}, "default": None}}}, True),
    ({"fields": {"queue": {"column": "a", "values": {"x": 1}}}}, False),
    ({"fields": {"queue": {"column": "a", "convert": "hours"}}}, False),
    ({"orders": [{"times": ["created"]}]}, False),
    ({"skip": [{"column": "a", "in": ["x"]}]}, True),
    ({"skip": [{"column": "a", "in_": ["x"]}]}, False),
]


@pytest.mark.parametrize(("said", "sound"), CORPUS)
def test_the_edge_and_the_domain_read_mappings_alike(said: dict[str, Any], sound: bool) -> None:
    body = json.dumps(a_mapping_as_json(**said))
    if sound:
        assert MappingBody.model_validate_json(body).of() == decode_mapping(body.encode())
    else:
        with pytest.raises(msgspec.ValidationError):
            decode_mapping(body.encode())
        with pytest.raises(ValidationError):
            MappingBody.model_validate_json(body)
