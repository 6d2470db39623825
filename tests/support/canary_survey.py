"""What the canaries are asked: a score, words of a question of the company's own, one of a list."""

from typing import Any, Final

_ASK: Final = {"ru": "Вопрос", "en": "Question"}

QUESTIONS: Final[list[dict[str, Any]]] = [
    {"id": "nps", "text": _ASK},
    {"id": "story", "kind": "text", "text": _ASK},
    {"id": "who", "kind": "choice", "text": _ASK, "options": [{"id": "buyer", "text": _ASK}]},
    {"id": "comment", "kind": "text", "text": _ASK},
]
