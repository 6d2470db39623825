"""Customers: found by what identifies them, merged by nothing weak, sealed where personal."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from otklik_common.callers import SELF, Caller
from otklik_common.errors import Forbidden, NotFound, PreconditionFailed
from otklik_common.etags import Expected, etag
from otklik_common.events.loyalty import Customer
from otklik_common.ids import subject_id
from otklik_loyalty.actions.announce import MOST_IDENTIFIERS
from otklik_loyalty.actions.customers import (
    BadEmail,
    BadPhone,
    ExternalIdDiffers,
    ExternalIdTaken,
    Profile,
    keep_customer,
    read_customer,
    said,
    search_customers,
)
from otklik_loyalty.actions.identify import events_of, identify
from otklik_loyalty.actions.points import read_own_balance
from tests.integration.loyalty.conftest import World

PHONE, EMAIL, NAME = "+79991234567", "anna@example.org", "Анна Ёлкина"
ANYTHING = Expected(None)


async def put(
    world: World, reference: str = "c-1", expected: Expected = ANYTHING, **given: str | None
) -> Profile:
    profile, _ = await keep_customer(
        world.api, world.means, world.caller, reference, given, expected=expected
    )
    return profile


async def meet(world: World, **named: str) -> UUID:
    """What a purchase does with the person it names."""
    person = said(world.means, world.tenant, **named)  # type: ignore[arg-type]
    assert person is not None
    async with world.api.begin(world.tenant) as tx:
        found = await identify(tx, world.tenant, [person], sealer=world.means.sealer)
        await events_of(tx, world.tenant, found)
        return found.assigned[0].customer


async def search(world: World, **by: str) -> set[UUID]:
    person = said(world.means, world.tenant, **by)  # type: ignore[arg-type]
    found = await search_customers(world.api, world.means, world.caller, person)
    return {profile.id for profile in found}


async def facts(world: World) -> list[Customer]:
    events = await world.facts("customer")
    return [event.data for event in events if isinstance(event.data, Customer)]


def pseudonyms(world: World, **named: str) -> tuple[str, ...]:
    return world.means.pseudonyms.identifiers(world.tenant, **named)


@pytest.mark.asyncio
async def test_a_customer_is_created_once_and_told_without_anything_personal(world: World) -> None:
    made = await put(world, name=NAME, phone=PHONE, email=EMAIL, branch="tyumen", segment="vip")
    again = await put(world, name=NAME, phone=PHONE, email=EMAIL, branch="tyumen", segment="vip")
    assert made == again
    assert (made.name, made.phone, made.email, made.external_id) == (NAME, PHONE, EMAIL, "c-1")
    [fact] = await facts(world)
    assert (fact.branch, fact.segment) == ("tyumen", "vip")
    assert fact.identifiers == pseudonyms(world, phone=PHONE, email=EMAIL, external_id="c-1")
    rows = await world.admin.fetch(
        "SELECT c::text AS text FROM loyalty.customer c WHERE tenant = $1 UNION ALL"
        " SELECT i::text FROM loyalty.identifier i WHERE tenant = $1 UNION ALL"
        " SELECT encode(payload, 'escape') FROM loyalty.outbox WHERE tenant = $1",
        world.tenant,
    )
    for row in rows:
        for personal in (NAME, PHONE, PHONE[1:], EMAIL):
            assert personal not in row["text"]
            assert personal.encode().hex() not in row["text"]


@pytest.mark.asyncio
async def test_what_is_left_out_stays_and_null_empties(world: World) -> None:
    await put(world, name=NAME, phone=PHONE, branch="tyumen")
    edited = await put(world, name=None, segment="vip")
    assert (edited.name, edited.phone, edited.branch, edited.segment) == (
        None,
        PHONE,
        "tyumen",
        "vip",
    )
    assert (await world.facts("customer"))[-1].revision == 2


@pytest.mark.asyncio
async def test_a_name_is_no_news_to_others(world: World) -> None:
    first = await put(world, name="Анна")
    second = await put(world, name="Анна Петровна")
    assert second.version == first.version + 1
    assert len(await facts(world)) == 1


@pytest.mark.asyncio
async def test_a_changed_phone_leads_here_besides_the_former_one(world: World) -> None:
    made = await put(world, phone=PHONE)
    await put(world, phone="+79990000001")
    assert await search(world, phone=PHONE) == {made.id}
    assert await search(world, phone="8 999 000-00-01") == {made.id}
    *_, fact = await facts(world)
    assert len(fact.identifiers) == 3


@pytest.mark.asyncio
async def test_an_edit_of_what_somebody_else_changed_is_refused(world: World) -> None:
    made = await put(world, name="Анна")
    await put(world, name="Аня", expected=Expected(f'"{made.version}"'))
    with pytest.raises(PreconditionFailed):
        await put(world, name="Нюра", expected=Expected(f'"{made.version}"'))


@pytest.mark.asyncio
async def test_a_customer_is_edited_by_our_id_without_naming_them(world: World) -> None:
    made = await put(world, name="Анна", phone=PHONE)
    edited = await put(world, str(made.id), segment="vip")
    assert (edited.id, edited.name, edited.phone) == (made.id, "Анна", PHONE)
    assert (edited.segment, edited.version) == ("vip", made.version + 1)


@pytest.mark.asyncio
async def test_the_same_e_mail_under_two_external_ids_stays_two_customers(world: World) -> None:
    """Merged wrongly elsewhere: chatwoot#4728."""
    anna = await put(world, "c-1", email=EMAIL)
    boris = await put(world, "c-2", email=EMAIL)
    assert anna.id != boris.id
    assert boris.email == EMAIL, "nothing said is lost"
    assert await search(world, email=EMAIL) == {anna.id, boris.id}
    assert await meet(world, email=EMAIL) == anna.id
    of_anna, of_boris = await facts(world)
    assert set(of_anna.identifiers) & set(of_boris.identifiers) == set(), "the map is a function"


@pytest.mark.asyncio
async def test_a_customer_known_by_phone_gets_the_external_id_and_a_new_revision(
    world: World,
) -> None:
    known = await meet(world, phone=PHONE)
    named = await put(world, "c-1", phone=PHONE, name=NAME)
    assert named.id == known
    assert (await read_customer(world.api, world.means, world.caller, "c-1")).id == known
    assert await meet(world, external_id="c-1") == known
    with pytest.raises(ExternalIdDiffers):
        await put(world, str(known), external_id="c-2")
    token = Caller(
        world.tenant,
        "customer:x",
        SELF,
        branches=frozenset(),
        customer=subject_id(
            world.tenant, "customer", world.means.pseudonyms.external(world.tenant, "c-1") or ""
        ),
    )
    assert (await read_own_balance(world.api, token))[0] == known, "their app's token finds them"


@pytest.mark.asyncio
async def test_an_external_id_is_given_to_one_customer(world: World) -> None:
    known = await meet(world, phone=PHONE)
    await put(world, "c-1")
    with pytest.raises(ExternalIdTaken):
        await put(world, str(known), external_id="c-1")
    with pytest.raises(ExternalIdDiffers):
        await put(world, "c-1", external_id="c-2")
    edited = await put(world, str(known), external_id="c-9")
    assert (edited.id, edited.external_id) == (known, "c-9")


@pytest.mark.asyncio
async def test_two_at_once_give_one_customer_two_external_ids_and_one_goes_elsewhere(
    world: World,
) -> None:
    """Each joins by another pseudonym of the same customer: only the customer's row is common."""
    both = await meet(world, phone=PHONE, email=EMAIL)
    first = said(world.means, world.tenant, phone=PHONE, external_id="c-1")
    assert first is not None
    async with world.api.begin(world.tenant) as tx:
        found = await identify(tx, world.tenant, [first], sealer=world.means.sealer)
        second = asyncio.create_task(meet(world, email=EMAIL, external_id="c-2"))
        await asyncio.sleep(0.2)
        assert not second.done(), "it waits for the customer's row"
    assert found.assigned[0].customer == both
    assert await second != both


@pytest.mark.asyncio
async def test_a_crowd_that_names_one_person_makes_one_customer(world: World) -> None:
    ways: list[Mapping[str, str]] = [
        {"phone": PHONE},
        {"phone": PHONE, "email": EMAIL},
        {"email": EMAIL, "phone": "8 (999) 123-45-67"},
        {"phone": PHONE, "external_id": "c-1"},
    ]
    found = await asyncio.gather(*(meet(world, **ways[n % len(ways)]) for n in range(40)))
    assert len(set(found)) == 1
    assert await world.count("customer") == 1
    assert await world.count("identifier") == 3


@pytest.mark.asyncio
async def test_edits_at_the_same_moment_all_stand(world: World) -> None:
    made = await put(world, "c-e", phone=PHONE)
    await asyncio.gather(
        put(world, "c-e", name=NAME),
        put(world, "c-e", branch="perm"),
        *(put(world, "c-e", segment=f"s-{n}") for n in range(8)),
    )
    kept = await read_customer(world.api, world.means, world.caller, "c-e")
    assert (kept.name, kept.branch, kept.version) == (NAME, "perm", made.version + 10)
    revisions = [event.revision for event in await world.facts("customer")]
    assert revisions == list(range(1, len(revisions) + 1))


@pytest.mark.asyncio
async def test_of_two_edits_of_one_version_one_is_refused(world: World) -> None:
    made = await put(world, "c-e")
    expected = Expected(etag(made.version))
    results = await asyncio.gather(
        *(put(world, "c-e", expected, segment=f"s-{n}") for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, PreconditionFailed) for one in results) == 5


@pytest.mark.asyncio
async def test_a_purchase_that_adds_to_a_customer_takes_no_edit_back(world: World) -> None:
    await put(world, "c-e")
    await asyncio.gather(
        *(meet(world, external_id="c-e", phone=f"+7999123450{n}") for n in range(5)),
        *(put(world, "c-e", segment=f"s-{n}", branch="perm") for n in range(5)),
    )
    await put(world, "c-e", name=NAME)
    kept = await read_customer(world.api, world.means, world.caller, "c-e")
    assert (kept.branch, kept.segment is None) == ("perm", False)


@pytest.mark.asyncio
@pytest.mark.parametrize("phone", ["anonymous", "112", "+7", "не скажу"])
async def test_a_phone_that_names_nobody_is_refused_without_being_shown(
    world: World, phone: str
) -> None:
    with pytest.raises(BadPhone) as no:
        await put(world, phone=phone)
    assert phone not in no.value.detail
    with pytest.raises(BadEmail):
        await put(world, email="at-nowhere")
    assert await world.count("customer") == 0


@pytest.mark.asyncio
async def test_who_is_limited_to_branches_sees_only_their_customers(world: World) -> None:
    limited = replace(world.caller, branches=frozenset({"tyumen"}))

    async def put_as_limited(reference: str, **given: str | None) -> Profile:
        profile, _ = await keep_customer(
            world.api, world.means, limited, reference, given, expected=ANYTHING
        )
        return profile

    here = await put_as_limited("here", branch="tyumen", phone=PHONE)
    there = await put(world, "there", branch="omsk", phone="+79990000002")
    await put(world, "nowhere")
    assert (await read_customer(world.api, world.means, limited, "here")).id == here.id
    for reference in ("there", "nowhere", "missing", str(there.id), str(uuid4())):
        with pytest.raises(NotFound, match="there is no such customer"):
            await read_customer(world.api, world.means, limited, reference)
    with pytest.raises(NotFound):
        await put_as_limited("there", name="x")
    for branch in ("omsk", None):
        with pytest.raises(Forbidden):
            await put_as_limited("new", branch=branch)
        with pytest.raises(Forbidden):
            await put_as_limited("here", branch=branch)
    person = said(world.means, world.tenant, phone="+79990000002")
    assert await search_customers(world.api, world.means, limited, person) == []
    assert await world.count("customer") == 3


@pytest.mark.asyncio
async def test_another_company_finds_nobody(world: World) -> None:
    made = await put(world, phone=PHONE)
    foreign = Caller("other2ab", "key:x", world.caller.scopes)
    for reference in ("c-1", str(made.id)):
        with pytest.raises(NotFound):
            await read_customer(world.api, world.means, foreign, reference)
    person = said(world.means, foreign.tenant, phone=PHONE)
    assert await search_customers(world.api, world.means, foreign, person) == []


@pytest.mark.asyncio
async def test_a_fact_stays_bounded_however_many_phones_a_customer_has(world: World) -> None:
    identifiers: tuple[str, ...] = ()
    for n in range(0, MOST_IDENTIFIERS + 20, 10):
        people = [
            said(world.means, world.tenant, phone=f"+799900{n + i:05}", external_id="c-1")
            for i in range(10)
        ]
        async with world.api.begin(world.tenant) as tx:
            found = await identify(
                tx, world.tenant, [p for p in people if p], sealer=world.means.sealer
            )
            told = await events_of(tx, world.tenant, found)
            identifiers = told[0].data.identifiers
    assert len(identifiers) == MOST_IDENTIFIERS
    assert identifiers[-1].startswith("x1_"), "the strongest is never left out"
