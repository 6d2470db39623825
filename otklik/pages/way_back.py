"""From a page that needs a session to the sign-in, and back to that page."""

import re
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

SIGN_IN: Final = "/sign-in"
MOST_CHARACTERS: Final = 2000

# Browsers read a backslash as a slash and leave out tabs and line ends: either could make
# another site of what looks like a path.
_PAGE: Final = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")
_OURS_TO_END: Final = ("/sign-in", "/sign-out")


def to_sign_in(request: Request) -> str:
    """Address of the sign-in that leads back to the page of a request."""
    page = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    page = safe(page)
    return SIGN_IN if page == "/" else f"{SIGN_IN}?{urlencode({'next': page})}"


def page_wanted(request: Request) -> str:
    """Where to go after signing in."""
    return safe(request.query_params.get("next"))


def safe(page: str | None) -> str:
    """That page if it is one of ours, by its path alone; else the first page."""
    if page is None or len(page) > MOST_CHARACTERS or _PAGE.fullmatch(page) is None:
        return "/"
    return "/" if page.startswith(_OURS_TO_END) else page
