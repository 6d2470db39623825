"""Requests, deals and amounts by models of attribution: in sum as many as there are."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common.events.contact_center import Channel
from otklik_common.events.leads import Deal, Lead, Touch
from otklik_contact_center.domain.lead import Lead as Known
from otklik_contact_center.domain.lead import Request
from otklik_contact_center.domain.lead_touches import Made, touch_facts
from otklik_contact_center.domain.tracking.touches import Arrival, Arrivals
from otklik_contact_center.domain.tracking.ways import NO_WAY, Way
from tests.support.facts import SOURCE
from tests.support.metrics_api import TEN, Office, a_body, numbered

pytestmark = pytest.mark.asyncio

MODELS = ("first", "lead", "last", "last_non_direct", "linear", "position")
YANDEX, VK, DIRECT = Way("yandex", "cpc", "spring"), Way("vk", "social"), Way("direct", "none")


def told(
    *ways: Way, own: Way = NO_WAY, amount: int | None = None, sold: bool = False, **said: Any
) -> list[Lead | Deal | Touch]:
    """What is published of a request whose own way came last, and of its deal."""
    opener = Request(uuid4(), TEN, True, SOURCE, "call", way=own)
    lead = Known(opener, None, None, None, None, False, TEN, TEN, TEN)
    arrivals = [
        Arrival(TEN - timedelta(days=len(ways) - n), way, "certain") for n, way in enumerate(ways)
    ]
    if own.known:
        arrivals.append(Arrival(TEN, own, "certain", opener.contact))
    dims = {"source": SOURCE, "channel": Channel.CALL, **own._asdict(), **said}
    fact = Lead(contact=opener.contact, created_at=TEN, last_requested_at=TEN, **dims)
    found: list[Lead | Deal | Touch] = [fact]
    deals = []
    if sold:
        priced: dict[str, Any] = {
            "amount_minor": amount,
            "currency": None if amount is None else "RUB",
        }
        deal = Deal(deal=uuid4(), dealt_at=TEN + timedelta(hours=1), **priced, **dims)
        deals = [Made(uuid4(), deal)]
        found.append(deal)
    for name in ("party", "branch", "agent"):
        setattr(lead, name, said.get(name))
    subject: UUID = uuid4()
    found += touch_facts("demo2abc", lead, subject, deals, Arrivals(arrivals)).values()
    return found


async def hear(office: Office, *journeys: list[Lead | Deal | Touch]) -> None:
    facts = [fact for journey in journeys for fact in journey]
    await office.hear(numbered("f", facts))


def by_models(name: str) -> list[dict[str, Any]]:
    return [{"name": name, "model": model, "as": model} for model in MODELS]


async def test_each_model_gives_a_request_to_other_touches(office: Office) -> None:
    await hear(office, told(YANDEX, VK, own=DIRECT, sold=True, amount=100_01))
    for name, whole in (("attributed_leads", 1), ("attributed_deals", 1), ("attributed_amount", 1)):
        found = await office.query(*by_models(name), group_by=["ad_source"])
        cells = {row["ad_source"]: [row[m]["value"] for m in MODELS] for row in found["rows"]}
        if name == "attributed_amount":
            assert cells == {
                "yandex": [100.01, 0, 0, 0, 33.34, 40.01],
                "vk": [0, 0, 0, 100.01, 33.34, 20],
                "direct": [0, 100.01, 100.01, 0, 33.33, 40],
            }
            continue
        assert cells == {
            "yandex": [whole, 0, 0, 0, 0.333334, 0.4],
            "vk": [0, 0, 0, whole, 0.333333, 0.2],
            "direct": [0, whole, whole, 0, 0.333333, 0.4],
        }


async def test_what_nobody_knows_is_never_dropped(office: Office) -> None:
    await hear(office, told(), told(VK), told(own=YANDEX), told(sold=True, amount=500))
    found = await office.query(*by_models("attributed_leads"), group_by=["ad_source"])
    cells = {row["ad_source"]: [row[m]["value"] for m in MODELS] for row in found["rows"]}
    # The second one came by a way that nobody knows, after a visit by VK.
    assert cells == {
        None: [2, 3, 2, 2, 2, 2],
        "vk": [1, 0, 1, 1, 1, 1],
        "yandex": [1] * 6,
    }


async def test_it_is_cut_by_what_requests_and_touches_carry(office: Office) -> None:
    await hear(office, told(VK, own=YANDEX, branch="perm"), told(own=YANDEX, branch="omsk"))
    found = await office.query(
        {"name": "attributed_leads", "model": "linear"},
        group_by=["medium", "campaign"],
        filters=[{"dimension": "branch", "op": "eq", "value": "perm"}],
    )
    cells = {(r["medium"], r["campaign"]): r["attributed_leads"]["value"] for r in found["rows"]}
    assert cells == {("cpc", "spring"): 0.5, ("social", None): 0.5}
    for name in ("queue", "reason"):
        refused = await office.refusal(a_body("attributed_leads", group_by=[name]))
        assert refused == (422, "impossible_dimension")
    body = {"metric": {"name": "attributed_leads"}, "time": a_body("leads")["time"]}
    answer = await office.call("POST", "/query/records", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_records")


WAYS = st.sampled_from([YANDEX, VK, DIRECT, Way(campaign="radio")])
JOURNEYS = st.lists(
    st.tuples(
        st.lists(WAYS, max_size=8),
        st.one_of(st.just(NO_WAY), WAYS),
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 10**9)),
        st.sampled_from([None, "perm", "omsk"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(journeys=JOURNEYS)
async def test_all_models_add_up_to_what_there_is(office: Office, journeys: Any) -> None:
    facts = [
        told(*ways, own=own, sold=sold, amount=amount, branch=branch)
        for ways, own, sold, amount, branch in journeys
    ]
    # The company keeps what it heard before: all of it must add up.
    await office.hear(numbered(str(uuid4()), [fact for journey in facts for fact in journey]))
    for name, plain in (
        ("attributed_leads", "leads"),
        ("attributed_deals", "deals"),
        ("attributed_amount", "deal_amount"),
    ):
        for groups in ([], ["branch"]):
            for row in (await office.query(*by_models(name), plain, group_by=groups))["rows"]:
                assert {row[model]["value"] for model in MODELS} == {row[plain]["value"]}
        found = await office.query(*by_models(name), group_by=["ad_source", "medium", "campaign"])
        total = (await office.query(plain))["rows"][0][plain]["value"]
        for model in MODELS:
            parts = [row[model]["value"] for row in found["rows"]]
            digits = 2 if name == "attributed_amount" else 6
            assert sum(round(part * 10**digits) for part in parts) == round(total * 10**digits)
            assert all(part >= 0 for part in parts)
