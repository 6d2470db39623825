"""Policies of service over HTTP: put, changed from a moment on, ended, told to the others."""

import asyncio
from typing import Any

import pytest

from otklik_common.events.access import SlaPolicy
from tests.integration.access.conftest import Http, World
from tests.integration.access.test_calendars import OFFICE

pytestmark = pytest.mark.asyncio

FIRST = {"target": "first_response", "seconds": 3600, "business": False}
USUAL: dict[str, Any] = {"priority": 10, "targets": [FIRST], "valid_from": "2026-01-01T00:00:00Z"}


async def heard(world: World, code: str) -> SlaPolicy:
    """What a reader of the directory knows of a policy, once it does."""
    for _ in range(100):
        known = await world.platform.directory("access").known(world.tenant)
        if code in known.sla_policies:
            return known.sla_policies[code]
        world.platform.directory("access").forget(world.tenant)
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody hears of {code}")


async def test_a_policy_is_put_by_code_and_told_to_the_others(http: Http, world: World) -> None:
    await http.good("PUT", "/calendars/office", OFFICE)
    await http.good("PUT", "/branches/tyumen", {"calendar": "office"})
    body = {
        **USUAL,
        "names": {"ru": "Обычное", "en": "Usual"},
        "channels": ["email", "call", "call"],
        "branches": ["tyumen"],
        "calendar": "office",
        "targets": [
            {"target": "resolution", "seconds": 86_400, "pauses": ["paused", "customer"]},
            {**FIRST, "warning_seconds": 600},
        ],
    }
    first = await http.ask("PUT", "/sla-policies/usual", body)
    assert first.status_code == 200, first.text
    again = await http.ask("PUT", "/sla-policies/usual", body)
    assert first.headers["etag"] == again.headers["etag"] == '"1"'
    assert await http.good("GET", "/sla-policies/usual") == first.json()
    (terms,) = (await heard(world, "usual")).terms
    assert terms.channels == ("call", "email")
    assert [one.target.value for one in terms.targets] == ["first_response", "resolution"]
    assert [one.pauses for one in terms.targets] == [(), ("customer", "paused")]


async def test_claims_and_reviews_are_promised_apart_from_contacts(
    http: Http, world: World
) -> None:
    targets = [
        {"target": "review_reply", "seconds": 86_400, "business": False},
        FIRST,
        {"target": "claim_answer", "seconds": 86_400, "business": False},
    ]
    await http.good("PUT", "/sla-policies/usual", {**USUAL, "targets": targets})
    (shown,) = (await http.good("GET", "/sla-policies/usual"))["terms"]
    assert [one["target"] for one in shown["targets"]] == [
        "first_response",
        "claim_answer",
        "review_reply",
    ]
    (terms,) = (await heard(world, "usual")).terms
    # Readers of a build before know no other targets than those of contacts.
    assert [one.target.value for one in terms.targets] == ["first_response"]
    assert [one.target.value for one in terms.other_targets] == ["claim_answer", "review_reply"]


async def test_an_ended_policy_frees_its_priority_and_stays_readable(http: Http) -> None:
    await http.good("PUT", "/sla-policies/usual", USUAL)
    taken = await http.ask("PUT", "/sla-policies/vip", USUAL)
    assert (taken.status_code, taken.json()["code"]) == (409, "priority_taken")
    assert (await http.ask("DELETE", "/sla-policies/usual")).status_code == 204
    assert (await http.ask("DELETE", "/sla-policies/none")).status_code == 404
    # What it promised it has promised: the priority is free from its end on.
    earlier = await http.ask("PUT", "/sla-policies/vip", USUAL)
    assert (earlier.status_code, earlier.json()["code"]) == (409, "priority_taken")
    from_now = {name: value for name, value in USUAL.items() if name != "valid_from"}
    await http.good("PUT", "/sla-policies/vip", from_now)
    listed = (await http.good("GET", "/sla-policies"))["items"]
    assert [(one["code"], [t["active"] for t in one["terms"]]) for one in listed] == [
        ("usual", [True, False]),
        ("vip", [True]),
    ]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"targets": [{**FIRST, "seconds": 0}]}, "out_of_range"),
        ({"targets": []}, "too_short"),
        ({"targets": [{**FIRST, "target": "smile"}]}, "not_one_of"),
        ({"channels": ["pigeon"]}, "not_one_of"),
        ({"priority": 0}, "out_of_range"),
        ({"targets": [FIRST, {**FIRST, "seconds": 60}]}, "target_twice"),
        ({"targets": [{**FIRST, "warning_seconds": 3600}]}, "warning_too_early"),
        (
            {"targets": [{**FIRST, "target": "claim_answer", "pauses": ["customer"]}]},
            "no_such_pause",
        ),
        ({"queues": ["sales"], "targets": [{**FIRST, "target": "review_reply"}]}, "never_holds"),
    ],
)
async def test_what_no_policy_can_promise_is_said_with_its_field(
    http: Http, wrong: dict[str, Any], code: str
) -> None:
    answer = await http.ask("PUT", "/sla-policies/usual", {**USUAL, **wrong})
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == [code]


async def test_what_a_policy_names_must_be_there(http: Http) -> None:
    for wrong, code in (
        ({"branches": ["nowhere"]}, "unknown_branch"),
        ({"groups": ["nobody"]}, "unknown_branch_group"),
        ({"calendar": "none"}, "unknown_calendar"),
        ({"targets": [{**FIRST, "business": True}]}, "no_calendar"),
    ):
        answer = await http.ask("PUT", "/sla-policies/usual", {**USUAL, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    unknown = await http.ask("PUT", "/branches/tyumen", {"calendar": "none"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_calendar")


async def test_a_calendar_by_which_something_counts_is_not_removed(http: Http) -> None:
    for code in ("first", "of-a-branch", "of-a-policy"):
        await http.good("PUT", f"/calendars/{code}", OFFICE)
    await http.good("PUT", "/branches/tyumen", {"calendar": "of-a-branch"})
    await http.good("PUT", "/sla-policies/usual", {**USUAL, "calendar": "of-a-policy"})
    for code in ("of-a-branch", "of-a-policy"):
        answer = await http.ask("DELETE", f"/calendars/{code}")
        assert (answer.status_code, answer.json()["code"]) == (409, "calendar_in_use")
    await http.good("PUT", "/branches/tyumen", {})
    assert (await http.ask("DELETE", "/calendars/of-a-branch")).status_code == 204


async def test_of_many_at_once_one_gets_the_priority(http: Http) -> None:
    puts = (http.ask("PUT", f"/sla-policies/p{number}", USUAL) for number in range(6))
    answers = await asyncio.gather(*puts)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
