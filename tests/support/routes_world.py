"""Two companies with everything that routes are about, and everybody who may call."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any
from uuid import uuid4

import httpx

from otklik_common.ids import contact_subject
from tests.support.app import Running, forget_limits
from tests.support.routes_table import (
    AT,
    EVERYTHING,
    LEASING,
    LINE,
    PROMISED,
    ROUND_THE_CLOCK,
    VISITOR,
    Place,
    a_policy,
    a_programme,
    coached,
    promise,
)
from tests.support.routes_world_asking import AskingThings
from tests.support.routes_world_feedback import FeedbackThings
from tests.support.routes_world_quality import CALLS, Company
from tests.unit.contact_center.mapping_builders import a_mapping_as_json

PASSWORD_SECONDS = 1.05
"""Tokens of the second in which a password was reset are void."""


@dataclass
class World(FeedbackThings, AskingThings):
    """
    Ours and a rival.

    Attributes:
        tokens: Caller → what they show; `key <scope>` has that one scope.
        seen: What the rival read of its own before others asked for it, by path.
    """

    running: Running
    ours: Company
    rival: Company
    tokens: dict[str, str]
    numbers: "count[int]" = field(default_factory=lambda: count(1000))
    seen: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None, **more: Any
    ) -> httpx.Response:
        """A request, whatever it is answered."""
        if isinstance(body, bytes):
            more["content"] = body
        elif body is not None:
            more["json"] = body
        headers = {"Accept-Language": "en", **more.pop("headers", {})}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return await self.running.client.request(method, path, headers=headers, **more)

    async def good(
        self, method: str, path: str, body: Any = None, *, of: Company | None = None, **more: Any
    ) -> Any:
        """The same by a company's own key; it must not be refused."""
        answer = await self.ask(method, path, body, key=(of or self.ours).key, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def thing(self, kind: str, place: Place) -> str:
        """Id of a new thing; of a missing one, an id that looks like one."""
        if place == "missing":
            return self._missing(kind)
        company = self.rival if place == "foreign" else self.ours
        return await self.make(company, kind, "south" if place == "other" else "north")

    def _missing(self, kind: str) -> str:
        number = next(self.numbers)
        if kind in ("source", "exchange"):
            return f"{self.ours.tenant}.zz{number:06d}"
        if kind in (
            "survey",
            "case",
            "review",
            "claim",
            "worked",
            "transfer",
            "contact",
            "lead",
            "import",
            "customer",
            "lease",
            "call",
            "recorded",
            "evaluation",
            "released",
            "disputed",
            "calibration",
            "calibrated",
            "visit",
            "visited",
            "ticked",
            "invitation",
        ):
            return str(uuid4())
        if kind == "token":
            return f"{number:028}"
        return f"nothing-{number}"[:10] if kind == "key" else f"nothing-{number}"

    async def make(self, company: Company, kind: str, branch: str) -> str:
        """A new thing of a company, in one of its branches."""
        number = next(self.numbers)
        name = f"{kind}-{number}"
        made: str = await getattr(self, f"_{kind}")(company, name, branch)
        return made

    async def _group(self, company: Company, name: str, _: str) -> str:
        await self.good(
            "PUT", f"/access/v1/branch-groups/{name}", {"grouping": "region"}, of=company
        )
        return name

    async def _calendar(self, company: Company, name: str, _: str) -> str:
        await self.good("PUT", f"/access/v1/calendars/{name}", ROUND_THE_CLOCK, of=company)
        return name

    async def _removable(self, company: Company, name: str, branch: str) -> str:
        # Those that are put may be put by the other company as well; nobody puts these.
        return await self._calendar(company, name, branch)

    async def _policy(self, company: Company, name: str, _: str) -> str:
        body = a_policy(next(self.numbers))
        await self.good("PUT", f"/access/v1/sla-policies/{name}", body, of=company)
        return name

    async def _endable(self, company: Company, name: str, branch: str) -> str:
        return await self._policy(company, name, branch)

    async def _branch(self, company: Company, name: str, branch: str) -> str:
        if company is self.ours:
            return branch
        await self.good("PUT", f"/access/v1/branches/{name}", {}, of=company)
        return name

    async def _member(self, company: Company, name: str, branch: str) -> str:
        body = {"role": "agent", "branches": [branch], "name": f"{company.word} {branch}"}
        await self.good("PUT", f"/access/v1/staff/{name}", body, of=company)
        return name

    async def _key(self, company: Company, name: str, branch: str) -> str:
        body = {
            "name": f"{company.word} {name}",
            "scopes": ["keys:write"],
            "branches": [branch],
        }
        return str((await self.good("POST", "/access/v1/keys", body, of=company))["id"])

    async def _source(self, company: Company, name: str, _: str) -> str:
        body = {"name": f"{company.word} {name}"}
        made = await self.good("POST", "/contact-center/v1/sources", body, of=company)
        return str(made["id"])

    async def _exchange(self, company: Company, name: str, _: str) -> str:
        credentials = {"key": "k", "salt": "s"}
        body = {"name": f"{company.word} {name}", "kind": "mango", "credentials": credentials}
        made = await self.good("POST", "/contact-center/v1/sources", body, of=company)
        return str(made["id"])

    async def _tracker(self, company: Company, name: str, _: str) -> str:
        await self.good("PUT", f"/contact-center/v1/number-trackers/{name}", {}, of=company)
        return name

    async def _site(self, company: Company, name: str, branch: str) -> str:
        return await self._tracker(company, name, branch)

    async def _lease(self, company: Company, name: str, _: str) -> str:
        number = next(self.numbers)
        body = {
            "rules": [{"code": "all", "pool": "all"}],
            "pools": {"all": [f"+7495{number:07d}"]},
        }
        trackers = "/contact-center/v1/number-trackers"
        await self.good("PUT", f"{trackers}/{LEASING}", {}, of=company)
        await self.good("PUT", f"{trackers}/{name}", body, of=company)
        asked = {"tracker": name, "visitor": VISITOR, "url": f"https://a.example/{name}"}
        made = await self.good("POST", "/contact-center/v1/number-leases", asked, of=company)
        return str(made["lease"])

    async def _import(self, company: Company, name: str, _: str) -> str:
        made = await self.good("POST", "/contact-center/v1/imports", a_file(name), of=company)
        return str(made["id"])

    async def _contact(self, company: Company, name: str, branch: str, **said: Any) -> str:
        event = {
            "id": name,
            "contact": name,
            "type": "queued",
            "at": AT,
            "channel": "call",
            "direction": "in",
            "from": "+79990001122",
            "branch": branch,
        } | said
        await self.good("POST", "/contact-center/v1/events", event, of=company)
        return str(contact_subject(company.tenant, f"{company.tenant}.default", name))

    async def _promise(self, company: Company, name: str, branch: str) -> str:
        kind = f"/contact-center/v1/promise-kinds/{PROMISED}"
        await self.good("PUT", kind, {}, of=company)
        path = f"/contact-center/v1/promises/{name}"
        await self.good("PUT", path, promise(branch), of=company)
        return name

    async def _item(self, company: Company, name: str, branch: str) -> str:
        path = f"/contact-center/v1/coaching-items/{name}"
        await self.good("PUT", path, coached(branch), of=company)
        await self.good("POST", f"{path}/done", {}, of=company)
        return name

    async def _promisable(self, company: Company, name: str, _: str) -> str:
        await self.good("PUT", f"/contact-center/v1/promise-kinds/{name}", {}, of=company)
        return name

    async def _unpromised(self, company: Company, name: str, branch: str) -> str:
        return await self._promisable(company, name, branch)

    async def _programme(self, company: Company, name: str, _: str) -> str:
        body = a_programme(next(self.numbers))
        await self.good("PUT", f"/contact-center/v1/pace-programmes/{name}", body, of=company)
        return name

    async def _changing_pace(self, company: Company, name: str, branch: str) -> str:
        return await self._programme(company, name, branch)

    async def _endable_pace(self, company: Company, name: str, branch: str) -> str:
        return await self._programme(company, name, branch)

    async def _lead(self, company: Company, name: str, branch: str) -> str:
        """The contact that opened it: of somebody whom nobody knows otherwise."""
        return await self._contact(
            company, name, branch, **{"from": None, "customer": {"external_id": name}}
        )

    async def _survey(self, company: Company, name: str, _: str) -> str:
        title = f"{company.word} {name}"
        body = {"template": "nps", "title": {"ru": title, "en": title}}
        return str((await self.good("POST", "/feedback/v1/surveys", body, of=company))["id"])

    async def _answer(self, company: Company, name: str, branch: str, nps: int = 9) -> str:
        body = {
            "survey": company.survey,
            "at": AT,
            "branch": branch,
            "customer": {"external_id": name},
            "values": {"nps": nps, "comment": f"{company.word} {branch}"},
        }
        await self.good("PUT", f"/feedback/v1/answers/{name}", body, of=company)
        return name

    async def _case(self, company: Company, name: str, branch: str) -> str:
        await self._answer(company, name, branch, 1)
        found = await self.good("GET", f"/feedback/v1/answers/{name}", of=company)
        return str(found["cases"][0])

    async def _customer(self, company: Company, name: str, branch: str) -> str:
        path = f"/loyalty/v1/customers/{name}"
        made = await self.good("PUT", path, {"branch": branch, "name": company.word}, of=company)
        return str(made["id"])

    async def _purchase(self, company: Company, name: str, branch: str) -> str:
        body = {
            "id": name,
            "at": AT,
            "branch": branch,
            "currency": "RUB",
            "customer": {"external_id": f"buyer-{branch}"},
            "lines": [LINE],
        }
        await self.good("PUT", f"/loyalty/v1/purchases/{name}", body, of=company)
        return name

    async def _transfer(self, company: Company, name: str, branch: str) -> str:
        customer = await self._customer(company, name, branch)
        moved = await self.good(
            "POST",
            f"/loyalty/v1/customers/{customer}/points",
            {"movement": "issue", "points": 5, "reason": "goodwill"},
            of=company,
            headers={"Idempotency-Key": name},
        )
        return str(moved["id"])


def a_file(name: str) -> dict[str, Any]:
    """A file that is to be imported."""
    return {
        "name": name,
        "mapping": a_mapping_as_json(),
        "file_sha256": hashlib.sha256(name.encode()).hexdigest(),
        "size": 3,
    }


PROBES = (
    "/access/v1/me",
    "/contact-center/v1/sources",
    "/feedback/v1/surveys",
    "/loyalty/v1/programme",
    "/metrics/v1/freshness",
)

KINDS = "group branch calendar removable policy endable member key source exchange tracker site lease promise promisable unpromised programme changing_pace endable_pace item import contact lead call recorded form scorecard rule lots evaluation released disputed calibration calibrated visit visited script playbook ticked survey answer case review claim worked poll asking link unlinked token invitation customer purchase transfer"


async def build(running: Running) -> World:
    """Everything that is asked about; the workers must be running."""
    made = [await running.company() for _ in range(2)]
    companies = [
        Company(one.tenant, one.key or "", word)
        for one, word in zip(made, ("alpha", "bravo"), strict=True)
    ]
    world = World(running, companies[0], companies[1], {"key": companies[0].key})
    for company in companies:
        await until_known(world, company.key)
        for branch in ("north", "south"):
            group = {"grouping": "region", "names": {"en": company.word}}
            await world.good("PUT", f"/access/v1/branch-groups/g-{branch}", group, of=company)
            body = {"groups": [f"g-{branch}"], "names": {"en": company.word}}
            await world.good("PUT", f"/access/v1/branches/{branch}", body, of=company)
        company.survey = await world.make(company, "survey", "north")
    await _employ(world)
    await _give_keys(world)
    world.second[world.ours.tenant] = [world.tokens["key evaluations:write"]]
    for company, branch in product(companies, ("north", "south")):
        names = [f"stock-{branch}-{number}" for number in range(CALLS)]
        world.calls[company.tenant, branch] = await world.push_calls(company, branch, names)
    for kind in KINDS.split():
        for place in ("own", "other"):
            world.ours.things[f"{kind} {place}"] = await world.thing(kind, place)
        world.rival.things[f"{kind} foreign"] = await world.thing(kind, "foreign")
    return world


STAFF: Mapping[str, Mapping[str, Any]] = {
    "agent": {"role": "agent", "branches": ["north"]},
    "manager": {"role": "manager", "branches": ["north"]},
    "head": {"role": "head", "groups": ["g-north"]},
    "admin": {"role": "admin"},
    "operations": {"role": "operations"},
}


async def _employ(world: World) -> None:
    """Sign everybody in; the rival's administrator too."""
    shown: dict[str, Any] = {}
    for company, staff in ((world.ours, STAFF), (world.rival, {"rival": {"role": "admin"}})):
        for name, body in staff.items():
            await world.good("PUT", f"/access/v1/staff/{name}", body, of=company)
            path = f"/access/v1/staff/{name}/password"
            shown[name] = await world.good("POST", path, of=company)
    await asyncio.sleep(PASSWORD_SECONDS)
    forget_limits()
    for name, credentials in shown.items():
        session = await world.ask("POST", "/access/v1/sign-in", credentials, key=None)
        assert session.status_code == 200, session.text
        world.tokens[name] = session.json()["token"]
    forget_limits()


async def _give_keys(world: World) -> None:
    made: dict[str, dict[str, Any]] = {
        "narrow key": {"scopes": EVERYTHING.split(), "branches": ["north"]},
        "publishable": {"purpose": "publishable", "origins": []},
    }
    made |= {f"key {scope}": {"scopes": [scope]} for scope in EVERYTHING.split()}
    for name, body in made.items():
        shown = await world.good("POST", "/access/v1/keys", {"name": name, **body})
        world.tokens[name] = shown["key"]
    named = {"external_id": "buyer-north"}
    body = {"branch": "north"}
    await world.good("PUT", "/loyalty/v1/customers/buyer-north", body)
    token = await world.good("POST", "/access/v1/customer-tokens", named)
    world.tokens["customer"] = token["token"]


async def until_known(world: World, key: str) -> None:
    """Wait until every service believes a key."""
    began = time.monotonic()
    for path in PROBES:
        while (await world.ask("GET", path, key=key)).status_code == 401:
            assert time.monotonic() - began < 30, f"{path} does not know the key"
            await asyncio.sleep(0.05)
