"""
The event contracts as documents: JSON Schemas, AsyncAPI 3, and pages for people.

`python -m otklik_common.events_docs docs` writes them; a change that could break a reader is not
written but named: it needs a new version of its kind.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from otklik_common.events import (  # noqa: F401 - documents need every contract to be declared
    access,
    asking,
    claims,
    contact_center,
    feedback,
    feedback_clocks,
    leads,
    loyalty,
    metrics,
    reviews,
    scripts,
    staff,
)
from otklik_common.events.envelope import MAX_FACT_BYTES, Fact, Json
from otklik_common.events.registry import contracts

EXAMPLES: Final = Path(__file__).parent / "events" / "examples"
PARTITIONS: Final = 12
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE: Final = "application/cloudevents+json"

_WORDS_ONLY: Final = frozenset({"description", "title", "examples", "$comment"})


class IncompatibleError(Exception):
    """A contract has changed in a way that needs a new version."""


# --- JSON Schema --------------------------------------------------------------------------------


def name_of(fact: type[Fact]) -> str:
    """`contact.v1`."""
    return f"{fact.kind}.v{fact.version}"


def all_contracts() -> list[type[Fact]]:
    """Every declared contract, by owner, kind and version."""
    return sorted(contracts().values(), key=lambda fact: (fact.owner, fact.kind, fact.version))


def data_schema(fact: type[Fact]) -> Json:
    """The state of one kind, as readers must be ready to find it; unknown fields may come."""
    schema = _tidy(fact.model_json_schema(mode="validation"))
    return {
        "$schema": DIALECT,
        "$id": f"urn:otklik:event:{fact.kind}:v{fact.version}",
        **schema,
        "title": name_of(fact),
    }


def envelope_schema(fact: type[Fact] | None = None, *, data: Json | None = None) -> Json:
    """
    The CloudEvents object around the state of any kind, or of one.

    Args:
        data: Schema of its state.
    """
    kind = r"[a-z_]+" if fact is None else fact.kind
    version = "[1-9][0-9]*" if fact is None else str(fact.version)
    source: Json = {"type": "string"} if fact is None else {"const": f"/{fact.owner}"}
    texts: dict[str, Json] = {
        "specversion": {"const": "1.0"},
        "id": _text("subject, epoch and revision: equal for equal content"),
        "source": source | {"description": "the service that owns the kind"},
        "type": _text(
            "kind, a verb for readers, version", rf"^otklik\.{kind}\.[a-z_]+\.v{version}$"
        ),
        "datacontenttype": {"const": "application/json"},
        "tenant": _text("short id of the company", "^[a-z][a-z2-7]{7}$"),
        "subject": _text("kind and id; key of the message", f"^{kind}/[0-9a-f-]{{36}}$"),
        "epoch": _count("raised by a restore; outranks `revision`"),
        "revision": _count("grows by one; keep the state of the highest (epoch, revision)"),
        "time": _moment("when it happened"),
        "recordedtime": _moment("when its owner learned of it; grows strictly for one subject"),
        "void": {"type": "boolean", "description": "the subject contributes nothing (any more)"},
        "traceparent": _text("W3C trace context; optional"),
    }
    properties: Json = {**texts, "data": data or {"type": "object"}}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "traceparent"],
    }


def _text(meaning: str, pattern: str | None = None) -> Json:
    schema: Json = {"type": "string", "description": meaning}
    return schema if pattern is None else {**schema, "pattern": pattern}


def _count(meaning: str) -> Json:
    return {"type": "integer", "minimum": 1, "description": meaning}


def _moment(meaning: str) -> Json:
    return {"type": "string", "format": "date-time", "description": meaning}


def _tidy(node: Any) -> Any:
    """A schema without the titles that pydantic makes of names, and with plain descriptions."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    tidy: Json = {}
    for name, value in node.items():
        if name == "title" and isinstance(value, str):
            continue
        if name in {"properties", "$defs"}:
            tidy[name] = {inner: _tidy(schema) for inner, schema in value.items()}
        elif name == "description" and isinstance(value, str):
            tidy[name] = " ".join(value.split())
        elif name in {"default", "enum", "const"}:
            tidy[name] = value
        else:
            tidy[name] = _tidy(value)
    return tidy


# --- What a change may be -----------------------------------------------------------------------


def incompatibilities(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> list[str]:
    """
    What of `new` a reader or writer of `old` could trip over; empty when only optional fields came.

    A value added to an enumeration counts: readers that do not know it would refuse the fact.
    """
    found: list[str] = []
    for word in sorted((old.keys() | new.keys()) - _WORDS_ONLY - {"properties", "$defs"}):
        before, after = _plain(old.get(word)), _plain(new.get(word))
        if before != after:
            found.append(f"{at or 'the fact'}: {word} was {before!r} and is {after!r}")
    for group in ("properties", "$defs"):
        known, now = old.get(group, {}), new.get(group, {})
        for name in sorted(known):
            place = f"{at}.{name}" if at else name
            if name not in now:
                found.append(f"{place}: is gone")
            else:
                found += incompatibilities(known[name], now[name], place)
    return found


def _plain(value: Any) -> Any:
    """A value without its descriptions, lists of names in order."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in _WORDS_ONLY}
    if isinstance(value, list):
        plain = [_plain(one) for one in value]
        return sorted(plain) if all(isinstance(one, str) for one in plain) else plain
    return value


# --- AsyncAPI -----------------------------------------------------------------------------------


def asyncapi() -> Json:
    """Topics, messages and who sends them, as AsyncAPI 3.0 (https://www.asyncapi.com/docs)."""
    facts = all_contracts()
    by_owner: dict[str, list[type[Fact]]] = {}
    for fact in facts:
        by_owner.setdefault(fact.owner, []).append(fact)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Otklik events",
            "version": "1.0.0",
            "description": (
                "Facts that carry state: this subject, at this epoch and revision, is now like "
                "this. Keep the highest (epoch, revision) of each subject; repetition and order "
                "then change nothing. Nothing personal stands in a fact."
            ),
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": {owner: _channel(owner, owned) for owner, owned in by_owner.items()},
        "operations": {
            f"{owner}.tell": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{owner}"},
                "summary": f"{owner} tells what became true",
                "messages": [
                    {"$ref": f"#/channels/{owner}/messages/{name_of(fact)}"} for fact in owned
                ],
            }
            for owner, owned in by_owner.items()
        },
        "components": {
            "messages": {name_of(fact): _message(fact) for fact in facts},
            "schemas": _schemas(facts),
        },
    }


def _channel(owner: str, owned: Iterable[type[Fact]]) -> Json:
    return {
        "address": f"otklik.{owner}",
        "description": f"Facts of {owner}. All revisions of a subject keep their order.",
        "messages": {
            name_of(fact): {"$ref": f"#/components/messages/{name_of(fact)}"} for fact in owned
        },
        "bindings": {
            "kafka": {
                "topic": f"otklik.{owner}",
                "partitions": PARTITIONS,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(fact: type[Fact]) -> Json:
    example = next(iter(sorted(examples_of(fact))), None)
    state = {"$ref": f"#/components/schemas/{name_of(fact)}"}
    message: Json = {
        "name": name_of(fact),
        "title": fact.kind.replace("_", " "),
        "summary": summary_of(fact),
        "contentType": MEDIA_TYPE,
        "payload": envelope_schema(fact, data=state),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "the event's subject"},
                "bindingVersion": "0.5.0",
            }
        },
    }
    if example is not None:
        shown = json.loads(example.read_text())
        message["examples"] = [{"name": example.stem, "payload": shown}]
    return message


def _schemas(facts: Sequence[type[Fact]]) -> Json:
    """Each contract under its name, and what they share under the names of their types."""
    reference = "#/components/schemas/{model}"
    places, definitions = models_json_schema(
        [(fact, "validation") for fact in facts], ref_template=reference
    )
    defined = _tidy(definitions["$defs"])
    named = {places[fact, "validation"]["$ref"].rsplit("/", 1)[1]: name_of(fact) for fact in facts}
    return {named.get(name, name): defined[name] for name in sorted(defined)}


# --- Pages --------------------------------------------------------------------------------------


def summary_of(fact: type[Fact]) -> str:
    """First paragraph of what its docstring says."""
    return " ".join((fact.__doc__ or "").strip().split("\n\n")[0].split())


def page() -> str:
    """docs/events.md."""
    lines = [
        "# Events",
        "",
        "Generated from `libs/common/otklik_common/events` by",
        "`python -m otklik_common.events_docs docs`; edit the contracts, not this page.",
        "",
        "Every message is a [CloudEvents](https://cloudevents.io) 1.0 object in structured JSON, at",
        f"most {MAX_FACT_BYTES // 1024} KiB. Its key is its subject. `data` is the **whole state** of",
        "the subject: keep the state of the highest `(epoch, revision)`, and repeated, late or",
        "reordered messages change nothing. A **void** revision contributes nothing and may be",
        "revived by a higher one. A field that is not there has the default of its schema, an object",
        "without one is empty; defaults of a version never change. Ignore fields that you do not",
        "know; put kinds and versions that you do not know aside. People are keyed pseudonyms",
        "(`ph1_…`, `em1_…`, `x1_…`).",
        "",
        "Machines read [events/asyncapi.json](events/asyncapi.json) and one JSON Schema for each",
        "kind; messages to test with are in `libs/common/otklik_common/events/examples`.",
        "",
        "## The envelope",
        "",
        *_table(envelope_schema()),
    ]
    owner = ""
    for fact in all_contracts():
        if fact.owner != owner:
            owner = fact.owner
            lines += ["", f"## {owner}: topic `otklik.{owner}`"]
        text = " ".join((fact.__doc__ or "").split())
        schema = data_schema(fact)
        link = f"[JSON Schema](events/{name_of(fact)}.json)"
        lines += ["", f"### {name_of(fact)}", "", f"{text} {link}", "", *_table(schema)]
    return "\n".join(lines) + "\n"


def _table(schema: Mapping[str, Any]) -> list[str]:
    required = frozenset(schema.get("required", ()))
    rows = ["| field | type | always there | meaning |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        meaning = field.get("description", "").replace("|", "\\|")
        kind = _type_of(field, schema.get("$defs", {})).replace("|", "\\|")
        rows.append(f"| `{name}` | {kind} | {'yes' if name in required else ''} | {meaning} |")
    return rows


def _type_of(field: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in field:
        return _type_of(defined[field["$ref"].rsplit("/", 1)[1]], defined)
    if "anyOf" in field:
        return " or ".join(_type_of(one, defined) for one in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type_of(field['items'], defined)}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"{_type_of(field['additionalProperties'], defined)} by name"
    return str(field.get("format") or field.get("type", "any"))


# --- Writing ------------------------------------------------------------------------------------


def examples_of(fact: type[Fact]) -> list[Path]:
    """Golden messages of a contract."""
    return sorted((EXAMPLES / fact.kind / f"v{fact.version}").glob("*.json"))


def documents() -> dict[str, str]:
    """Content of every generated document, by its path under `docs`."""
    made = {f"events/{name_of(fact)}.json": _json(data_schema(fact)) for fact in all_contracts()}
    made["events/envelope.json"] = _json({"$schema": DIALECT, **envelope_schema()})
    made["events/asyncapi.json"] = _json(asyncapi())
    made["events.md"] = page()
    return made


def broken(folder: Path) -> list[str]:
    """Incompatible changes of contracts whose schemas stand in `folder`, one a line."""
    found = []
    for fact in all_contracts():
        committed = folder / "events" / f"{name_of(fact)}.json"
        if committed.exists():
            old = json.loads(committed.read_text())
            found += [f"{name_of(fact)} {why}" for why in incompatibilities(old, data_schema(fact))]
    return found


def write(folder: Path) -> None:
    """
    Write all documents.

    Raises:
        IncompatibleError: A contract that was written before has changed incompatibly; nothing is
            written. Declare a new version beside it, with an upcast.
    """
    if found := broken(folder):
        raise IncompatibleError("\n".join(found))
    (folder / "events").mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (folder / name).write_text(content)


def _json(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """Write the documents into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        write(parser.parse_args().folder)
    except IncompatibleError as no:
        sys.stderr.write(f"{no}\nonly optional fields may be added; declare a new version\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
