"""Every way in which somebody's phone, name, e-mail and words come to us, errors included."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from standardwebhooks import Webhook

from tests.support.canary import Canaries
from tests.support.canary_survey import QUESTIONS
from tests.unit.contact_center.mapping_builders import a_mapping_as_json

AT = "2026-03-02T09:00:00+03:00"
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Row = dict[str, Any]


class Flows:
    """
    Sends canaries everywhere.

    Attributes:
        statuses: What was answered, by flow: a flow that never got in proves nothing.
    """

    def __init__(self, url: str, key: str, canaries: Canaries) -> None:
        self.it = canaries
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        self.statuses: dict[str, list[int]] = {}

    @property
    def customer(self) -> Row:
        """As bodies name the person."""
        return {"phone": self.it.phone, "email": self.it.mail, "external_id": self.it.secret}

    def send(self, flow: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """One request with a trace; its JSON, if it has any."""
        headers = {"traceparent": TRACED, **more.pop("headers", {})}
        if isinstance(body, str | bytes):
            more["content"] = body
            headers.setdefault("Content-Type", "application/json")
        elif body is not None:
            more["json"] = body
        answer = self._http.request(method, path, headers=headers, **more)
        self.statuses.setdefault(flow, []).append(answer.status_code)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json and answer.content else None

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def everything(self) -> None:
        """All flows, in the order in which later ones need earlier ones."""
        self.access()
        self.pushes()
        self.refused_pushes()
        self.hook()
        self.imports()
        self.feedback()
        self.in_public()
        self.loyalty()
        self.wrong_places()

    # --- access ---------------------------------------------------------------------------------

    def access(self) -> None:
        """Staff, keys, the company, tokens, sign-in with what is not true."""
        it = self.it
        staff = {"role": "agent", "name": it.name, "email": it.mail}
        self.send("staff", "PUT", "/access/v1/staff/petrova", staff)
        self.send("staff", "PUT", "/access/v1/staff/petrova", staff | {"name": it.name + "а"})
        self.send("staff refused", "PUT", "/access/v1/staff/ivanova", staff | {"role": it.name})
        self.send("staff refused", "PUT", "/access/v1/staff/ivanova", staff | {it.name: it.text})
        self.send("staff refused", "PUT", "/access/v1/staff/ivanova", staff | {"login": it.mail})
        self.send("staff read", "GET", "/access/v1/staff")
        self.send("key", "POST", "/access/v1/keys", {"name": it.name, "scopes": ["metrics:read"]})
        wrong = {"name": it.name, "scopes": [it.text]}
        self.send("key refused", "POST", "/access/v1/keys", wrong)
        self.send("token", "POST", "/access/v1/customer-tokens", {"external_id": it.secret})
        for login in (it.mail, it.phone, f"petrova@{it.secret}"):
            body = {"login": login, "password": it.secret}
            self.send("sign-in refused", "POST", "/access/v1/sign-in", body)
        self.send(
            "sign-in refused",
            "POST",
            "/sign-in",
            f"login={it.mail}&password={it.secret}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.send("refresh refused", "POST", "/access/v1/refresh", {"refresh_token": it.secret})
        edit = {"timezone": it.name}
        self.send(
            "company refused",
            "PATCH",
            "/access/v1/companies/current",
            edit,
            headers={"If-Match": "*"},
        )

    # --- contact centre -------------------------------------------------------------------------

    def event(self, name: str, **said: Any) -> Row:
        """Something that happened to a contact of the person."""
        contact = name.partition("-")[0]
        return {"id": name, "contact": contact, "type": "started", "at": AT, **said}

    def pushes(self) -> None:
        """Calls, chats and e-mails with everything personal that they can carry."""
        it = self.it
        person = {"from": it.phone, "customer": self.customer, "attributes": {"note": it.text}}
        events = [
            self.event("a-q", type="queued", channel="call", direction="in", **person),
            self.event("a-a", type="answered", agent="petrova", to=it.spaced),
            self.event("a-e", type="ended", text=it.text),
            self.event("b-1", channel="chat", direction="in", **{"from": it.spaced}),
            self.event("b-2", type="message", channel="chat", direction="in", text=it.text),
            self.event("b-3", type="message", direction="out", agent="petrova", text=it.name),
            self.event("c-1", channel="email", direction="in", text=it.text, **{"from": it.mail}),
            self.event("d-1", channel="form", direction="in", customer={"phone": it.spaced}),
        ]
        path = "/contact-center/v1/events"
        self.send("push", "POST", path, events)
        self.send("push", "POST", path, events)  # once more: duplicates
        lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
        self.send("push", "POST", path, lines, headers={"Content-Type": "application/x-ndjson"})
        self.send("push", "POST", path, self.event("e-1", channel="call", **{"from": it.phone}))
        states = [{"id": "s1", "agent": "petrova", "state": "break", "at": AT}]
        self.send("agent state", "POST", "/contact-center/v1/agent-states", states)
        steps = [
            {"id": "l1", "lead": "l", "step": "qualified", "at": AT, "customer": self.customer},
            {"id": "l2", "lead": "l", "step": "closed", "at": AT, "contact": "a"},
            {"id": "l3", "lead": it.phone, "step": it.name, "at": it.text, it.mail: it.phone},
        ]
        self.send("lead step", "POST", "/contact-center/v1/lead-steps", steps)
        self.send("lead read", "GET", "/contact-center/v1/leads")
        find = {"phone": it.phone}
        self.send("contact read", "POST", "/contact-center/v1/contacts:find", find)

    def refused_pushes(self) -> None:
        """One of each kind of "no", with the person in the middle of it."""
        it, path = self.it, "/contact-center/v1/events"
        reused = self.event("a-q", type="queued", text=it.text, **{"from": it.phone})
        bad = [
            self.event("x-1", text=it.text, **{it.name: it.phone}),
            self.event("x-2", at=it.text),
            self.event("x-3", at="2099-01-01T00:00:00Z", text=it.text),
            self.event("x-4", channel=it.name, text=it.text),
            self.event("x-5", type=it.phone, customer=self.customer),
            self.event("x-6", text=[it.text]),
            self.event("x-7", attributes={it.name: {"deep": it.text}}),
            it.text,
            reused,
        ]
        self.send("push refused", "POST", path, bad)
        for one in bad:
            self.send("push refused", "POST", path, one)
        self.send("push malformed", "POST", path, f'[{{"id":"y","text":"{it.text}')
        self.send("push malformed", "POST", path, f'{{"text":"{it.text}"}}'.encode("cp1251"))
        lines = f'{{"id":"z","from":"{it.phone}"}}\nnot json {it.text}\n'
        self.send(
            "push refused", "POST", path, lines, headers={"Content-Type": "application/x-ndjson"}
        )
        states = [
            {"id": "s2", "agent": "petrova", "state": "break", "at": AT, "text": it.text},
            {"id": "s3", "agent": "petrova", "state": "break", "at": it.phone},
        ]
        self.send("agent state", "POST", "/contact-center/v1/agent-states", states)
        self.send("refused read", "GET", "/contact-center/v1/events/refused")
        again = {"code": "unknown_field"}
        self.send("refused replay", "POST", "/contact-center/v1/events/refused:replay", again)

    def hook(self) -> None:
        """A signed push, and one with a wrong signature."""
        made = self.send("source", "POST", "/contact-center/v1/sources", {"name": "АТС"})
        event = self.event(
            "h-1", channel="call", direction="in", text=self.it.text, **{"from": self.it.phone}
        )
        body, now = json.dumps(event, ensure_ascii=False), datetime.now(UTC)
        headers = {
            "webhook-id": "m1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(made["secret"]).sign("m1", now, body),
        }
        self.send("hook", "POST", made["hook"], body.encode(), headers=headers)
        wrong = headers | {"webhook-signature": f"v1,{self.it.secret}", "webhook-id": "m2"}
        self.send("hook refused", "POST", made["hook"], body.encode(), headers=wrong)

    def imports(self) -> None:
        """A file with good rows and with rows that cannot be."""
        it, path = self.it, "/contact-center/v1/imports"
        fields = {
            "channel": {"constant": "form"},
            "direction": {"constant": "in"},
            "from": {"column": "extra"},
            "text": {"column": "status"},
        }
        good = f"r1,2026-03-02 09:00:00,2026-03-02 10:00:00,{it.text},{it.phone}"
        bad = f"r2,{it.text},{it.phone},{it.text},{it.mail}"
        file = f"id,created,closed,status,extra\n{good}\n{bad}\n".encode()
        begun = {
            "name": "requests.csv",
            "mapping": a_mapping_as_json(fields=fields),
            "file_sha256": hashlib.sha256(file).hexdigest(),
            "size": len(file),
        }
        job = self.send("import", "POST", path, begun)["id"]
        self.send(
            "import",
            "PUT",
            f"{path}/{job}/chunks/0",
            file,
            headers={"Content-Type": "application/octet-stream"},
        )
        self.send("import", "POST", f"{path}/{job}/start")
        self.job = f"{path}/{job}"

    # --- feedback -------------------------------------------------------------------------------

    def feedback(self) -> None:
        """Answers one by one, in batches, refused; what was done about an unhappy one."""
        it, path = self.it, "/feedback/v1/answers"
        title = {"ru": "Опрос", "en": "Survey"}
        asked = {"template": "nps", "title": title, "questions": QUESTIONS}
        survey = self.send("survey", "POST", "/feedback/v1/surveys", asked)["id"]
        said = {"survey": survey, "at": AT, "customer": self.customer, "contact": "a"}
        words = {"nps": 1, "comment": it.text, "story": f"{it.name} {it.text}"}
        self.send("answer", "PUT", f"{path}/a-1", said | {"values": words})
        self.send("answer", "PUT", f"{path}/a-1", said | {"values": words | {"comment": it.name}})
        self.send("answer refused", "PUT", f"{path}/a-2", said | {"values": {"nps": it.text}})
        self.send("answer refused", "PUT", f"{path}/a-2", said | {"values": {it.name: it.text}})
        self.send("answer refused", "PUT", f"{path}/a-2", said | {"values": {"who": it.text}})
        self.send("answer refused", "PUT", f"{path}/a-2", said | {"survey": it.text, "values": {}})
        self.send("answer refused", "PUT", f"{path}/a-2", said | {it.name: it.phone})
        self.send("answer malformed", "PUT", f"{path}/a-2", f'{{"comment":"{it.text}')
        batch = [
            said | {"id": "b-1", "values": {"nps": 9, "comment": it.text}},
            said | {"id": "b-2", "values": {"nps": 77, "comment": it.text}},
            said | {"id": "b-3", "values": {"nps": 7}, it.name: it.text},
            said | {"id": "b-4", "at": it.text, "values": {}},
            it.phone,
        ]
        self.send("batch", "POST", f"{path}:batch", batch)
        case = self.send("case read", "GET", "/feedback/v1/cases")["items"][0]["id"]
        step = {"reason": "reached", "note": f"{it.name}: {it.text}"}
        step_path = f"/feedback/v1/cases/{case}/contacted"
        keyed = {"Idempotency-Key": "case-1"}
        self.send("case", "POST", step_path, step, headers=keyed)
        self.send("case", "POST", step_path, step, headers=keyed)  # kept answer
        self.send("case refused", "POST", step_path, step | {"reason": it.text})
        self.send("case read", "GET", f"/feedback/v1/cases/{case}")

    def in_public(self) -> None:
        """Reviews, replies to them, claims and their steps."""
        it, path = self.it, "/feedback/v1"
        said = {"source": "2gis", "id": "r-1", "written_at": AT, "stars": 1}
        words = said | {"text": it.text, "author": it.name, "url": f"https://a.example/{it.secret}"}
        review = self.send("review", "POST", f"{path}/reviews", words)["id"]
        self.send("review", "POST", f"{path}/reviews", words | {"text": it.name})
        for wrong in ({"source": it.text}, {it.name: it.phone}, {"url": it.mail}, {"at": it.text}):
            self.send("review refused", "POST", f"{path}/reviews", words | wrong)
        self.send("reviews", "POST", f"{path}/reviews:batch", [words, it.text, words | {"id": 7}])
        rows = f"source,id,written_at,text\n2gis,r-2,{AT},{it.text}\n2gis,r-3,{it.phone},\n"
        for file in (rows, f"source,id,{it.name}\n", f'source,id,written_at\n"{it.text}'):
            flow = "file" if file is rows else "file refused"
            self.send(flow, "POST", f"{path}/reviews:import", file.encode())
        answer = f"{path}/reviews/{review}/replies"
        self.send("reply", "POST", answer, {"text": f"{it.name}, {it.text}", "published": True})
        self.send("review read", "GET", f"{path}/reviews/{review}")
        demand = {"id": "c-1", "received_at": AT, "text": it.text, "customer": self.customer}
        claim = self.send("claim", "POST", f"{path}/claims", demand)["id"]
        self.send("claim refused", "POST", f"{path}/claims", demand | {"text": it.name})
        self.send(
            "claim refused", "POST", f"{path}/claims", demand | {"id": it.mail, "topic": it.text}
        )
        step = {"reason": "called", "note": f"{it.name}: {it.text}"}
        self.send("claim step", "POST", f"{path}/claims/{claim}/react", step)
        self.send("claim read", "GET", f"{path}/claims/{claim}")

    # --- loyalty --------------------------------------------------------------------------------

    def loyalty(self) -> None:
        """Customers, purchases, returns, points."""
        it, path = self.it, "/loyalty/v1"
        person = {"name": it.name, "phone": it.phone, "email": it.mail}
        made = self.send("customer", "PUT", f"{path}/customers/{it.secret}", person)
        self.send("customer", "PUT", f"{path}/customers/{made['id']}", {"name": it.name + "а"})
        self.send("customer refused", "PUT", f"{path}/customers/c-2", {"phone": it.text})
        self.send("customer refused", "PUT", f"{path}/customers/c-2", {"email": it.name})
        self.send("customer read", "POST", f"{path}/customers:find", {"phone": it.spaced})
        line = {"id": "1", "product": "commission", "quantity": 2, "amount": "400.00"}
        bought = {
            "id": "p-1",
            "customer": self.customer,
            "at": AT,
            "currency": "RUB",
            "lines": [line],
            "attributes": {"note": it.text},
        }
        self.send("purchase", "PUT", f"{path}/purchases/p-1", bought)
        self.send("purchase refused", "PUT", f"{path}/purchases/p-1", bought | {it.name: it.text})
        odd = bought | {"lines": [line | {"amount": it.text}]}
        self.send("purchase refused", "PUT", f"{path}/purchases/p-1", odd)
        batch = [bought | {"id": "p-2"}, odd | {"id": "p-3"}, it.text]
        self.send("batch", "POST", f"{path}/purchases:batch", batch)
        back = {"id": "r-1", "at": AT, "lines": [{"id": "1", "quantity": 1}]}
        self.send("return", "POST", f"{path}/purchases/p-1/returns", back)
        self.send(
            "return refused",
            "POST",
            f"{path}/purchases/p-1/returns",
            back | {"lines": [{"id": it.text}]},
        )
        move = {"movement": "issue", "points": 5, "reason": "goodwill"}
        points = f"{path}/customers/{it.secret}/points"
        self.send("points", "POST", points, move, headers={"Idempotency-Key": "points-1"})
        self.send(
            "points refused",
            "POST",
            points,
            move | {"reason": it.text},
            headers={"Idempotency-Key": "points-2"},
        )

    # --- where nobody expects them --------------------------------------------------------------

    def wrong_places(self) -> None:
        """In paths, queries, headers and filters."""
        it = self.it
        for value in (it.phone, it.name, it.mail, it.text, it.secret):
            for path in self._paths(quote(value, safe="")):
                self.send("odd address", "GET", path)
        query = {
            "metrics": [{"name": "contacts_offered"}],
            "time": {"from": AT, "to": "2026-03-09T00:00:00+03:00"},
        }
        hidden = {"dimension": "agent", "op": "in", "values": [it.phone, it.name]}
        for odd in (
            {"filters": [hidden]},
            {"filters": [hidden | {"dimension": it.name}]},
            {"metrics": [{"name": it.text}]},
            {"metrics": [{"name": "service_level", "formula": it.text}]},
            {"time": query["time"] | {"timezone": it.name}},  # type: ignore[operator]
            {"group_by": [it.mail]},
            {it.phone: it.text},
        ):
            self.send("odd query", "POST", "/metrics/v1/query", query | odd)
        records = {"metric": {"name": "contacts_offered"}, "time": query["time"]}
        self.send("odd query", "POST", "/metrics/v1/query/records", records | {"cursor": it.text})
        plain = it.text.encode().hex() + it.digits
        for header in (
            {"X-Request-Id": plain},
            {"User-Agent": plain},
            {"Referer": f"https://example.org/?phone={it.phone}"},
            {"Origin": f"https://{it.mail.split('@', maxsplit=1)[1]}"},
            {"Accept-Language": it.mail},
            {"traceparent": it.phone},
            {"tracestate": f"phone={it.digits}"},
            {"baggage": f"phone={it.digits}"},
            {"If-Match": it.phone},
            {"Authorization": f"Bearer {it.secret}"},
            {"Authorization": f"Bearer otk_demo2abc_{it.digits}_{it.secret}"},
            {"Cookie": f"otklik_session={it.secret}; otklik-refresh={it.secret}"},
            {"X-Forwarded-For": it.phone},
        ):
            self.send("odd header", "GET", "/feedback/v1/surveys", headers=header)
            self.send("odd header", "GET", "/", headers=header)
        keyed = {"Idempotency-Key": f"{it.phone}-{it.mail}"}
        survey = {"template": "nps", "title": {"ru": "Опрос", "en": "Survey"}}
        self.send("odd header", "POST", "/feedback/v1/surveys", survey, headers=keyed)
        self.send("odd method", it.secret.upper(), "/feedback/v1/surveys")

    @staticmethod
    def _paths(value: str) -> Iterator[str]:
        yield f"/access/v1/staff/{value}"
        yield f"/access/v1/keys/{value}"
        yield f"/access/v1/audit?object_id={value}"
        yield f"/access/v1/staff?cursor={value}"
        yield f"/contact-center/v1/contacts?phone={value}"
        yield f"/contact-center/v1/contacts/{value}"
        yield f"/contact-center/v1/{value}"
        yield f"/feedback/v1/answers/{value}"
        yield f"/feedback/v1/answers?branch={value}&agent={value}"
        yield f"/feedback/v1/answers?{value}={value}"
        yield f"/loyalty/v1/customers/{value}"
        yield f"/loyalty/v1/purchases/{value}"
        yield f"/metrics/v1/catalog?{value}=1"
        yield f"/{value}"
        yield f"/number/{value}"
        yield f"/?branch={value}&lang={value}"
        yield f"/static/{value}"
