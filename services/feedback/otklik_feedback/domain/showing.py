"""What somebody is shown of a survey, after what they have said so far."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from otklik_feedback.domain.answer import unknown_question
from otklik_feedback.domain.piping import CONTACT_NAMES, filled
from otklik_feedback.domain.question import Question, Words
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.values import Read, read_value, shown

Names = Mapping[str, str]


def showing(survey: Survey, values: Mapping[str, object], contact: Names) -> list[Question]:
    """
    The questions that are asked, with what is known put into their words.

    Args:
        values: What was said so far, by question id; nothing is required yet.
        contact: What is known of the contact; names that surveys cannot use are ignored.
    Raises:
        UnknownQuestion, and what `read_value` raises.
    """
    said: dict[str, Read] = {}
    for name, value in values.items():
        question = survey.by_name.get(name)
        if question is None:
            raise unknown_question(survey, name)
        said[question.id] = read_value(question, value)
    known = {f"contact.{name}": contact[name] for name in CONTACT_NAMES if name in contact}
    ru, en = dict(known), dict(known)
    found: list[Question] = []
    for question in shown(survey.questions, said):
        found.append(_filled(question, ru, en))
        for name, words in _told(question, said.get(question.id, Read())):
            ru[name], en[name] = words
    return found


def _told(question: Question, said: Read) -> Iterator[tuple[str, Words]]:
    name = f"answer.{question.id}"
    if question.id in said.texts:
        yield name, Words(said.texts[question.id], said.texts[question.id])
    elif question.id in said.choices:
        chosen = [o.text for o in question.options if o.id in said.choices[question.id]]
        yield name, Words(", ".join(w.ru for w in chosen), ", ".join(w.en for w in chosen))
    elif question.id in said.scores:
        score = str(said.scores[question.id])
        yield name, Words(score, score)


def _filled(question: Question, ru: Names, en: Names) -> Question:
    return replace(
        question,
        text=filled(question.text, ru, en),
        low=question.low and filled(question.low, ru, en),
        high=question.high and filled(question.high, ru, en),
        options=tuple(o._replace(text=filled(o.text, ru, en)) for o in question.options),
        rows=tuple(replace(row, text=filled(row.text, ru, en)) for row in question.rows),
    )
