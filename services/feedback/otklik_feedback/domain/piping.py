"""Piping: what was said before, put into the words of a later question."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from otklik_feedback.domain.question import BadSurvey, Question, Words

MOST_FILLED: Final = 200
"""Characters of what is put in; the rest is cut, with an ellipsis."""

CONTACT_NAMES: Final = ("agent_name", "branch_name", "channel", "date", "object")
"""What may be told of the contact that a survey is about; whoever shows the survey says it."""

_PIPE: Final = re.compile(r"\{(answer|contact)\.([a-z][a-z0-9_]{0,39})\|([^{}|]{1,200})\}")
_LIKE: Final = re.compile(r"\{\s*[A-Za-z_]+\s*\.[^{}]*\}|\{(?:answer|contact)\b[^{}]*\}?")


def fill(text: str, values: Mapping[str, str]) -> str:
    """
    A text with what is known put in; `{answer.q1|your answer}` is `your answer` if it is not.

    Nothing within what is put in is looked at again: it is text, whatever it looks like.

    Args:
        values: By name, such as `answer.q1` or `contact.agent_name`.
    """

    def told(found: re.Match[str]) -> str:
        value = " ".join(values.get(f"{found[1]}.{found[2]}", "").split())
        if len(value) > MOST_FILLED:
            value = value[: MOST_FILLED - 1].rstrip() + "…"
        return value or found[3]

    return _PIPE.sub(told, text)


def filled(words: Words, ru: Mapping[str, str], en: Mapping[str, str]) -> Words:
    """Both languages of a text, each with what is known in it put in."""
    return Words(fill(words.ru, ru), fill(words.en, en))


def texts_of(question: Question) -> Iterator[Words]:
    """Every text of a question."""
    yield question.text
    yield from (each for each in (question.low, question.high) if each is not None)
    yield from (each.text for each in question.options)
    yield from (each.text for each in question.rows)


def check_pipes(question: Question, earlier: Mapping[str, Question]) -> None:
    """
    See that each name in a question's texts is one that can be known when it is shown.

    Raises:
        BadSurvey: A name that is on no list, a later question, or no words for when it is unknown.
    """
    for text in (text for words in texts_of(question) for text in words):
        rest = _PIPE.sub("", text)
        if (odd := _LIKE.search(rest)) is not None:
            raise BadSurvey(
                f"question {question.id!r}: {odd[0][:80]!r} cannot be put in;"
                " write {answer.<id>|words if unknown} or {contact.<name>|words if unknown}",
                detail_ru=f"вопрос {question.id!r}: подстановка {odd[0][:80]!r} не распознана;"
                " нужно {answer.<id>|запасной текст} или {contact.<имя>|запасной текст}",
            )
        for whose, name, _ in _PIPE.findall(text):
            if name not in (earlier if whose == "answer" else CONTACT_NAMES):
                known = ", ".join(earlier if whose == "answer" else CONTACT_NAMES) or "—"
                raise BadSurvey(
                    f"question {question.id!r}: {whose}.{name} is not known when it is shown;"
                    f" known are: {known}",
                    detail_ru=f"вопрос {question.id!r}: {whose}.{name} к этому месту неизвестно;"
                    f" известны: {known}",
                )
