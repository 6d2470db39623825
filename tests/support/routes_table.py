"""
The one table of expected answers: route × caller × whose object.

A row names the scopes that open a route (any of them) and what those who have one are answered.
Everything else follows from the row by `expected`: 401 for nobody, 403 for the wrong scope, 404
for what is missing, foreign or out of reach. What does not follow stands in the row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

Place = Literal["own", "other", "foreign", "missing"]
"""Of a branch within reach, of another branch, of another company, of nobody."""

STAFF: Final = (
    "metrics:read contacts:read cases:read cases:write customers:read answers:read promises:write"
    " evaluations:read evaluations:answer checklists:write"
)
MANAGES: Final = (
    "customers:write points:read points:write surveys:read coaching:write evaluations:write"
)
EVERYTHING: Final = (
    f"{STAFF} {MANAGES} records:read surveys:write access:read access:write keys:write"
    " sources:write events:push contacts:write answers:write purchases:write operations:read"
    " demo:write quality:write invitations:write"
)

# Said here once more, apart from the code: a scope that slips into a role shows.
CALLERS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(scopes.split())
    for name, scopes in {
        "nobody": "",
        "customer": "self",
        "publishable": "events:push answers:write",
        "agent": f"{STAFF} records:read",
        "manager": f"{STAFF} {MANAGES} records:read",
        "head": f"{STAFF} {MANAGES} records:read surveys:write access:read quality:write",
        "admin": EVERYTHING,
        "operations": "operations:read metrics:read access:read sources:write",
        "key": EVERYTHING,
        "narrow key": EVERYTHING,
        "wrong key": "",
        "right key": "",
        "rival": EVERYTHING,
    }.items()
}
"""
Who calls → scopes. `key` has all, `narrow key` all within one branch; `right key` has one scope
of the row and nothing else, `wrong key` one that the row does not name; `rival` is the
administrator of another company.
"""

LIMITED: Final = frozenset(("agent", "manager", "head", "narrow key"))
MEMBERS: Final = frozenset(("agent", "manager", "head", "admin", "operations", "rival"))

VISITOR, LEASING = "visitor-1", "leasing"
"""Who has the leases that are asked for, and the site that they are of."""

PROMISED: Final = "call_back"
"""What agents of both companies may promise."""

PUBLIC, ANYBODY, MEMBER, HERSELF = "public", "anybody", "member", "self"


@dataclass(frozen=True)
class Ask:
    """
    What a body is made from.

    Attributes:
        id: Of the object that the row is about.
        number: Never the same twice.
        known: Ids of things that bodies need: `survey`, `import`, …
    """

    id: str
    place: Place
    number: int
    known: Mapping[str, str]

    @property
    def branch(self) -> str:
        """Branch of the object."""
        return "south" if self.place == "other" else "north"


Body = Callable[[Ask], Any]


@dataclass(frozen=True)
class Row:
    """
    Expected answers of a route.

    Attributes:
        scopes: Any of them opens it; or `public`, `anybody` (with a credential), `member`.
        of: Kind of object that it is about, in the path's parameter of that name or in the body.
        ok: What those may do who may.
        missing: What they are told of a missing or foreign object.
        away: What callers limited to a branch are told of another branch's; None: it has none.
        limited: What limited callers are answered, whatever the object.
        query, headers: Sent beside the body, `{id}` and `{number}` filled in.
        fresh: Whoever succeeds uses the object up: each needs one of their own.
        shows: Words of other branches that limited callers may read in it.
        but: Caller, or caller and place → status, where nothing else fits.
    """

    scopes: str
    of: str | None = None
    ok: int = 200
    body: Body | None = None
    missing: int = 404
    away: int | None = None
    limited: int | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False
    shows: tuple[str, ...] = ()
    but: Mapping[str, int] = field(default_factory=dict)

    @property
    def places(self) -> tuple[Place, ...]:
        """Whose objects are asked for."""
        if self.of is None:
            return ("own",)
        return (
            ("own", "foreign", "missing")
            if self.away is None
            else ("own", "other", "foreign", "missing")
        )


def expected(row: Row, caller: str, place: Place) -> int:
    """The status that the table states."""
    for named in (f"{caller} {place}", caller):
        if named in row.but:
            return row.but[named]
    if row.scopes != PUBLIC:
        if caller == "nobody":
            return 401
        if not _opened(row.scopes, caller):
            return 403
    if caller in LIMITED and row.limited is not None:
        return row.limited
    if row.of is not None and (place in ("foreign", "missing") or caller == "rival"):
        return row.missing
    if place == "other" and caller in LIMITED and row.away is not None:
        return row.away
    return row.ok


def _opened(scopes: str, caller: str) -> bool:
    if scopes == ANYBODY:
        return True
    if scopes == MEMBER:
        return caller in MEMBERS
    if caller == "right key":
        return scopes != HERSELF
    return not CALLERS[caller].isdisjoint(scopes.split())


# --- Bodies -------------------------------------------------------------------------------------

AT: Final = "2026-03-02T09:00:00+03:00"
IN_A_MONTH: Final = (datetime.now(UTC) + timedelta(days=30)).isoformat()
WEEK: Final = {"from": "2026-03-02T00:00:00+03:00", "to": "2026-03-09T00:00:00+03:00"}
ROUND_THE_CLOCK: Final = {"timezone": "UTC", "week": {"mon": ["00:00-24:00"]}}

LINE: Final = {"id": "1", "product": "commission", "quantity": 4, "amount": "400.00"}


def same(value: Any) -> Body:
    """A body that is always the same."""
    return lambda _: value


def a_policy(number: int) -> Any:
    """A policy whose priority no other has."""
    target = {"target": "first_response", "seconds": 60, "business": False}
    return {"priority": number % 9_999 + 1, "targets": [target]}


def policy(ask: Ask) -> Any:
    """A policy."""
    return a_policy(ask.number)


def a_programme(number: int) -> Any:
    """A pace programme whose priority no other has."""
    step = {"from": "created", "to": "contacted", "seconds": 3600, "business": False}
    return {"priority": number % 9_999 + 1, "steps": [step]}


def paced(ask: Ask) -> Any:
    """A pace programme."""
    return a_programme(ask.number)


def event(ask: Ask, **said: Any) -> Any:
    """An inbound call."""
    name = f"c{ask.number}"
    return {
        "id": name,
        "contact": name,
        "type": "queued",
        "at": AT,
        "channel": "call",
        "direction": "in",
        "branch": ask.branch,
    } | said


def promise(branch: str) -> Any:
    """A promise that can still be kept."""
    return {"agent": "agent", "promise_kind": PROMISED, "due_at": IN_A_MONTH, "branch": branch}


def coached(branch: str) -> Any:
    """What an agent is to learn."""
    return {"agent": "petrova", "skill": "needs", "contact": "c1", "branch": branch, "task": "ask"}


def spent(branch: str) -> Any:
    """A day's advertising."""
    row = {"day": "2026-03-02", "ad_source": "yandex", "currency": "RUB", "amount": "100.00"}
    return row | {"branch": branch}


def lead_step(ask: Ask) -> Any:
    """A showing."""
    return {
        "id": f"l{ask.number}",
        "lead": f"l{ask.number}",
        "step": "showing",
        "at": AT,
        "branch": ask.branch,
        "customer": {"external_id": f"buyer-{ask.branch}"},
    }


def answer(ask: Ask, **said: Any) -> Any:
    """A happy answer."""
    return {
        "survey": ask.known["survey"],
        "at": AT,
        "branch": ask.branch,
        "values": {"nps": 9},
    } | said


def purchase(ask: Ask, **said: Any) -> Any:
    """A commission."""
    return {
        "id": ask.id,
        "at": AT,
        "branch": ask.branch,
        "currency": "RUB",
        "customer": {"external_id": f"buyer-{ask.branch}"},
        "lines": [LINE],
    } | said


def came_back(ask: Ask) -> Any:
    """A part of a commission."""
    return {"id": f"r{ask.number}", "at": AT, "lines": [{"id": "1", "quantity": 1}]}


def step(_: Ask) -> Any:
    """What was done about a case."""
    return {"reason": "reached", "note": "apologised"}


QUERY: Final = {"metrics": [{"name": "contacts_offered"}], "time": WEEK, "group_by": ["branch"]}
RECORDS: Final = {"metric": {"name": "contacts_offered"}, "time": WEEK}
COMPARED: Final = {"metric": {"name": "abandonment_rate"}, "time": WEEK}

STAFFED: Final = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
NAMES: Final = {"names": ["utm_source"]}
ONCE: Final = {"Idempotency-Key": "once-{number}"}
ANY_REVISION: Final = {"If-Match": "*"}
