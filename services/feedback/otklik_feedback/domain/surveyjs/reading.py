"""A survey of SurveyJS as our questions, and a word on everything that was not taken over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from otklik_common.errors import FieldError
from otklik_feedback.domain.condition import Condition, both
from otklik_feedback.domain.designing import MOST_QUESTIONS, designed
from otklik_feedback.domain.question import BadSurvey, Question, Words
from otklik_feedback.domain.surveyjs.conditions import Asked, condition_of
from otklik_feedback.domain.surveyjs.elements import KNOWN, Names, element
from otklik_feedback.domain.surveyjs.expression import Unsupported, parse
from otklik_feedback.domain.surveyjs.words import Texts

MOST_ELEMENTS: Final = 500
MOST_DEEP: Final = 10

_OF_SURVEY: Final = frozenset(("title", "pages", "elements", "questions", "locale"))
_OF_PAGE: Final = frozenset(("type", "name", "elements", "questions", "visibleIf"))


@dataclass(slots=True)
class Imported:
    """
    What was read.

    Attributes:
        title: None if it says none.
        questions: Ours, in order.
        left_out: Questions that are not asked: where, why.
        not_taken: Settings without effect here: where, which.
        names: Our ids by what they were called: `question`, `question=value`, `question.line`.
    """

    title: Words | None = None
    questions: list[Question] = field(default_factory=list)
    left_out: list[FieldError] = field(default_factory=list)
    not_taken: list[FieldError] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


def read_surveyjs(said: Mapping[str, Any]) -> Imported:
    """
    Questions from the JSON of SurveyJS.

    A question that cannot be asked as it is meant, its condition included, is left out, and so are
    those whose conditions look at it.

    Raises:
        BadSurvey: No question can be taken over, or there are more than 500 elements.
    """
    reader = _Reader(Texts("ru" if said.get("locale") == "ru" else "en"))
    made = reader.made
    reader.settings("", said, _OF_SURVEY)
    if said.get("title"):
        made.title = reader.text("title", said["title"])
    for path, page in _listed(said, "pages"):
        reader.page(path, page, None, 1)
    for key in ("elements", "questions"):
        for path, inner in _listed(said, key):
            reader.one(path, inner, None, 1)
    for language, count in reader.texts.borrowed.items():
        if count:
            made.not_taken.append(_borrowed(language, count))
    if not made.questions:
        first = made.left_out[0] if made.left_out else None
        raise BadSurvey(
            "no question can be taken over" + (f": {first.field} {first.detail}" if first else ""),
            detail_ru="ни одного вопроса перенести нельзя"
            + (f": {first.field} {first.detail_ru}" if first else ""),
            errors=made.left_out,
        )
    return made


class _Reader:
    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.made = Imported()
        self._names = Names()
        self._asked: dict[str, Asked] = {}
        self._count = 0

    def text(self, path: str, said: object) -> Words | None:
        try:
            return self.texts.read(said)
        except Unsupported as no:
            self._note(path, no)
            return None

    def settings(self, path: str, said: Mapping[str, Any], known: frozenset[str]) -> None:
        """Name every setting that has no effect here."""
        for name in sorted(map(str, said.keys() - known)):
            self._note(
                f"{path}.{name}".lstrip("."),
                Unsupported("has no effect here", "здесь не действует"),
            )

    def page(self, path: str, said: Mapping[str, Any], above: Condition | None, deep: int) -> None:
        """Take the questions of a page or a panel over, shown where it is."""
        self.settings(path, said, _OF_PAGE)
        try:
            if deep > MOST_DEEP:
                raise Unsupported(
                    f"panels are nested deeper than {MOST_DEEP}",
                    f"панели вложены глубже {MOST_DEEP}",
                )
            shown = both(above, self._condition(said))
        except Unsupported as no:
            self._leave(path, no)
            return
        for key in ("elements", "questions"):
            for inner, each in _listed(said, key):
                self.one(f"{path}.{inner}", each, shown, deep)

    def one(self, path: str, said: Mapping[str, Any], above: Condition | None, deep: int) -> None:
        """Take one element over, or say why not."""
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise BadSurvey(
                f"more than {MOST_ELEMENTS} elements", detail_ru=f"элементов больше {MOST_ELEMENTS}"
            )
        if said.get("type") == "panel":
            self.page(path, said, above, deep + 1)
            return
        borrowed = dict(self.texts.borrowed)
        names = self._names.copy()
        try:
            self._take(path, said, above)
        except Unsupported as no:
            self._leave(path, no)
        except BadSurvey as no:
            self._leave(path, Unsupported(no.detail, no.detail_ru or no.detail))
        else:
            return
        self.texts.borrowed, self._names = borrowed, names

    def _take(self, path: str, said: Mapping[str, Any], above: Condition | None) -> None:
        name = str(said.get("name") or "")
        if name.lower() in self._asked:
            raise Unsupported(
                "another question is called the same, but for capitals",
                "другой вопрос называется так же с точностью до регистра",
            )
        if said.get("visible") is False:
            raise Unsupported("it is never shown", "он никогда не показывается")
        shown = both(above, self._condition(said))
        asked = element(said, self.texts, self._names)
        question = replace(asked.question, visible_if=shown)
        *_, kept = designed([*self.made.questions[: MOST_QUESTIONS + 1], question])
        self.made.questions.append(kept)
        self.settings(path, said, KNOWN[str(said.get("type"))])
        self._asked[name.lower()] = replace(asked, question=kept)
        if not kept.rows:
            self.texts.pipes[name.lower()] = kept.id
        self.made.names |= _called(name, asked, kept)

    def _condition(self, said: Mapping[str, Any]) -> Condition | None:
        shown = said.get("visibleIf")
        if shown in (None, ""):
            return None
        if not isinstance(shown, str):
            raise Unsupported("visibleIf is no text", "visibleIf — не текст")
        return condition_of(parse(shown), self._asked)

    def _leave(self, path: str, no: Unsupported) -> None:
        self.made.left_out.append(FieldError(path, "left_out", no.en, no.ru))

    def _note(self, path: str, no: Unsupported) -> None:
        self.made.not_taken.append(FieldError(path, "not_taken", no.en, no.ru))


def _called(name: str, asked: Asked, kept: Question) -> dict[str, str]:
    called = {name: kept.id} if name != kept.id else {}
    called |= {f"{name}={value}": id_ for value, id_ in asked.options.items() if value != id_}
    return called | {f"{name}.{line}": id_ for line, id_ in asked.rows.items() if line != id_}


def _listed(said: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = said.get(key)
    if isinstance(found, Sequence) and not isinstance(found, str):
        for number, each in enumerate(found):
            yield f"{key}.{number}", each if isinstance(each, Mapping) else {}


def _borrowed(language: str, count: int) -> FieldError:
    lacking, ru = {"ru": ("Russian", "по-русски"), "en": ("English", "по-английски")}[language]
    return FieldError(
        "locale",
        "not_taken",
        f"{count} texts have no {lacking}: those of another language stand there; write it in",
        f"текстов не {ru}: {count}; вместо них стоит другой язык, допишите",
    )
