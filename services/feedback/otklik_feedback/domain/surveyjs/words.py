"""Texts of SurveyJS: in one language or several, with names of questions put in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from otklik_feedback.domain.question import Words
from otklik_feedback.domain.surveyjs.expression import Unsupported

MOST_TEXT: Final = 500

_PIPE: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(slots=True)
class Texts:
    """
    Reads texts, and counts those that lack a language.

    Attributes:
        locale: The language of texts that do not say theirs.
        pipes: Our names of what may be put in, by the names there in lower case.
        borrowed: How many texts stand in the other language, by the language that they lack.
    """

    locale: str
    pipes: dict[str, str] = field(default_factory=dict)
    borrowed: dict[str, int] = field(default_factory=lambda: {"ru": 0, "en": 0})

    def read(self, said: object, instead: str = "") -> Words:
        """
        A text in both languages; where one is lacking, the other stands for it.

        Args:
            instead: What to read where nothing is said.
        Raises:
            Unsupported: No text, too long a one, or one that puts in what we do not know.
        """
        texts = self._texts(said if said not in (None, "") else instead)
        ru, en = texts.get("ru"), texts.get("en")
        any_ = ru or en or next(iter(texts.values()), "")
        if not any_:
            raise Unsupported("it has no text", "нет текста")
        self.borrowed["ru"] += ru is None
        self.borrowed["en"] += en is None
        words = Words(self._piped(ru or any_), self._piped(en or any_))
        if max(map(len, words)) > MOST_TEXT:
            raise Unsupported(
                f"a text is longer than {MOST_TEXT} characters",
                f"текст длиннее {MOST_TEXT} символов",
            )
        return words

    def _texts(self, said: object) -> dict[str, str]:
        if isinstance(said, Mapping):
            texts = {str(k): v.strip() for k, v in said.items() if isinstance(v, str) and v.strip()}
            if "default" in texts:
                texts.setdefault(self.locale, texts.pop("default"))
            return texts
        text = str(said).strip() if isinstance(said, str | int | float) else ""
        return {self.locale: text} if text else {}

    def _piped(self, text: str) -> str:
        def ours(found: re.Match[str]) -> str:
            name = self.pipes.get(found[1].strip().lower())
            if name is None:
                raise Unsupported(
                    f"{found[0][:60]!r} in its text is no question that was taken over before",
                    f"{found[0][:60]!r} в тексте — не вопрос, перенесённый раньше",
                )
            return f"{{answer.{name}|…}}"

        return _PIPE.sub(ours, text)
