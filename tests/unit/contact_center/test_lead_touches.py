"""Of what the touches of a request are made, and what is published of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from otklik_common.events.leads import Deal, Touch
from otklik_contact_center.domain.lead import Lead, Request
from otklik_contact_center.domain.lead_fold import fold_leads
from otklik_contact_center.domain.lead_touches import (
    MOST_DEALS,
    MOST_VISITORS,
    Made,
    Visited,
    arrivals_of,
    gone_touch,
    touch_facts,
    visitors_of,
)
from otklik_contact_center.domain.tracking.touches import MICRO, Link
from otklik_contact_center.domain.tracking.ways import Way
from tests.unit.contact_center.builders import MORNING, contact_id

TENANT = "demo2abc"
SUBJECT = contact_id("subject")
YANDEX, VK = Way("yandex", "cpc", "spring"), Way("vk", "social")
DAY = timedelta(days=1)


def a_request(name: str = "first", *, days: float = 0, **more: Any) -> Request:
    more = {"at": MORNING + days * DAY, "inbound": True, **more}
    return Request(contact=contact_id(name), source=contact_id("source"), channel="call", **more)


def certain(visitor: bytes) -> Link:
    return Link("certain", visitor, sure=True)


def a_lead(*requests: Request) -> Lead:
    return fold_leads(requests)[0]


def a_deal(days: float, number: int = 0, **more: Any) -> Made:
    fact = Deal(deal=contact_id("d"), dealt_at=MORNING + days * DAY, branch="omsk", **more)
    return Made(contact_id(f"deal{number}"), fact)


def facts_of(
    requests: list[Request], visits: dict[tuple[str, bytes], list[Visited]], *deals: Made
) -> list[Touch]:
    arrivals = arrivals_of(TENANT, requests, visits)
    return list(touch_facts(TENANT, a_lead(*requests), SUBJECT, deals, arrivals).values())


def test_somebody_is_the_visitors_of_their_latest_contacts() -> None:
    many = [a_request(f"c{n}", days=n, link=certain(b"%d" % n)) for n in range(MOST_VISITORS + 2)]
    found = visitors_of(many)
    assert set(found) == {b"%d" % n for n in range(2, MOST_VISITORS + 2)}
    # A visitor that is known already takes no place of another.
    again = a_request("again", days=99, link=certain(b"5"))
    assert visitors_of([*many, again]).keys() == found.keys()


def test_the_best_of_what_ties_a_visitor_to_somebody_counts() -> None:
    likely = a_request("a", days=2, link=Link("likely", b"v"))
    assert visitors_of([likely]) == {b"v": "likely"}
    assert visitors_of([likely, a_request("b", link=certain(b"v"))]) == {b"v": "certain"}
    # What the sender says of the way is no doubt about the visitor.
    told = a_request("c", link=Link("told", b"v", sure=True))
    assert visitors_of([likely, told]) == {b"v": "certain"}
    assert visitors_of([a_request("d", link=Link("ambiguous")), a_request("e")]) == {}


def test_visits_count_with_contacts_of_a_known_way() -> None:
    requests = [
        a_request(way=VK, link=certain(b"v")),
        a_request("second", days=1),
        a_request("we called", days=2, inbound=False, way=YANDEX),
    ]
    visits = {
        (TENANT, b"v"): [Visited(MORNING - DAY, YANDEX)],
        ("another", b"v"): [Visited(MORNING - 2 * DAY, VK)],
        (TENANT, b"w"): [Visited(MORNING - 3 * DAY, VK)],
    }
    path = arrivals_of(TENANT, requests, visits).path(
        requests[0].contact, MORNING, MORNING + 9 * DAY
    )
    assert [(one.way, one.certainty) for one in path.touches] == [
        (YANDEX, "certain"),
        (VK, "certain"),
    ]


def test_nothing_is_told_where_all_is_the_request_s_own() -> None:
    assert facts_of([a_request()], {}) == []
    assert facts_of([a_request(way=VK)], {}, a_deal(1, amount_minor=100, currency="RUB")) == []


def test_touches_carry_what_their_request_or_deal_carries() -> None:
    first = a_request(way=VK, branch="perm", party="buyer", agent="ann", link=certain(b"v"))
    visits = {(TENANT, b"v"): [Visited(MORNING - DAY, YANDEX)]}
    deal = a_deal(3, amount_minor=101, currency="RUB", agent="bob")
    found = facts_of([first], visits, deal)
    assert len(found) == 4
    for touch in found:
        of_deal = touch.deal is not None
        assert touch.branch == ("omsk" if of_deal else "perm")
        assert (touch.party, touch.agent) == ((None, "bob") if of_deal else ("buyer", "ann"))
        assert touch.credited_at == (deal.fact.dealt_at if of_deal else MORNING)
        assert touch.currency == ("RUB" if of_deal else None)
        assert touch.lead == SUBJECT
    assert [one.linear_minor for one in found] == [0, 0, 51, 50]


def test_a_deal_without_an_amount_is_shared_out_all_the_same() -> None:
    requests = [a_request(way=VK), a_request("later", days=1, way=YANDEX)]
    found = facts_of(requests, {}, a_deal(2))
    assert [one.linear_micro for one in found] == [MICRO // 2, MICRO // 2]
    assert {(one.amount_minor, one.linear_minor, one.position_minor) for one in found} == {
        (None, 0, 0)
    }


def test_deals_after_the_first_twenty_stay_with_the_request_s_own_touch() -> None:
    requests = [a_request(way=VK), a_request("later", days=1, way=YANDEX)]
    deals = [a_deal(5 + n, n) for n in range(MOST_DEALS + 3)]
    found = facts_of(requests, {}, *reversed(deals))
    assert {one.deal for one in found} == {one.subject for one in deals[:MOST_DEALS]}


def test_every_model_s_parts_of_what_is_told_add_up() -> None:
    ways = [VK, YANDEX, Way("radio")]
    requests = [a_request(f"c{n}", days=-n - 1, way=way) for n, way in enumerate(ways)]
    lead = a_lead(a_request())
    told = touch_facts(
        TENANT,
        lead,
        SUBJECT,
        [a_deal(1, amount_minor=100, currency="RUB")],
        arrivals_of(TENANT, [*requests, a_request()], {}),
    )
    for of_deal in (False, True):
        mine = [one for one in told.values() if (one.deal is not None) is of_deal]
        assert [one.place for one in mine] == [0, 1, 2, 3]
        assert [one.opener for one in mine] == [True, False, False, False]
        assert sum(one.linear_micro for one in mine) == MICRO
        assert sum(one.position_micro for one in mine) == MICRO
        assert sum(one.linear_minor for one in mine) == 100 * of_deal
        assert sum(one.position_minor for one in mine) == 100 * of_deal
        for name in ("first", "last", "last_non_direct"):
            assert sum(getattr(one, name) for one in mine) == 1


def test_what_is_no_touch_any_more_says_only_where_it_was() -> None:
    gone = gone_touch(SUBJECT, MORNING)
    plain = Touch(lead=SUBJECT, credited_at=MORNING, place=0, touches=0)
    assert gone == plain
    assert isinstance(gone.lead, UUID)


def test_how_a_contact_is_tied_is_kept_as_it_was() -> None:
    for link in (Link("static"), certain(b"\x00\xff")):
        packed = msgspec.msgpack.encode(link)
        assert msgspec.msgpack.Decoder(Link).decode(packed) == link
