"""Elements of SurveyJS that are questions of ours, each with what of it has an effect."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from otklik_feedback.domain.designing import MOST_OPTIONS, OPTION_ID, fits_its_id
from otklik_feedback.domain.question import Kind, Option, Question, Row, Words
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.survey import MOST_ATTRIBUTES
from otklik_feedback.domain.surveyjs.conditions import Asked
from otklik_feedback.domain.surveyjs.expression import Unsupported
from otklik_feedback.domain.surveyjs.words import Texts

_COMMON: Final = frozenset(("type", "name", "title", "isRequired", "visibleIf", "visible"))
_RATED: Final = _COMMON | {
    "rateMin",
    "rateMax",
    "rateStep",
    "rateCount",
    "rateType",
    "minRateDescription",
    "maxRateDescription",
}
_CHOSEN: Final = _COMMON | {"choices"}

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "rating": _RATED,
    "radiogroup": _CHOSEN,
    "dropdown": _CHOSEN,
    "buttongroup": _CHOSEN,
    "checkbox": _CHOSEN | {"maxSelectedChoices"},
    "tagbox": _CHOSEN | {"maxSelectedChoices"},
    "boolean": _COMMON | {"labelTrue", "labelFalse", "valueTrue", "valueFalse"},
    "matrix": _COMMON | {"columns", "rows"},
    "text": _COMMON | {"inputType"},
    "comment": _COMMON,
}
"""What of each element we read; everything else of it is named in the report."""


@dataclass(slots=True)
class Names:
    """Ids that are ours: what something is called there, in a-z, 0-9 and _."""

    taken: set[str] = field(default_factory=set)

    def copy(self) -> "Names":
        """The same names, to go back to."""
        return Names(set(self.taken))

    def take(self, name: str, instead: str) -> str:
        """An id that nobody has, as much like `name` as may be."""
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:34]
        if not plain or not plain[0].isalpha():
            plain = f"{instead}_{plain}".strip("_")[:34]
        found, number = plain, 1
        while found in self.taken:
            number += 1
            found = f"{plain}_{number}"
        self.taken.add(found)
        return found


def element(said: Mapping[str, Any], texts: Texts, names: Names) -> Asked:
    """
    One element as a question of ours, not yet completed, without its condition.

    Raises:
        Unsupported: We have no such question, or not with these settings.
    """
    type_ = said.get("type")
    make = _MAKE.get(type_) if isinstance(type_, str) else None
    if make is None:
        raise Unsupported(
            f"elements of type {str(type_)[:40]!r} are not taken over",
            f"элементы типа {str(type_)[:40]!r} не переносятся",
        )
    name = said.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Unsupported("it has no name", "нет имени")
    text = texts.read(said.get("title"), name)
    question = Question(
        names.take(name, "q"), text, kind=Kind.TEXT, required=said.get("isRequired") is True
    )
    asked = make(said, question, texts, names)
    if fits_its_id(asked.question):
        return asked
    # `nps` on 1 to 5 is no NPS, and must not be taken for one.
    return replace(asked, question=replace(asked.question, id=names.take(f"q_{name}", "q")))


def _rating(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    del names
    if said.get("rateValues"):
        raise Unsupported(
            "rateValues are not taken over; use rateMin, rateMax and rateStep",
            "rateValues не переносятся; используйте rateMin, rateMax и rateStep",
        )
    least, step = _whole(said, "rateMin", 1), _whole(said, "rateStep", 1)
    count = _whole(said, "rateCount", 5)
    most = _whole(said, "rateMax", least + step * (count - 1) if "rateCount" in said else 5)
    stars = said.get("rateType") == "stars" and (least, step) == (1, 1) and 3 <= most <= 10
    low, high = said.get("minRateDescription"), said.get("maxRateDescription")
    return Asked(
        replace(
            question,
            kind=Kind.STARS if stars else Kind.SCALE,
            scale=Scale("", least, most, step),
            low=texts.read(low) if low else None,
            high=texts.read(high) if high else None,
        )
    )


def _choice(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    del names
    options, ids = _options(said, texts)
    return Asked(replace(question, kind=Kind.CHOICE, options=options), ids)


def _several(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    del names
    options, ids = _options(said, texts)
    most = _whole(said, "maxSelectedChoices", 0)
    kept = replace(
        question,
        kind=Kind.MULTIPLE,
        options=options,
        most_chosen=most if 0 < most <= len(options) else None,
    )
    values = frozenset(str(_raw(each)) for each in _list(said, "choices"))
    return Asked(kept, ids, values=values)


def _boolean(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    del names
    yes = texts.read(said["labelTrue"]) if said.get("labelTrue") else Words("Да", "Yes")
    no = texts.read(said["labelFalse"]) if said.get("labelFalse") else Words("Нет", "No")
    ids = {
        _value(said.get("valueTrue", True)): "true",
        _value(said.get("valueFalse", False)): "false",
    }
    options = (Option("true", yes), Option("false", no))
    return Asked(replace(question, kind=Kind.CHOICE, options=options), ids)


def _matrix(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    columns = [_said_value(each) for each in _list(said, "columns")]
    scores = [int(each) for each in columns if re.fullmatch(r"-?[0-9]{1,3}", each)]
    steps = {after - before for before, after in pairwise(scores)}
    if len(scores) != len(columns) or len(scores) < 2 or len(steps) != 1 or min(steps) <= 0:
        raise Unsupported(
            "columns must be whole numbers that grow by the same step",
            "столбцы должны быть целыми числами с одинаковым шагом",
        )
    rows, ids = [], {}
    for each in _list(said, "rows")[: MOST_ATTRIBUTES + 1]:
        value = _said_value(each)
        id_ = names.take(value, "line")
        rows.append(Row(id_, texts.read(_said_text(each), value)))
        ids[value.lower()] = id_
    scale = Scale("", scores[0], scores[-1], steps.pop())
    return Asked(replace(question, kind=Kind.MATRIX, scale=scale, rows=tuple(rows)), {}, ids)


def _text(said: Mapping[str, Any], question: Question, texts: Texts, names: Names) -> Asked:
    del texts, names
    type_ = said.get("inputType", "text")
    if type_ not in {"text", "date"}:
        raise Unsupported(
            f"inputType {str(type_)[:40]!r} is not checked here; ask for a text",
            f"inputType {str(type_)[:40]!r} здесь не проверяется; спросите текстом",
        )
    return Asked(replace(question, kind=Kind.DATE if type_ == "date" else Kind.TEXT))


_MAKE: Final[Mapping[str, Callable[[Mapping[str, Any], Question, Texts, Names], Asked]]] = {
    "rating": _rating,
    "radiogroup": _choice,
    "dropdown": _choice,
    "buttongroup": _choice,
    "checkbox": _several,
    "tagbox": _several,
    "boolean": _boolean,
    "matrix": _matrix,
    "text": _text,
    "comment": _text,
}


def _options(said: Mapping[str, Any], texts: Texts) -> tuple[tuple[Option, ...], dict[str, str]]:
    options: list[Option] = []
    ids: dict[str, str] = {}
    taken: set[str] = {"na"}
    for number, each in enumerate(_list(said, "choices")[: MOST_OPTIONS + 1], 1):
        value = _said_value(each)
        if isinstance(each, Mapping) and each.keys() - {"value", "text"}:
            odd = ", ".join(sorted(map(str, each.keys() - {"value", "text"})))
            raise Unsupported(
                f"choices with {odd[:60]} are not taken over",
                f"варианты с {odd[:60]} не переносятся",
            )
        if value in ids:
            raise Unsupported(
                "two choices have the same value, but for capitals",
                "у двух вариантов значения одинаковы с точностью до регистра",
            )
        plain = re.sub(r"[^a-z0-9]+", "_", value).strip("_")[:34]
        id_ = plain if OPTION_ID.fullmatch(plain) and plain not in taken else f"option_{number}"
        taken.add(id_)
        ids[value] = id_
        options.append(Option(id_, texts.read(_said_text(each), str(_raw(each)))))
    return tuple(options), ids


def _list(said: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = said.get(key)
    return found if isinstance(found, list) else []


def _raw(said: Any) -> Any:
    return said.get("value") if isinstance(said, Mapping) else said


def _said_value(said: Any) -> str:
    return _value(_raw(said))


def _said_text(said: Any) -> Any:
    return said.get("text") if isinstance(said, Mapping) else None


def _value(said: Any) -> str:
    if not isinstance(said, str | int | bool) or not str(said).strip():
        raise Unsupported(
            "a value is no text and no whole number", "значение — не текст и не число"
        )
    return str(said).strip().lower()


def _whole(said: Mapping[str, Any], key: str, usual: int) -> int:
    found = said.get(key, usual)
    if isinstance(found, bool) or not isinstance(found, int) or abs(found) > 1_000:
        raise Unsupported(f"{key} is no whole number", f"{key} — не целое число")
    return found
