"""What a receipt says besides its numbers: with which values the formula was worked out."""

from typing import Any

from otklik.pages.texts import Words


def parameters(metric: dict[str, Any], asked: dict[str, Any], words: Words) -> list[str]:
    """
    The parameters of a metric as sentences: `T = 20 seconds: a wait of exactly T is in time`.

    Args:
        metric: As the catalogue tells it, in the language of the words.
        asked: What was sent; the rest has its default.
    """
    told = []
    for one in metric["parameters"]:
        value = asked.get(one["name"], one["default"])
        # Which of several formulas is meant, the formula itself says.
        if value is None or set(one["choices"] or ()) == set(metric["formula"]):
            continue
        told.append(_said(one, value, words))
    return told


def _said(one: dict[str, Any], value: Any, words: Words) -> str:
    if one["choices"]:
        return words.code("choice", value)
    shown = (
        words.counted("seconds", value)
        if one["name"].endswith("_seconds")
        else words.number(value, 0 if value == round(value) else 1)
    )
    letter, _, meaning = one["description"].partition(": ")
    if meaning and len(letter) == 1:
        return f"{letter} = {shown}: {meaning}"
    return f"{one['description']}: {shown}"
