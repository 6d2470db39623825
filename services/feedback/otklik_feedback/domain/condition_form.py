"""Conditions as they are written: read with a word on what is wrong, and written the same way."""

from collections.abc import Mapping
from typing import Any, Final

from otklik_feedback.domain.condition import (
    MOST_DEEP,
    MOST_TESTS,
    Condition,
    Every,
    Literal,
    Negated,
    Op,
    Some,
    Test,
    depth_of,
    tests_of,
)
from otklik_feedback.domain.question import BadSurvey

MOST_VALUES: Final = 100
WITHOUT_VALUE: Final = frozenset((Op.ANSWERED, Op.UNANSWERED))
WITH_LIST: Final = frozenset((Op.IN, Op.NOT_IN, Op.CONTAINS_ANY, Op.CONTAINS_ALL))


def parse_condition(said: object, *, deep: int = 1) -> Condition:
    """
    A condition from `{"question", "op", "value"}`, `{"all": […]}`, `{"any": […]}`, `{"not": …}`.

    Raises:
        BadSurvey: Another form, a word that is no op, nested too deep, or too many tests.
    """
    if deep > MOST_DEEP:
        raise _bad(f"nested deeper than {MOST_DEEP}", f"вложено глубже {MOST_DEEP}")
    if not isinstance(said, Mapping):
        raise _bad("an object is expected", "ожидается объект")
    found: Condition
    match dict(said):
        case {"all": [_, *_] as of, **rest} if not rest:
            found = Every(tuple(parse_condition(each, deep=deep + 1) for each in of[:MOST_TESTS]))
            _few(len(of))
        case {"any": [_, *_] as of, **rest} if not rest:
            found = Some(tuple(parse_condition(each, deep=deep + 1) for each in of[:MOST_TESTS]))
            _few(len(of))
        case {"not": of, **rest} if not rest:
            found = Negated(parse_condition(of, deep=deep + 1))
        case {"question": str() as question, "op": op, **rest} if rest.keys() <= {"value"}:
            found = _test(question, op, rest)
        case _:
            raise _bad(
                "write {question, op, value}, {all: [...]}, {any: [...]} or {not: ...}",
                "нужно {question, op, value}, {all: [...]}, {any: [...]} или {not: ...}",
            )
    if deep == 1:
        bound(found)
    return found


def bound(condition: Condition) -> None:
    """
    See that a condition is within its limits.

    Raises:
        BadSurvey: Nested deeper than 8, or more than 50 tests.
    """
    if depth_of(condition) > MOST_DEEP:
        raise _bad(f"nested deeper than {MOST_DEEP}", f"вложено глубже {MOST_DEEP}")
    _few(sum(1 for _ in tests_of(condition)))


def written_condition(condition: Condition) -> dict[str, Any]:
    """The same as plain data."""
    match condition:
        case Every(of):
            return {"all": [written_condition(each) for each in of]}
        case Some(of):
            return {"any": [written_condition(each) for each in of]}
        case Negated(of):
            return {"not": written_condition(of)}
        case Test(question, op, value):
            plain = {"question": question, "op": op.value}
            if op in WITHOUT_VALUE:
                return plain
            return plain | {"value": list(value) if isinstance(value, tuple) else value}


def _test(question: str, op: object, rest: Mapping[str, object]) -> Test:
    if not isinstance(op, str) or op not in set(Op):
        raise _bad(f"op is one of {', '.join(Op)}", f"op — одно из {', '.join(Op)}")
    look = Op(op)
    if (look in WITHOUT_VALUE) == ("value" in rest):
        raise _bad(
            f"op {op} takes {'no' if look in WITHOUT_VALUE else 'a'} value",
            f"у op {op} {'нет' if look in WITHOUT_VALUE else 'должно быть'} value",
        )
    return Test(question, look, _literal(look, rest.get("value")))


def _literal(op: Op, value: object) -> Literal:
    if op in WITHOUT_VALUE:
        return None
    if isinstance(value, list) and (op in WITH_LIST or op in {Op.EQ, Op.NE}):
        if len(value) <= MOST_VALUES and all(map(_is_plain, value)):
            return tuple(value)
    elif _is_plain(value) and op not in WITH_LIST:
        return value  # type: ignore[return-value]
    raise _bad(
        f"op {op} takes {'a list of' if op in WITH_LIST else 'one of the'} scores or option ids,"
        f" at most {MOST_VALUES}",
        f"у op {op} value — {'список' if op in WITH_LIST else 'одно из'}: оценки или id"
        f" вариантов, не больше {MOST_VALUES}",
    )


def _is_plain(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _few(tests: int) -> None:
    if tests > MOST_TESTS:
        raise _bad(f"more than {MOST_TESTS} tests", f"больше {MOST_TESTS} проверок")


def _bad(en: str, ru: str) -> BadSurvey:
    return BadSurvey(f"visible_if: {en}", detail_ru=f"visible_if: {ru}")
