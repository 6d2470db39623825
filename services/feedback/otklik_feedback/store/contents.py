"""What somebody answered, as it is kept in a row."""

from collections.abc import Mapping
from typing import Any

from otklik_feedback.domain.answer import Content


def written_content(content: Content) -> dict[str, Any]:
    """What somebody answered as plain data; the words stand apart."""
    return {
        "scores": dict(content.scores),
        "not_applicable": list(content.not_applicable),
        "measures": dict(content.measures),
        "has_text": content.has_text,
        "weight_micro": content.weight_micro,
        "choices": {name: list(chosen) for name, chosen in content.choices.items()},
        "indices": dict(content.indices),
        "not_shown": list(content.not_shown),
    }


def read_content(said: Mapping[str, Any]) -> Content:
    """The same again; answers of a build before have scores and a comment alone."""
    return Content(
        said["scores"],
        tuple(said["not_applicable"]),
        said["measures"],
        said["has_text"],
        said["weight_micro"],
        {name: tuple(chosen) for name, chosen in said.get("choices", {}).items()},
        said.get("indices", {}),
        tuple(said.get("not_shown", ())),
    )
