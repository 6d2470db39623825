"""Golden messages are read by every build, for ever; contracts change by optional fields alone."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from otklik_common.events.envelope import MAX_FACT_BYTES, Fact
from otklik_common.events.registry import Unreadable, decode, encode, newest, read_data
from otklik_common.events_docs import (
    EXAMPLES,
    IncompatibleError,
    all_contracts,
    asyncapi,
    broken,
    data_schema,
    documents,
    envelope_schema,
    examples_of,
    incompatibilities,
    name_of,
    write,
)
from otklik_common.log.port import Record
from otklik_common.reading import read

DOCS = Path(__file__).parents[2] / "docs"
GOLDEN = sorted(EXAMPLES.glob("*/v*/*.json"))
CONTRACTS = all_contracts()

each_golden = pytest.mark.parametrize(
    "path", GOLDEN, ids=lambda path: "/".join(path.relative_to(EXAMPLES).parts)
)
each_contract = pytest.mark.parametrize("fact", CONTRACTS, ids=name_of)


MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z$")


def holds(part: Any, whole: Any) -> bool:
    """Whether everything that `part` says is said by `whole` too; a time with more zeros is the same time."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and holds(part[name], whole[name]) for name in part)
    if isinstance(part, list) and isinstance(whole, list) and len(part) == len(whole):
        return all(map(holds, part, whole))
    return bool(part == whole) or (moment(part) is not None and moment(part) == moment(whole))


def fuller(value: bytes) -> bytes:
    """The message as builds before decision 0097 said it: with every field."""
    event = decode(value)
    said = json.loads(value)
    return json.dumps(said | {"data": json.loads(event.data.model_dump_json())}).encode()


def moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and MOMENT.match(text) else None


@each_golden
def test_every_golden_message_is_read_and_nothing_of_it_lost(path: Path) -> None:
    value = path.read_bytes()
    event = decode(value)
    folder, version = path.parent.parent.name, path.parent.name
    assert event.data.kind == folder
    assert event.data.version == newest(folder).version
    assert decode(encode(event)) == event
    if version == f"v{event.data.version}":
        assert holds(json.loads(value), json.loads(fuller(encode(event))))


@each_golden
def test_what_is_said_is_nothing_that_the_contract_says_by_default(path: Path) -> None:
    event = decode(path.read_bytes())
    said = json.loads(encode(event))["data"]
    fields = type(event.data).model_fields
    by_default = {
        name
        for name, field in fields.items()
        if not field.is_required()
        and getattr(event.data, name) == field.get_default(call_default_factory=True)
    }
    assert said.keys() == fields.keys() - by_default


@each_golden
def test_the_fuller_messages_of_earlier_builds_are_read_alike(path: Path) -> None:
    event = decode(path.read_bytes())
    value = encode(event)
    assert decode(fuller(value)) == decode(value) == event
    heard, unread = read(
        [
            Record("otklik.any", 0, offset, event.key, each)
            for offset, each in enumerate((value, fuller(value)))
        ]
    )
    assert unread == []
    assert heard[0].data() == heard[1].data() == event.data


@each_golden
def test_consumers_read_it_as_the_registry_does(path: Path) -> None:
    value = path.read_bytes()
    event = decode(value)
    [heard], unread = read([Record("otklik.any", 0, 0, event.key, value)])
    assert unread == []
    assert heard.data() == event.data
    assert (heard.tenant, heard.subject, heard.revision, heard.epoch, heard.void, heard.verb) == (
        event.tenant,
        event.subject,
        event.revision,
        event.epoch,
        event.void,
        event.verb,
    )
    assert (heard.time, heard.recorded_at) == (event.time, event.recorded_at)
    assert heard.traceparent == event.traceparent


@each_golden
def test_it_is_a_cloudevent_to_others(path: Path) -> None:
    event = decode(path.read_bytes())
    for value in (path.read_bytes(), encode(event)):
        message = KafkaMessage(
            {"content-type": b"application/cloudevents+json"}, event.key.encode(), value
        )
        heard = from_structured(message, JSONFormat(), CloudEvent)
        assert heard.get_specversion() == "1.0"
        assert heard.get_type() == f"otklik.{event.data.kind}.{event.verb}.v{event.data.version}"
        assert heard.get_source() == f"/{event.data.owner}"
        assert heard.get_subject() == event.key
        assert heard.get_time() == event.time
        assert heard.get_datacontenttype() == "application/json"
        assert heard.get_extension("tenant") == event.tenant
        data = heard.get_data()
        assert isinstance(data, dict)
        assert read_data(event.data.kind, event.data.version, json.dumps(data)) == event.data


@each_golden
def test_it_fits_the_published_schemas(path: Path) -> None:
    message = json.loads(path.read_text())
    kind, version = path.parent.parent.name, path.parent.name
    schema = json.loads((DOCS / "events" / f"{kind}.{version}.json").read_text())
    around = json.loads((DOCS / "events" / "envelope.json").read_text())
    checker = jsonschema.FormatChecker()
    jsonschema.validate(message, around, format_checker=checker)
    jsonschema.validate(message["data"], schema, format_checker=checker)


@each_contract
def test_every_contract_has_golden_messages_that_differ(fact: type[Fact]) -> None:
    said = [json.loads(path.read_text())["data"] for path in examples_of(fact)]
    assert len({json.dumps(one, sort_keys=True) for one in said}) == len(said) >= 2
    for name, field in fact.model_fields.items():
        values = [one.get(name) for one in said]
        assert any(name in one for one in said), f"no example says {name}"
        if not field.is_required():
            assert any(value != field.get_default(call_default_factory=True) for value in values), (
                f"every example leaves {name} as it is by default"
            )


def test_golden_messages_stand_under_a_declared_contract() -> None:
    known = {(fact.kind, f"v{fact.version}") for fact in CONTRACTS}
    assert {(path.parent.parent.name, path.parent.name) for path in GOLDEN} <= known
    assert all(len(path.read_bytes()) <= MAX_FACT_BYTES for path in GOLDEN)
    ids = [(json.loads(path.read_text())["id"]) for path in GOLDEN]
    assert len(set(ids)) == len(ids)


@each_contract
def test_a_field_of_the_future_is_ignored(fact: type[Fact]) -> None:
    message = json.loads(examples_of(fact)[0].read_text())
    now = decode(json.dumps(message).encode())
    message["data"]["of_the_future"] = {"anything": [1]}
    message["ofthefuture"] = "x"
    assert decode(json.dumps(message).encode()).data == now.data


@each_contract
def test_a_version_of_the_future_is_put_aside(fact: type[Fact]) -> None:
    message = json.loads(examples_of(fact)[0].read_text())
    message["type"] = message["type"].replace(f".v{fact.version}", ".v99")
    value = json.dumps(message).encode()
    with pytest.raises(Unreadable):
        decode(value)
    events, [unread] = read([Record("otklik.any", 0, 0, "key", value)])
    assert events == []
    assert "v99" in unread.reason


# --- Documents ----------------------------------------------------------------------------------


def test_the_committed_documents_are_the_generated_ones() -> None:
    generated = documents()
    stale = [
        name
        for name, content in generated.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text() != content
    ]
    assert stale == [], "run: python -m otklik_common.events_docs docs"
    committed = {f"events/{path.name}" for path in (DOCS / "events").glob("*.json")}
    assert committed == {name for name in generated if name.startswith("events/")}


def test_contracts_have_only_grown_by_optional_fields() -> None:
    assert broken(DOCS) == [], "declare a new version of the kind, with an upcast"


@each_contract
def test_schemas_are_schemas(fact: type[Fact]) -> None:
    jsonschema.Draft202012Validator.check_schema(data_schema(fact))
    jsonschema.Draft202012Validator.check_schema(envelope_schema(fact))


def test_the_asyncapi_document_holds_together() -> None:
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert {c["address"] for c in document["channels"].values()} == {
        f"otklik.{fact.owner}" for fact in CONTRACTS
    }
    assert set(document["components"]["messages"]) == {name_of(fact) for fact in CONTRACTS}
    references = list(_references(document))
    assert len(references) > 3 * len(CONTRACTS)
    for reference in references:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert isinstance(node, dict)
    for message in document["components"]["messages"].values():
        [example] = message["examples"]
        assert decode(json.dumps(example["payload"]).encode()).data.kind in message["name"]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)


def changed(**change: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": "a fact",
        "properties": {
            "kept": {"type": "integer", "minimum": 0},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "state": {"$ref": "#/$defs/State"},
        },
        "$defs": {"State": {"enum": ["open", "closed"], "type": "string"}},
        "required": ["kept", "state"],
    }
    properties = {**schema["properties"], **change.pop("properties", {})}
    properties = {name: value for name, value in properties.items() if value is not None}
    return {**schema, **change, "properties": properties}


def test_an_optional_field_may_come_and_words_may_change() -> None:
    new = changed(description="other words", properties={"late": {"default": 0, "type": "integer"}})
    assert incompatibilities(changed(), new) == []


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (changed(properties={"kept": None}), "kept: is gone"),
        (changed(properties={"maybe": None}), "maybe: is gone"),
        (
            changed(properties={"kept": {"type": "number", "minimum": 0}}),
            "kept: type was 'integer'",
        ),
        (changed(properties={"kept": {"type": "integer", "minimum": 1}}), "kept: minimum was 0"),
        (changed(properties={"maybe": {"type": "string"}}), "maybe: anyOf was"),
        (changed(required=["kept", "late", "state"]), "the fact: required was"),
        (changed(required=["kept"]), "the fact: required was"),
        (
            changed(**{"$defs": {"State": {"enum": ["open", "closed", "lost"], "type": "string"}}}),
            "State: enum was",
        ),
    ],
)
def test_anything_else_needs_a_new_version(new: dict[str, Any], why: str) -> None:
    assert [found for found in incompatibilities(changed(), new) if found.startswith(why)]


def test_an_incompatible_contract_is_not_written(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "events" / "points.v1.json"
    schema = json.loads(path.read_text())
    schema["properties"]["lot"] = {"type": "string"}
    path.write_text(json.dumps(schema))
    before = {each: each.read_text() for each in tmp_path.rglob("*.*") if each.is_file()}
    with pytest.raises(IncompatibleError, match=r"points\.v1 lot: is gone"):
        write(tmp_path)
    assert {each: each.read_text() for each in before} == before
