"""Which class reads which (kind, version), how older versions are lifted, and the wire format."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from otklik_common.events.envelope import Event, Fact, Json

C = TypeVar("C", bound=type[Fact])
Upcast = Callable[[Json], Json]

_contracts: dict[tuple[str, int], type[Fact]] = {}
_upcasts: dict[tuple[str, int], Upcast] = {}

TYPE = re.compile(r"^otklik\.([a-z_]+)\.([a-z_]+)\.v([1-9][0-9]{0,3})$")


class Unreadable(Exception):
    """A record that no reader of this build can understand; it belongs among the dead letters."""


def contract(kind: str, *, version: int, owner: str) -> Callable[[C], C]:
    """Register the decorated class as the state of a `kind`, written by the service `owner`."""

    def register(cls: C) -> C:
        if (kind, version) in _contracts:
            raise ValueError(f"contract {kind}.v{version} is declared twice")
        cls.kind, cls.version, cls.owner = kind, version, owner
        _contracts[kind, version] = cls
        return cls

    return register


def upcast(kind: str, *, from_version: int) -> Callable[[Upcast], Upcast]:
    """Register how a body of `from_version` becomes one of the next version."""

    def register(lift: Upcast) -> Upcast:
        _upcasts[kind, from_version] = lift
        return lift

    return register


def contracts() -> Mapping[tuple[str, int], type[Fact]]:
    """Every declared contract by (kind, version)."""
    return dict(_contracts)


def newest(kind: str) -> type[Fact]:
    """The contract of `kind` that writers use today. Raises Unreadable for an unknown kind."""
    versions = [version for known, version in _contracts if known == kind]
    if not versions:
        raise Unreadable(f"unknown kind {kind!r}")
    return _contracts[kind, max(versions)]


def parse_type(text: str) -> tuple[str, str, int]:
    """Kind, verb and version out of a CloudEvents type. Raises Unreadable."""
    found = TYPE.match(text)
    if not found:
        raise Unreadable(f"type {text!r} is not otklik.<kind>.<verb>.v<version>")
    return found[1], found[2], int(found[3])


def read_data(kind: str, version: int, body: bytes | str) -> Fact:
    """
    The state in `body`, lifted to the newest version of its kind.

    Raises:
        Unreadable: The kind or version is unknown, or the body breaks the contract.
    """
    target = newest(kind)
    try:
        if version == target.version:
            return target.model_validate_json(body)
        lifted: Json = json.loads(body)
        for step in range(version, target.version):
            lift = _upcasts.get((kind, step))
            if lift is None or (kind, step) not in _contracts:
                raise Unreadable(f"no way from {kind}.v{version} to v{target.version}")
            lifted = lift(lifted)
        if version > target.version:
            raise Unreadable(f"{kind}.v{version} is newer than this build")
        return target.model_validate(lifted, strict=False)
    except (ValidationError, ValueError) as broken:
        # The message of a validation error repeats the input: keep only where it broke.
        raise Unreadable(f"body breaks {kind}.v{version}: {_places(broken)}") from None


def _places(broken: Exception) -> str:
    if isinstance(broken, ValidationError):
        return ", ".join(
            f"{'.'.join(map(str, error['loc']))} ({error['type']})" for error in broken.errors()[:5]
        )
    return type(broken).__name__


def encode(event: Event[Fact]) -> bytes:
    """The event as UTF-8 JSON, as it stands in the outbox and on the log."""
    head = json.dumps(event.envelope(0), ensure_ascii=False, separators=(",", ":"))
    # pydantic renders the data; splicing spares a second pass over it.
    return head[: head.rindex("0}")].encode() + event.data.said().encode() + b"}"


def decode(value: bytes) -> Event[Fact]:
    """
    The event in a message.

    Raises:
        Unreadable: It is not JSON, lacks a field, or breaks its contract.
    """
    try:
        head: dict[str, Any] = json.loads(value)
        kind, verb, version = parse_type(head["type"])
        named, _, subject = head["subject"].partition("/")
        if named != kind:
            raise Unreadable(f"subject of kind {named!r} in an event of kind {kind!r}")
        return Event(
            tenant=head["tenant"],
            subject=UUID(subject),
            revision=int(head["revision"]),
            verb=verb,
            time=datetime.fromisoformat(head["time"]),
            recorded_at=datetime.fromisoformat(head["recordedtime"]),
            data=read_data(kind, version, json.dumps(head["data"])),
            void=bool(head["void"]),
            epoch=int(head["epoch"]),
            traceparent=head.get("traceparent"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise Unreadable(f"not an event: {type(broken).__name__}") from None
