"""What `otklik up` says once it works: where it is, who may enter, and lines to try."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo


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
KEY_SHOWN_ONCE = "(shown once; lost? sign in for another: README, The first ten minutes)"

ZONE = ZoneInfo("Europe/Moscow")

WAITED_SECONDS = 40
"""How long the caller of the banner's lines waits before hanging up."""


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


def banner(result: Result, now: datetime) -> str:
    """
    Lines for a person; the curl lines work when pasted.

    Args:
        now: The call of the first line ended a few minutes before, and is another at each start.
    """
    key = result.key or "$OTKLIK_KEY"
    lines = [
        "",
        "  Otklik is up · Отклик работает",
        entrance(result),
        "  Push a call that nobody answers, ask how fast calls are answered, and how many people",
        "  nobody called back:",
        "",
        f"  export OTKLIK_URL={result.url} OTKLIK_KEY={key}",
        *_curls(now.astimezone(UTC)),
        "",
        "  Ctrl-C ends it; nothing is lost.",
        "",
    ]
    return "\n".join(lines)


def _curls(now: datetime) -> list[str]:
    """Times are written out: no `date` of the shell counts back alike on Linux and macOS."""
    queued = now - timedelta(minutes=5)
    name = f"try-{queued:%m%d-%H%M%S}"
    call = {
        "contact": name,
        "channel": "call",
        "direction": "in",
        "from": "+79991234567",
    }
    ended = queued + timedelta(seconds=WAITED_SECONDS)
    events = [
        {"id": f"{name}-1", "type": "queued", "at": f"{queued:%FT%TZ}", **call},
        {"id": f"{name}-2", "type": "ended", "at": f"{ended:%FT%TZ}", "contact": name},
    ]
    # The days that the first page shows: one number in both places.
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    time = {
        "from": (today - timedelta(days=27)).isoformat(),
        "to": (today + timedelta(days=1)).isoformat(),
        "granularity": "total",
        "timezone": ZONE.key,
    }
    fast = {"name": "service_level", "threshold_seconds": 20}
    only_calls = {"dimension": "channel", "op": "in", "values": ["call"]}
    query = "/metrics/v1/query"
    return [
        _curl("/contact-center/v1/events", events),
        # A push counts within a second.
        "  sleep 1",
        _curl(query, {"metrics": [fast], "time": time, "filters": [only_calls]}),
        _curl(query, {"metrics": [{"name": "not_called_back"}], "time": time}),
    ]


def _curl(path: str, body: Any) -> str:
    return (
        f'  curl -sS $OTKLIK_URL{path} -H "Authorization: Bearer $OTKLIK_KEY"'
        f" -H \"Content-Type: application/json\" -d '{json.dumps(body, separators=(',', ':'))}'"
    )
