"""Where a visitor came from: what the page's address and the referrer say."""

from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

UTM: Final = ("source", "medium", "campaign", "term", "content")

CLICK_IDS: Final = {
    "yclid": ("yandex", "cpc"),
    "ysclid": ("yandex", "organic"),
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "msclkid": ("bing", "cpc"),
    "fbclid": ("facebook", "social"),
    "vkclid": ("vk", "cpc"),
    "rb_clickid": ("vk", "cpc"),
}
"""Names of click ids, and whose they are, most telling first."""

SEARCHES: Final = {
    "yandex": "yandex",
    "ya": "yandex",
    "google": "google",
    "bing": "bing",
    "duckduckgo": "duckduckgo",
    "mail": "mail.ru",
    "rambler": "rambler",
}
"""By the first name of a host, `www` apart: whose search it is."""

MOST_CHARACTERS: Final = 200
MOST_PARAMETERS: Final = 50


class Visit(NamedTuple):
    """
    A visitor on a page.

    Attributes:
        host, path: Of the page, lower case; the path without a slash at its end.
        parameters: Of the page's address; of several of one name the first.
        referrer: Host of the page before, lower case, without `www.`; "" for none or the site itself.
    """

    host: str
    path: str
    parameters: dict[str, str]
    referrer: str


class Touch(NamedTuple):
    """What brought a visitor; words are those of UTM."""

    source: str
    medium: str
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    click_id: str | None = None


DIRECT: Final = Touch("direct", "none")


def visit_of(url: str, referrer: str | None) -> Visit:
    """
    A visit by the addresses that a browser tells.

    Raises:
        ValueError: `url` is no address of a page.
    """
    page = urlsplit(url)
    if page.scheme not in ("http", "https") or not page.hostname:
        raise ValueError("is no address of a page")
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(page.query, max_num_fields=MOST_PARAMETERS):
        parameters.setdefault(name.lower()[:MOST_CHARACTERS], value[:MOST_CHARACTERS])
    host = _bare(page.hostname)
    before = _host(referrer)
    path = page.path.rstrip("/").lower()[:MOST_CHARACTERS] or "/"
    return Visit(host, path, parameters, "" if before == host else before)


def _host(url: str | None) -> str:
    if not url:
        return ""
    try:
        return _bare(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")[:MOST_CHARACTERS]


def touch_of(visit: Visit) -> Touch:
    """
    What brought a visitor: UTM parameters, else a click id, else the page before, else nothing.

    Source: UTM parameters and their order before referrers as in Google Analytics' documentation of
    traffic sources.
    """
    said = {name: visit.parameters.get(f"utm_{name}") or None for name in UTM}
    click = next((name for name in CLICK_IDS if visit.parameters.get(name)), None)
    click_id = None if click is None else visit.parameters[click]
    if said["source"] is not None:
        return Touch(
            said["source"].lower(),
            (said["medium"] or "none").lower(),
            said["campaign"],
            said["term"],
            said["content"],
            click_id,
        )
    if click is not None:
        source, medium = CLICK_IDS[click]
        return Touch(source, medium, said["campaign"], said["term"], said["content"], click_id)
    if not visit.referrer:
        return DIRECT
    search = SEARCHES.get(visit.referrer.split(".", 1)[0])
    if search is not None:
        return Touch(search, "organic")
    return Touch(visit.referrer, "referral")
