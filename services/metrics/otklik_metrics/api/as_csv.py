"""Answers as CSV (RFC 4180, UTF-8): one row a bucket and group, safe to open in a spreadsheet."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

MEDIA_TYPE: Final = "text/csv"

BESIDE: Final = ("n", "numerator", "denominator", "reason")
"""What stands beside a value, in columns called `name.n` and so on."""

FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""How a text begins that a spreadsheet would work out, or that hides what would; wide forms too."""

Cell = str | float | bool | None


def is_preferred(accept: str) -> bool:
    """
    Whether CSV is asked for by name, and nothing says that JSON is liked better.

    Args:
        accept: The header, as RFC 9110 writes it; what cannot be read of it counts for nothing.
    """
    liked = dict(_ranges(accept))
    csv = liked.get(MEDIA_TYPE, (0.0, 0))
    return csv[0] > 0 and csv > liked.get("application/json", (0.0, 0))


def _ranges(accept: str) -> Iterator[tuple[str, tuple[float, int]]]:
    """Media types by name; how much each is liked, and of equals the first one more."""
    for place, part in enumerate(accept.split(",")):
        name, *parameters = (one.strip().lower() for one in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            yield name, (float(weight), -place)
        except ValueError:
            continue


def as_csv(out: Mapping[str, Any], *, rest: bool, compared: bool) -> str:
    """
    The rows of an answer.

    Args:
        out: The answer as JSON would write it: numbers are the same to the last digit.
        rest: A column `other` says which row is that of the groups that are not shown.
        compared: A column `name.previous` has the value of the period before.
    """
    plain = [one["name"] for one in out["columns"] if one["kind"] != "metric"]
    metrics = [one["name"] for one in out["columns"] if one["kind"] == "metric"]
    beside = (*BESIDE, *(("previous",) if compared else ()))
    head = [*plain, *(("other",) if rest else ())]
    for name in metrics:
        head += [name, *(f"{name}.{one}" for one in beside)]
    lines = [head]
    for row in out["rows"]:
        line = [row[name] for name in plain]
        if rest:
            line.append(row.get("other", False))
        for name in metrics:
            line += _cells(row[name], compared=compared)
        lines.append(line)
    return "".join(f"{','.join(map(_written, line))}\r\n" for line in lines)


def _cells(cell: Mapping[str, Any], *, compared: bool) -> list[Cell]:
    found = [cell["value"], *(cell[one] for one in BESIDE)]
    if compared:
        found.append(None if cell["previous"] is None else cell["previous"]["value"])
    return found


def _written(cell: Cell) -> str:
    """Numbers as JSON writes them, text in quotes, nothing where there is nothing."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return orjson.dumps(cell).decode()
    return '"' + _harmless(cell).replace('"', '""') + '"'


_AFTER: Final = re.compile(r"([;\t\r\n][\s'\"]*)(?=[=+\-@＝＋－＠])")
"""Where a spreadsheet that parts cells by other signs would begin one with a formula."""


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: a ' stands before what would be one."""
    inner = text.lstrip()
    text = text[: len(text) - len(inner)] + _AFTER.sub(r"\1'", inner)
    begins = text[:1] in FORMULA or text.lstrip()[:1] in FORMULA
    return f"'{text}" if text and begins else text
