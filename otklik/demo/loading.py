"""Tells the platform the agency's life, through the public API alone, like outside software."""

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from otklik.client import Client
from otklik.demo.agency import BRANCHES, OPERATORS, REGIONS, ZONE, realtors
from otklik.demo.promises import HOURS, OFFICE, PACE, PACE_PRESET, POLICIES
from otklik.demo.simulation import DAYS, Push, Sort, simulate
from otklik.demo.telling_public import Public

BATCH = 2_000
CAUGHT_UP_SECONDS = 600
LOOK_SECONDS = 2.0
ASK_SECONDS = 15.0
"""How often a demo that has nothing to say asks whether it should fall silent."""

SOURCE = "demo"
OTHERS = "somebody else pushes"
TAKEN_OUT = "it was taken out"

SURVEYS: dict[str, dict[str, Any]] = {
    "tnps": {
        "template": "tnps",
        "title": {"ru": "Демо: после звонка", "en": "Demo: after a call"},
    },
    "forces": {
        "template": "forces",
        "title": {"ru": "Демо: после сделки", "en": "Demo: after a deal"},
    },
    "csi": {
        "template": "csi",
        "title": {"ru": "Демо: удовлетворённость", "en": "Demo: satisfaction"},
        "attributes": [
            {"id": "speed", "title": {"ru": "Скорость", "en": "Speed"}, "importance": 3},
            {"id": "clarity", "title": {"ru": "Понятность", "en": "Clarity"}, "importance": 4},
            {"id": "result", "title": {"ru": "Результат", "en": "Result"}, "importance": 5},
            {
                "id": "politeness",
                "title": {"ru": "Вежливость", "en": "Politeness"},
                "importance": 2,
            },
        ],
    },
}

EARNING = {"currency": "RUB", "points": 1, "per": "100.00"}
"""A point for every hundred roubles of commission."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Position:
    """
    How far the agency's life has been told, kept in a file so that a kill costs one day.

    Days are told whole; telling one twice changes nothing, since all ids are always the same.
    """

    path: Path | None
    told: date | None = None

    @classmethod
    def read(cls, folder: Path | None) -> "Position":
        """The position kept in a data folder."""
        path = None if folder is None else cls.file(folder)
        if path is None or not path.exists():
            return cls(path)
        return cls(path, date.fromisoformat(json.loads(path.read_text())["told"]))

    @staticmethod
    def file(folder: Path) -> Path:
        """Where a data folder keeps it."""
        return folder / "demo.position"

    def keep(self, day: date) -> None:
        """All of `day` is told."""
        self.told = day
        if self.path is not None:
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps({"told": day.isoformat()}))
            new.replace(self.path)


@dataclass(slots=True)
class Teller:
    """
    Pushes batches; remembers what the ids of this installation are.

    Attributes:
        cases: Case by the answer that opened it, until it is closed.
    """

    client: Client
    source: str = ""
    offered: int = 0
    cases: dict[str, str] = field(default_factory=dict)

    def set_up(self, begins: date) -> None:
        """
        Branches, staff, hours and promises, the surveys, how purchases earn, and the source: once.

        What the company has changed since is its own, so nothing of it is said again.

        Args:
            begins: First day of the agency's life.
        """
        known = [one["id"] for one in _sources(self.client) if one["demo"]]
        if known:
            self.source = str(known[0])
            return
        for grouping, code, names in _groups():
            body = {"grouping": grouping, "names": names}
            self.client.call("PUT", f"/access/v1/branch-groups/{code}", json=body)
        for branch in BRANCHES:
            body = {
                "names": {"ru": branch.ru, "en": branch.en},
                "groups": [branch.region, "franchise" if branch.franchise else "own"],
            }
            self.client.call("PUT", f"/access/v1/branches/{branch.code}", json=body)
        for person in realtors():
            self._member(person.code, person.name, [person.branch], [])
        for region, operators in OPERATORS.items():
            for number, code in enumerate(operators, 1):
                self._member(code, f"Оператор {REGIONS[region][0]} {number}", [], [region])
        self._promises(begins)
        self._attributes()
        self._surveys()
        self._earning(begins)
        # The source last: where it is, a set-up that was killed has reached its end.
        source = {"name": SOURCE, "kind": "generic", "demo": True}
        self.source = str(self.client.post("/contact-center/v1/sources", source)["id"])

    def tell(self, pushes: Iterable[Push]) -> None:
        """Push all, sort by sort, in batches."""
        by_sort: dict[Sort, list[Push]] = {}
        for push in pushes:
            by_sort.setdefault(push.sort, []).append(push)
        self.offered += sum(_offers(push) for push in by_sort.get("event", ()))
        self._events([push.body for push in by_sort.get("event", ())])
        self._batches(
            "/contact-center/v1/agent-states", [p.body for p in by_sort.get("agent_state", ())]
        )
        self._batches(
            "/contact-center/v1/lead-steps", [p.body for p in by_sort.get("lead_step", ())]
        )
        answers = [
            push.body
            | {"survey": f"demo-{push.body['survey']}"}
            | ({"source": self.source} if "contact" in push.body else {})
            for push in by_sort.get("answer", ())
        ]
        self._batches("/feedback/v1/answers:batch", answers)
        for push in by_sort.get("case_step", ()):
            self._case_step(push)
        in_public = Public(self.client, self.source)
        for sort, say in in_public.sorts.items():
            for push in by_sort.get(sort, ()):
                say(push.body)
        self._batches(
            "/loyalty/v1/purchases:batch", [push.body for push in by_sort.get("purchase", ())]
        )
        for push in by_sort.get("return", ()):
            self.client.post(f"/loyalty/v1/purchases/{push.key}/returns", push.body)

    def set_pace(self, begins: date) -> None:
        """
        By when buyers are to come from step to step; a company that has said so keeps its own.

        Once the calls are counted: by then the contact centre has heard of the office hours.
        """
        path = "/contact-center/v1/pace-programmes"
        if self.client.get(path)["items"]:
            return
        presets = self.client.get("/contact-center/v1/pace-programme-presets")["items"]
        (preset,) = (one for one in presets if one["code"] == PACE_PRESET)
        body = preset | {"code": PACE, "valid_from": _midnight(begins).isoformat()}
        # Where somebody took the calendar away, nobody could tell business time: then there is none.
        self.client.call("PUT", f"{path}/{PACE}", json=body, also=frozenset({422}))

    def reason_to_end(self) -> str | None:
        """Why the demo should fall silent: another source has sent something, or it is gone."""
        known = _sources(self.client)
        if all(one["id"] != self.source for one in known):
            return TAKEN_OUT
        others = any(one["id"] != self.source and one["heard"] for one in known)
        return OTHERS if others else None

    def heard(self, begins: datetime, ends: datetime) -> int:
        """How many contacts the metrics count in a stretch of time."""
        answer = self.client.post(
            "/metrics/v1/query",
            {
                "metrics": [{"name": "contacts_offered"}],
                "time": {
                    "from": begins.isoformat(),
                    "to": ends.isoformat(),
                    "granularity": "total",
                    "timezone": str(ZONE),
                },
            },
        )
        return int(answer["rows"][0]["contacts_offered"]["value"])

    def _events(self, bodies: list[dict[str, Any]]) -> None:
        path = f"/contact-center/v1/events?source={self.source}"
        self._batches(path, [{k: v for k, v in body.items() if v is not None} for body in bodies])

    def _case_step(self, push: Push) -> None:
        """
        Say what was done about an unhappy customer.

        Two unhappy answers of one customer share a case: what was said before is answered by 409.
        """
        case = self.cases.get(push.key)
        if case is None:
            opened = self.client.get(f"/feedback/v1/answers/{push.key}")["cases"]
            if not opened:  # Corrected by somebody: nobody is unhappy any more.
                return
            case = self.cases[push.key] = opened[0]
        body = {name: push.body[name] for name in ("reason", "note", "at")}
        path = f"/feedback/v1/cases/{case}/{push.body['step']}"
        self.client.call("POST", path, json=body, also=frozenset({409}))
        if push.body["step"] == "close":
            del self.cases[push.key]

    def _batches(self, path: str, bodies: list[dict[str, Any]]) -> None:
        for start in range(0, len(bodies), BATCH):
            answer = self.client.post(path, bodies[start : start + BATCH])
            if answer["refused"]:
                first = answer["refused"][0]
                raise SystemExit(
                    f"{len(answer['refused'])} of the demo's own pushes to {path} were refused; "
                    f"the first: {first['code']}: {first['detail']}"
                )

    def _member(self, code: str, name: str, branches: list[str], groups: list[str]) -> None:
        body = {"name": name, "role": "agent", "branches": branches, "groups": groups}
        self.client.call("PUT", f"/access/v1/staff/{code}", json=body)

    def _promises(self, begins: date) -> None:
        """Office hours and what is promised; a company that has such already keeps its own."""
        if self.client.get("/access/v1/calendars")["items"]:
            return
        self.client.call("PUT", f"/access/v1/calendars/{OFFICE}", json=HOURS)
        since = _midnight(begins).isoformat()
        for code, policy in POLICIES.items():
            body = policy | {"valid_from": since}
            self.client.call("PUT", f"/access/v1/sla-policies/{code}", json=body)

    def _attributes(self) -> None:
        """What leaves the contact centre beside the standard fields is declared, never implied."""
        path = "/contact-center/v1/attributes"
        names = set(self.client.get(path)["names"])
        self.client.call("PUT", path, json={"names": sorted(names | {"campaign"})})

    def _surveys(self) -> None:
        for name, survey in SURVEYS.items():
            self.client.post("/feedback/v1/surveys", survey | {"id": f"demo-{name}"})

    def _earning(self, begins: date) -> None:
        """Nothing is earned without a rule, and none may begin behind a purchase's back."""
        if self.client.get("/loyalty/v1/programme")["rules"]:
            return
        rule = {"starts_at": _midnight(begins).isoformat(), **EARNING}
        # Where something was sold already the company earns as it decided: nothing.
        sold = frozenset({409})
        self.client.call("POST", "/loyalty/v1/programme/rules", json=rule, also=sold)


def somebody_else_pushes(client: Client) -> bool:
    """Whether a source that is not the demo's has sent something."""
    return any(one["heard"] for one in _sources(client) if not one["demo"])


def _sources(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/contact-center/v1/sources")["items"]
    return found


def _groups() -> Iterable[tuple[str, str, dict[str, str]]]:
    for code, (ru, en) in REGIONS.items():
        yield "region", code, {"ru": ru, "en": en}
    yield "ownership", "own", {"ru": "Собственные", "en": "Own"}
    yield "ownership", "franchise", {"ru": "Франшиза", "en": "Franchise"}


def load(
    client: Client, *, until: datetime, folder: Path | None, seed: int, say: Say
) -> tuple[Teller, Position]:
    """
    Tell the ninety days before `until`; what was told before is not told again.

    Returns when the metrics count as many contacts as were told.
    """
    ends = until.astimezone(ZONE).date()
    begins = ends - timedelta(days=DAYS)
    teller, position = Teller(client), Position.read(folder)
    teller.set_up(begins)
    days = simulate(seed, begins)
    day = begins
    waiting: list[Push] = []
    while day < ends:
        pushes = next(days)
        if position.told is None or day > position.told:
            waiting += pushes
        else:
            teller.offered += sum(_offers(push) for push in pushes)
        day += timedelta(days=1)
        if len(waiting) >= BATCH or day == ends:
            teller.tell(waiting)
            waiting = []
            position.keep(day - timedelta(days=1))
            say(f"demo: {(day - begins).days} of {DAYS} days told")
    _until_counted(teller, begins, until, say)
    teller.set_pace(begins)
    return teller, position


def _offers(push: Push) -> bool:
    body = push.body
    return (
        push.sort == "event"
        and body["direction"] == "in"
        and (body["type"] == "queued" or str(body["id"]).endswith("-0"))
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def _until_counted(teller: Teller, begins: date, until: datetime, say: Say) -> None:
    first = _midnight(begins)
    deadline = time.monotonic() + CAUGHT_UP_SECONDS
    while (counted := teller.heard(first, until)) < teller.offered:
        if time.monotonic() > deadline:
            raise SystemExit(f"the metrics count {counted} of {teller.offered} demo contacts")
        say(f"demo: {counted} of {teller.offered} contacts counted")
        time.sleep(1)


def live(teller: Teller, *, until: datetime, seed: int, say: Say) -> None:
    """Go on from `until` in real time, until somebody else pushes or the demo is taken out."""
    begins = until.astimezone(ZONE).date() - timedelta(days=DAYS)
    days = simulate(seed, begins)
    for _ in range(DAYS):
        next(days)
    asked_at = -math.inf
    while True:
        coming = next(days)
        while coming:
            now = datetime.now(UTC)
            due = [push for push in coming if push.at <= now]
            if due or time.monotonic() - asked_at >= ASK_SECONDS:
                why = teller.reason_to_end()
                asked_at = time.monotonic()
                if why is not None:
                    say(f"demo: {why}; the demo falls silent")
                    return
            teller.tell(due)
            coming = coming[len(due) :]
            if not due:
                time.sleep(LOOK_SECONDS)
