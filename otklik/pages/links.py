"""Addresses of pages, with what they are limited to."""

from urllib.parse import urlencode

from otklik.pages.periods import Period


def first_at(chosen: Period, branch: str | None, by: str) -> str:
    """The address of the first page's map of calls."""
    place = {} if branch is None else {"branch": branch}
    return f"/?{urlencode({'period_name': chosen.name, **place, 'by': by})}#when"


def number_at(name: str, chosen: Period, place: dict[str, str], **more: str) -> str:
    """The address of a number."""
    return f"/number/{name}?{urlencode({'period_name': chosen.name, **place, **more})}"
