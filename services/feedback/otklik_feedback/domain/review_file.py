"""Reviews in a file: CSV whose first line names the fields."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from otklik_common.errors import TooLarge, Unprocessable

FIELDS: Final = (
    "source",
    "id",
    "written_at",
    "stars",
    "text",
    "author",
    "branch",
    "agent",
    "url",
)
NEEDED: Final = ("source", "id", "written_at")

MOST_ROWS: Final = 1_000


class BadFile(Unprocessable):
    """A file that is no CSV of reviews."""

    code = "bad_file"


class TooManyRows(TooLarge):
    """More reviews than one file or batch takes."""

    code = "too_many_items"


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """
    The reviews of a file, each by the names of the fields; what is blank is left out.

    Commas, semicolons or tabs, whichever the first line has most of; UTF-8. A formula or HTML is
    text like any other.

    Raises:
        BadFile: It is not UTF-8, has no or unknown columns, or a row that is longer than the first.
        TooManyRows: More than 1,000.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("the file is not UTF-8", detail_ru="файл не в кодировке UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _names(next(reader, []))
        return list(_rows(names, reader))
    except csv.Error as wrong:
        raise BadFile(
            f"line {reader.line_num}: {wrong}",
            detail_ru=f"строка {reader.line_num}: не разобрать ({wrong})",
        ) from None


def _names(first: list[str]) -> list[str]:
    names = [name.strip().lower() for name in first]
    unknown = [name for name in names if name not in FIELDS]
    lacking = [name for name in NEEDED if name not in names]
    if unknown or lacking or len(set(names)) != len(names):
        known = ", ".join(FIELDS)
        raise BadFile(
            f"the first line names the columns, each once: {known}; {', '.join(NEEDED)} are needed",
            detail_ru=f"первая строка называет колонки, каждую один раз: {known}; обязательны"
            f" {', '.join(NEEDED)}",
        )
    return names


def _rows(names: list[str], reader: Any) -> Iterator[dict[str, Any]]:
    number = 0
    for values in reader:
        if not any(value.strip() for value in values):
            continue
        number += 1
        if number > MOST_ROWS:
            raise TooManyRows(
                f"a file takes {MOST_ROWS} reviews",
                detail_ru=f"в файле не больше {MOST_ROWS} отзывов",
            )
        if len(values) > len(names):
            raise BadFile(
                f"line {reader.line_num} has more values than there are columns",
                detail_ru=f"в строке {reader.line_num} значений больше, чем колонок",
            )
        row: dict[str, Any] = {
            name: value for name, value in zip(names, values, strict=False) if value.strip()
        }
        stars = row.get("stars", "").strip()
        if stars.isdecimal() and len(stars) == 1:
            row["stars"] = int(stars)
        yield row
