"""What is wrong with a mapping that has the right form, before any file is read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from otklik_common.errors import FieldError, Unprocessable
from otklik_contact_center.domain.mapping import Condition, EventOfRow, Time, Value
from otklik_contact_center.domain.mapping import Mapping as FileMapping
from otklik_contact_center.domain.mapping_targets import Target, target_of
from otklik_contact_center.domain.mapping_times import halves_of, zone_of

MOST_FAULTS: Final = 50


class BadMapping(Unprocessable):
    """A mapping that no file can be read by."""

    code = "bad_mapping"


def check_mapping(mapping: FileMapping) -> None:
    """Return if files can be read by it. Raises BadMapping, every fault as a field error."""
    faults = list(_faults(mapping))[:MOST_FAULTS]
    if faults:
        raise BadMapping(
            f"the mapping has {len(faults)} faults, the first: {faults[0].field}"
            f" {faults[0].detail}",
            detail_ru=f"в описании колонок ошибок: {len(faults)}, первая: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults,
        )


def _fault(field: str, code: str, en: str, ru: str) -> FieldError:
    return FieldError(f"mapping.{field}", code, en, ru)


def _faults(mapping: FileMapping) -> Iterator[FieldError]:
    yield from _of_format(mapping)
    if zone_of(mapping.clock.zone) is None:
        yield _fault(
            "clock.zone",
            "unknown_zone",
            f"names no zone of the IANA database: {mapping.clock.zone}",
            f"не найдена в базе часовых поясов IANA: {mapping.clock.zone}",
        )
    latest_by = mapping.key.latest_by
    if latest_by is not None:
        yield from _names("key.latest_by", [latest_by], mapping.times)
    for name, time in mapping.times.items():
        yield from _of_time(f"times.{name}", name, time, mapping.times)
    yield from _of_fields("fields", mapping.fields, mapping.times)
    yield from _of_events(mapping)
    for place, order in enumerate(mapping.orders):
        yield from _names(f"orders.{place}.times", order.times, mapping.times)
    for place, requirement in enumerate(mapping.requirements):
        yield from _names(f"requirements.{place}.times", requirement.times, mapping.times)
        yield from _of_conditions(f"requirements.{place}.when", requirement.when)
    yield from _of_conditions("skip", mapping.skip)


def _of_format(mapping: FileMapping) -> Iterator[FieldError]:
    file = mapping.format
    for name in ("delimiter", "quote"):
        sign = getattr(file, name)
        if sign in "\r\n\0 " or (not sign.isprintable() and sign != "\t"):
            yield _fault(
                f"format.{name}", "invalid", "cannot part cells", "не может разделять поля"
            )
    if file.delimiter == file.quote:
        yield _fault(
            "format.quote", "invalid", "is the delimiter as well", "совпадает с разделителем"
        )
    if file.header is not None and len(set(file.header)) < len(file.header):
        yield _fault("format.header", "repeated", "names a column twice", "имя колонки повторяется")


def _names(field: str, names: Iterable[str], times: Mapping[str, Time]) -> Iterator[FieldError]:
    for name in names:
        if name not in times:
            yield _fault(
                field, "unknown_time", f"names no time: {name}", f"нет времени с именем {name}"
            )


def _of_time(field: str, name: str, time: Time, times: Mapping[str, Time]) -> Iterator[FieldError]:
    apart = time.time_column is not None
    if apart != (time.time_formats is not None):
        yield _fault(
            f"{field}.time_formats",
            "invalid",
            "goes with time_column",
            "указывается вместе с time_column",
        )
    if time.not_before is not None and not apart:
        yield _fault(
            f"{field}.not_before",
            "invalid",
            "is for a time of day apart from its date",
            "имеет смысл, только если время дня стоит отдельно от даты",
        )
    yield from _of_patterns(f"{field}.formats", time.formats, date=True, time=not apart)
    yield from _of_patterns(f"{field}.time_formats", time.time_formats or [], date=False, time=True)
    for attribute in ("not_before", "instead"):
        other = getattr(time, attribute)
        if other is None:
            continue
        yield from _names(f"{field}.{attribute}", [other], times)
        if other in times and _leads_back(name, other, times):
            yield _fault(
                f"{field}.{attribute}", "circular", "leads back to itself", "ссылается само на себя"
            )
    yield from _of_conditions(f"{field}.instead_when", time.instead_when)


def _leads_back(start: str, other: str, times: Mapping[str, Time]) -> bool:
    waiting, seen = [other], set[str]()
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        time = times.get(name)
        if time is not None and name not in seen:
            seen.add(name)
            waiting += [one for one in (time.not_before, time.instead) if one is not None]
    return False


def _of_patterns(
    field: str, patterns: Sequence[str], *, date: bool, time: bool
) -> Iterator[FieldError]:
    for pattern in patterns:
        try:
            halves = halves_of(pattern)
        except ValueError as wrong:
            yield _fault(
                field, "bad_format", f"{pattern}: {wrong}", f"{pattern}: формат времени не понятен"
            )
            continue
        # A date without a time of day means midnight; a time of day without a date means nothing.
        if halves.date != date or (halves.time and not time):
            what, ru = ("a date", "дату") if date else ("a time of day", "время дня")
            yield _fault(
                field,
                "bad_format",
                f"{pattern} must tell {what}",
                f"{pattern} должен задавать {ru}",
            )


def _of_conditions(field: str, conditions: Sequence[Condition]) -> Iterator[FieldError]:
    for place, one in enumerate(conditions):
        if sum(given is not None for given in (one.in_, one.not_in, one.empty)) != 1:
            yield _fault(
                f"{field}.{place}",
                "invalid",
                "needs one of in, not_in, empty",
                "нужно одно из in, not_in, empty",
            )


def _of_events(mapping: FileMapping) -> Iterator[FieldError]:
    labels: set[str] = set()
    for place, event in enumerate(mapping.events):
        field = f"events.{place}"
        if event.label in labels:
            yield _fault(
                f"{field}.name",
                "repeated",
                f"another event is called {event.label}",
                f"имя {event.label} уже занято",
            )
        labels.add(event.label)
        yield from _of_event(field, event, mapping.times)


def _of_event(field: str, event: EventOfRow, times: Mapping[str, Time]) -> Iterator[FieldError]:
    yield from _names(f"{field}.at", [event.at], times)
    yield from _of_conditions(f"{field}.when", event.when)
    yield from _of_fields(f"{field}.fields", event.fields, times)


def _of_fields(
    field: str, fields: Mapping[str, Value], times: Mapping[str, Time]
) -> Iterator[FieldError]:
    for name, value in fields.items():
        target = target_of(name)
        if target is None:
            yield _fault(
                f"{field}.{name}", "unknown_field", "is no field of an event", "такого поля нет"
            )
        else:
            yield from _of_value(f"{field}.{name}", value, target, times)


def _of_value(
    field: str, value: Value, target: Target, times: Mapping[str, Time]
) -> Iterator[FieldError]:
    given = [one for one in (value.column, value.constant, value.time) if one is not None]
    if len(given) != 1:
        yield _fault(
            field,
            "invalid",
            "needs one of column, constant, time",
            "нужно одно из column, constant, time",
        )
        return
    if (value.time is not None) != (target.kind == "time"):
        yield _fault(field, "invalid", "takes a time, or none", "время здесь не к месту или нужно")
    if value.time is not None:
        yield from _names(f"{field}.time", [value.time], times)
    if (value.convert != "text") != (target.kind == "seconds"):
        yield _fault(
            f"{field}.convert",
            "invalid",
            "seconds, milliseconds, minutes or clock go with spans",
            "seconds, milliseconds, minutes и clock — для длительностей",
        )
    if target.kind == "text":
        yield from _of_texts(field, value, target)
    elif value.values is not None or value.default is not UNSET:
        yield _fault(field, "invalid", "takes no values or default", "без values и default")


def _of_texts(field: str, value: Value, target: Target) -> Iterator[FieldError]:
    texts = [value.constant, *(value.values or {}).values()]
    if isinstance(value.default, str):
        texts.append(value.default)
    for text in texts:
        if text is None:
            continue
        if not 1 <= len(text) <= target.most or "\0" in text:
            yield _fault(
                field,
                "out_of_range",
                f"needs texts of 1 to {target.most} characters",
                f"нужен текст от 1 до {target.most} знаков",
            )
        elif target.among and text not in target.among:
            yield _fault(
                field,
                "not_one_of",
                f"must be one of {', '.join(target.among)}",
                f"допустимо: {', '.join(target.among)}",
            )
