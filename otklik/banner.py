"""What `otklik up` says once it works: where it is, who may enter, and lines to try."""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Made:
    """The first company; secrets are there until they were shown once."""

    company: str
    login: str
    password: str | None = None
    key: str | None = None
    demo_key: str | None = None

    def with_kept(self, secrets: dict[str, str] | None) -> Self:
        """With the secrets that a start left unseen, if they are this company's."""
        if secrets is None or secrets["company"] != self.company:
            # A start that was broken off before its commit kept those of a company never made.
            return self
        return replace(self, password=secrets["password"], key=secrets["key"])


@dataclass(frozen=True, slots=True)
class Result:
    """What a start amounts to."""

    url: str
    company: str
    login: str
    password: str | None
    key: str | None

    @classmethod
    def of(cls, url: str, made: Made) -> Self:
        """The result at an address."""
        return cls(url, made.company, made.login, made.password, made.key)

    def as_json(self) -> dict[str, Any]:
        """One object for programs; without secrets at later starts."""
        admin = {"login": self.login}
        found: dict[str, Any] = {"url": self.url, "company": self.company, "admin": admin}
        if self.password is not None:
            admin["password"] = self.password
        if self.key is not None:
            found["key"] = self.key
        return found


SHOWN_ONCE = "(shown once; lost? otklik reset-password LOGIN)"
KEY_SHOWN_ONCE = "(shown once)"


def entrance(result: Result) -> str:
    """Where it is and who may enter: said before anything that takes its time."""
    lines = [
        "",
        f"  URL      {result.url}/",
        f"  company  {result.company}",
        f"  admin    {result.login}   password {result.password or SHOWN_ONCE}",
        f"  key      {result.key or KEY_SHOWN_ONCE}",
        "",
    ]
    return "\n".join(lines)


def banner(result: Result) -> str:
    """Lines for a person; the curl lines work when pasted."""
    key = result.key or "$OTKLIK_KEY"
    lines = [
        "",
        "  Otklik is up · Отклик работает",
        entrance(result),
        "  Push a call, ask how fast calls are answered, see whom nobody called back:",
        "",
        f"  export OTKLIK_URL={result.url} OTKLIK_KEY={key}",
        *_CURLS,
        "",
        "  Ctrl-C ends it; nothing is lost.",
        "",
    ]
    return "\n".join(lines)


_CURLS = (
    "  curl -sS $OTKLIK_URL/contact-center/v1/events"
    ' -H "Authorization: Bearer $OTKLIK_KEY" -H "Content-Type: application/json"'
    ' -d \'{"id":"try-1","contact":"try","type":"queued","at":"\'$(date -u +%FT%TZ)\'",'
    '"channel":"call","direction":"in","from":"+79991234567"}\'',
    "  curl -sS $OTKLIK_URL/metrics/v1/query"
    ' -H "Authorization: Bearer $OTKLIK_KEY" -H "Content-Type: application/json"'
    ' -d \'{"metrics":[{"name":"contacts_offered"},'
    '{"name":"service_level","threshold_seconds":20}],'
    '"time":{"from":"\'$(date -u -d "28 days ago" +%F)\'T00:00:00Z",'
    '"to":"\'$(date -u -d tomorrow +%F)\'T00:00:00Z",'
    '"granularity":"week","timezone":"Europe/Moscow"}}\'',
)
