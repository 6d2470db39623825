"""What comes in: strict models, times with a zone, and what is wrong with a value, in two languages."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from otklik_common.errors import FieldError, Unprocessable

# --- Refusing a value ---------------------------------------------------------------------------


def bad_value(code: str, en: str, ru: str) -> PydanticCustomError:
    """
    What a validator raises to refuse a value with a stable code and a text in both languages.

    The texts may show the value only where it cannot be personal.
    """
    return PydanticCustomError(code, "{en}", {"en": en, "ru": ru})


# --- Times --------------------------------------------------------------------------------------

OLDEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
MOST_AHEAD: Final = timedelta(hours=24)
FLAGGED_AHEAD: Final = timedelta(minutes=10)

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*", re.DOTALL)


class TimeInFuture(Unprocessable):
    """A clock far ahead of ours."""

    code = "time_in_future"


class TimeTooOld(Unprocessable):
    """Before anything that is counted."""

    code = "time_too_old"


def check_time(at: datetime, now: datetime) -> bool:
    """
    Whether `at` lies so far ahead of `now` (10 min to 24 h) that it is kept but flagged.

    Any lateness is welcome, down to 1990.

    Raises:
        TimeInFuture: More than 24 hours ahead.
        TimeTooOld: Before 1990.
    """
    if at > now + MOST_AHEAD:
        raise TimeInFuture(
            f"time {at.isoformat()} is more than 24 hours ahead",
            detail_ru=f"время {at.isoformat()} больше чем на 24 часа впереди",
        )
    if at < OLDEST:
        raise TimeTooOld(
            f"time {at.isoformat()} is before 1990",
            detail_ru=f"время {at.isoformat()} раньше 1990 года",
        )
    return at > now + FLAGGED_AHEAD


def _written_as_time(value: object) -> object:
    # Pydantic would also take seconds since 1970, and digits in quotes for the same.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise bad_value(
        "malformed",
        "must be a time with offset, like 2026-03-02T09:14:05+03:00",
        "ожидается время со смещением, например 2026-03-02T09:14:05+03:00",
    )


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise bad_value(
            "time_without_zone",
            "must say its offset from UTC, like 2026-03-02T09:14:05+03:00",
            "нужно смещение от UTC, например 2026-03-02T09:14:05+03:00",
        )
    if not 1900 <= value.year <= 9000:
        raise bad_value(
            "out_of_range",
            "must be between the years 1900 and 9000",
            "допустимы годы с 1900 по 9000",
        )
    return value.astimezone(UTC)


AwareTime = Annotated[datetime, BeforeValidator(_written_as_time), AfterValidator(_in_utc)]
"""A moment as RFC 3339 with offset, turned to UTC; one without a zone is `time_without_zone`."""


# --- Strict models ------------------------------------------------------------------------------

MOST_DEPTH: Final = 32
"""Levels of a free-form value."""


_INNER: Final = (
    "schema",
    "items_schema",
    "keys_schema",
    "values_schema",
    "choices",
    "fields",
    "extras_schema",
    "steps",
)


def _strict(schema: Any) -> Any:
    """A copy of a core schema in which plain types are strict; other models mind themselves."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if isinstance(schema, tuple):  # a choice and its label
        return (_strict(schema[0]), *schema[1:])
    if not isinstance(schema, dict):
        return schema
    if not isinstance(schema.get("type"), str):  # fields or choices by name, maybe of this name
        return {name: _strict(one) for name, one in schema.items()}
    kind = schema["type"]
    if kind in _LEAVES:
        return _LEAVES[kind](schema)
    if kind in {"model", "definition-ref"}:
        return schema
    return {name: _strict(one) if name in _INNER else one for name, one in schema.items()}


def _storable(value: str) -> str:
    if "\x00" in value:
        raise bad_value(
            "malformed", "must not contain the character NUL", "недопустимый символ NUL"
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise bad_value(
                "malformed",
                "must not contain half of a surrogate pair",
                "недопустимый символ Юникода",
            ) from None
    return value


def storable_json(value: Any, depth: int = 0) -> Any:
    """`value`, if PostgreSQL can keep it as jsonb. Raises what `bad_value` makes."""
    if depth > MOST_DEPTH:
        raise bad_value(
            "too_deep",
            f"must not be nested deeper than {MOST_DEPTH} levels",
            f"вложенность больше {MOST_DEPTH} уровней",
        )
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, float):
        if value - value != 0:  # not a number, or endless
            raise bad_value("out_of_range", "must be a finite number", "ожидается конечное число")
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _storable(str(name))
            storable_json(one, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            storable_json(one, depth + 1)
    return value


def _before(check: Any, schema: Any) -> Any:
    return core_schema.no_info_before_validator_function(check, schema)


def _after(check: Any, schema: Any) -> Any:
    return core_schema.no_info_after_validator_function(check, schema)


def _not_a_number(value: object) -> object:
    # Otherwise 3600 would be a length of time and "0" the first day of 1970.
    if isinstance(value, bool | int | float) or (isinstance(value, str) and _is_number(value)):
        raise bad_value(
            "wrong_type", "must be written out, not as a number", "нужна запись, а не число"
        )
    return value


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?[0-9.]+\s*", text) is not None


_STRICT: Final = "otklik_strict"

WrittenDate = Annotated[date, BeforeValidator(_not_a_number)]
"""A day as 2026-03-02 in a query; a number is none, though it could count seconds since 1970."""

_LEAVES: Final[Mapping[str, Any]] = {
    "int": lambda schema: {**schema, "strict": True},
    "float": lambda schema: {**schema, "strict": True},
    "bool": lambda schema: {**schema, "strict": True},
    "str": lambda schema: _after(_storable, schema),
    "any": lambda schema: _after(storable_json, schema),
    "datetime": lambda schema: _after(_in_utc, _before(_written_as_time, schema)),
    "date": lambda schema: _before(_not_a_number, schema),
    "time": lambda schema: _before(_not_a_number, schema),
    "timedelta": lambda schema: _before(_not_a_number, schema),
}


class StrictModel(BaseModel):
    """
    A body as we accept it: unknown fields are refused, and JSON's types are taken at their word.

    A string is no number, a number no string, 1 no truth, a number of seconds no time; neither
    not-a-number nor characters that PostgreSQL cannot store (NUL, half a surrogate pair) pass.
    Every `datetime` needs an offset, as AwareTime does. Ids, enumerations, decimals and times
    are read from strings, as JSON has nothing better.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=100_000)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """The schema of the model with its plain types made strict."""
        schema = handler(source)
        model: Any = handler.resolve_ref_schema(schema)
        if model["type"] == "model":
            # Pydantic keeps this very dictionary and hands it out at every use of the model:
            # wrapped at each, it would grow until no description of the API could be made.
            marks = model.setdefault("metadata", {})
            if not marks.get(_STRICT):
                model["schema"] = _strict(model["schema"])
                marks[_STRICT] = True
        return schema


def never_null(schema: dict[str, Any]) -> None:
    """`json_schema_extra` of a model in which None stands for a field left out, and null for nothing."""
    for described in schema["properties"].values():
        options = described.get("anyOf", ())
        plain = [one for one in options if one.get("type") != "null"]
        if len(plain) == 1:
            del described["anyOf"]
            described.pop("default", None)
            described.update(plain[0])


# --- What is wrong, in words --------------------------------------------------------------------

_PYDANTIC: Final = frozenset(get_args(core_schema.ErrorType))

_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "missing": ("missing", "is required", "обязательное поле"),
    "missing_argument": ("missing", "is required", "обязательное поле"),
    "extra_forbidden": ("unknown_field", "is not a known field", "неизвестное поле"),
    "string_type": ("wrong_type", "must be a string", "ожидается строка"),
    "int_type": ("wrong_type", "must be a whole number", "ожидается целое число"),
    "int_parsing": ("wrong_type", "must be a whole number", "ожидается целое число"),
    "int_from_float": ("wrong_type", "must be a whole number", "ожидается целое число"),
    "int_parsing_size": ("out_of_range", "is too large a number", "слишком большое число"),
    "float_type": ("wrong_type", "must be a number", "ожидается число"),
    "float_parsing": ("wrong_type", "must be a number", "ожидается число"),
    "bool_type": ("wrong_type", "must be true or false", "ожидается true или false"),
    "bool_parsing": ("wrong_type", "must be true or false", "ожидается true или false"),
    "list_type": ("wrong_type", "must be a list", "ожидается список"),
    "tuple_type": ("wrong_type", "must be a list", "ожидается список"),
    "set_type": ("wrong_type", "must be a list", "ожидается список"),
    "frozen_set_type": ("wrong_type", "must be a list", "ожидается список"),
    "dict_type": ("wrong_type", "must be an object", "ожидается объект"),
    "model_type": ("wrong_type", "must be an object", "ожидается объект"),
    "model_attributes_type": ("wrong_type", "must be an object", "ожидается объект"),
    "none_required": ("wrong_type", "must be null", "ожидается null"),
    "finite_number": ("out_of_range", "must be a finite number", "ожидается конечное число"),
    "greater_than": ("out_of_range", "must be greater than {gt}", "должно быть больше {gt}"),
    "greater_than_equal": ("out_of_range", "must be at least {ge}", "должно быть не меньше {ge}"),
    "less_than": ("out_of_range", "must be less than {lt}", "должно быть меньше {lt}"),
    "less_than_equal": ("out_of_range", "must be at most {le}", "должно быть не больше {le}"),
    "multiple_of": (
        "out_of_range",
        "must be a multiple of {multiple_of}",
        "должно быть кратно {multiple_of}",
    ),
    "decimal_max_digits": (
        "out_of_range",
        "must have at most {max_digits} digits",
        "допустимо не больше {max_digits} цифр",
    ),
    "decimal_max_places": (
        "out_of_range",
        "must have at most {decimal_places} decimal places",
        "допустимо не больше {decimal_places} знаков после запятой",
    ),
    "decimal_whole_digits": (
        "out_of_range",
        "must have at most {whole_digits} digits before the point",
        "допустимо не больше {whole_digits} цифр до запятой",
    ),
    "string_too_short": (
        "too_short",
        "must have at least {min_length} characters",
        "нужно не меньше символов: {min_length}",
    ),
    "string_too_long": (
        "too_long",
        "must have at most {max_length} characters",
        "допустимо не больше символов: {max_length}",
    ),
    "too_short": (
        "too_short",
        "must have at least {min_length} items",
        "нужно не меньше элементов: {min_length}",
    ),
    "too_long": (
        "too_long",
        "must have at most {max_length} items",
        "допустимо не больше элементов: {max_length}",
    ),
    "string_pattern_mismatch": (
        "malformed",
        "must match {pattern}",
        "не соответствует образцу {pattern}",
    ),
    "literal_error": ("not_one_of", "must be {expected}", "допустимо: {expected}"),
    "enum": ("not_one_of", "must be {expected}", "допустимо: {expected}"),
    "union_tag_invalid": ("not_one_of", "must be {expected_tags}", "допустимо: {expected_tags}"),
    "union_tag_not_found": ("missing", "lacks {discriminator}", "нет поля {discriminator}"),
    "uuid_type": ("malformed", "must be a UUID", "ожидается UUID"),
    "uuid_parsing": ("malformed", "must be a UUID", "ожидается UUID"),
    "decimal_type": ("malformed", "must be a decimal number", "ожидается десятичное число"),
    "decimal_parsing": ("malformed", "must be a decimal number", "ожидается десятичное число"),
}
_MALFORMED: Final = ("malformed", "is malformed", "неверный формат")
_INVALID: Final = ("invalid", "is not acceptable", "недопустимое значение")

MOST_SHOWN: Final = 50
"""Field errors of one problem document."""


def field_errors(errors: Iterable[ErrorDetails] | ValidationError) -> tuple[FieldError, ...]:
    """
    What Pydantic found wrong, as fields, codes and words of ours; never with the value itself.

    Codes: missing, unknown_field, wrong_type, out_of_range, too_short, too_long, not_one_of,
    malformed, invalid, and those of `bad_value`.
    """
    found = errors.errors(include_url=False) if isinstance(errors, ValidationError) else errors
    return tuple(_field_error(error) for error in list(found)[:MOST_SHOWN])


def _field_error(error: ErrorDetails) -> FieldError:
    field = _path(error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind not in _PYDANTIC or "en" in context:  # one of ours, by bad_value
        return FieldError(field, kind, str(context.get("en", error["msg"])), context.get("ru"))
    if kind in {"value_error", "assertion_error"}:
        return FieldError(field, "invalid", error["msg"].partition(", ")[2] or error["msg"])
    code, english, russian = _WORDS.get(kind, _MALFORMED if "parsing" in kind else _INVALID)
    # Pydantic joins what it expected in English.
    among = {name: str(value).replace(" or ", " или ") for name, value in context.items()}
    return FieldError(field, code, english.format_map(context), russian.format_map(among))


def _path(location: Iterable[str | int]) -> str:
    parts = [str(part)[:100] for part in location]
    if len(parts) > 1 and parts[0] == "body":
        del parts[0]
    # Pydantic names the branches of a union and the functions in between; callers know neither.
    return ".".join(part for part in parts if "[" not in part)[:300]
