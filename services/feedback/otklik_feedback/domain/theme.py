"""How a survey looks: two colours that people can tell apart."""

import re
from dataclasses import dataclass
from typing import Final

from otklik_feedback.domain.question import BadSurvey

LEAST_CONTRAST: Final = 4.5
"""Between text and what is behind it: WCAG 2, level AA."""

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as `#rrggbb`, lower case: of buttons and headings, and of what is behind them."""

    accent: str
    background: str = "#ffffff"


def check_theme(theme: Theme) -> None:
    """
    See that a theme can be read.

    Raises:
        BadSurvey: No colours, or two that are too much alike.
    """
    for colour in (theme.accent, theme.background):
        if not COLOUR.fullmatch(colour):
            raise BadSurvey(
                f"colour {colour[:20]!r} is not written as #rrggbb",
                detail_ru=f"цвет {colour[:20]!r} должен быть записан как #rrggbb",
            )
    found = contrast(theme.accent, theme.background)
    if found < LEAST_CONTRAST:
        raise BadSurvey(
            f"{theme.accent} on {theme.background} has a contrast of {found:.1f};"
            f" at least {LEAST_CONTRAST} is needed to read it: take a darker or lighter one",
            detail_ru=f"контраст {theme.accent} на {theme.background} — {found:.1f};"
            f" чтобы текст читался, нужно не меньше {LEAST_CONTRAST}: возьмите цвет темнее или"
            " светлее",
        )


def contrast(one: str, other: str) -> float:
    """Contrast of two colours by WCAG 2, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)
