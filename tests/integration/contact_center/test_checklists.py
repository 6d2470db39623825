"""Checklists over HTTP: which script, what was done, who may say so and until when."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from otklik_common.callers import Caller
from otklik_common.errors import Refused
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.ids import contact_subject, short_id
from otklik_common.paging import Cursors, Part
from otklik_contact_center.actions.checklists import Checklists, NotYourContact, Sent
from otklik_contact_center.actions.contacts import ContactNotFound
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.script.checklist import (
    MOST_REVISIONS,
    Answer,
    Answered,
    run_subject,
)
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now, only
from tests.integration.contact_center.evaluating import Calls, member
from tests.integration.contact_center.ticking import (
    BASE,
    SCRIPT,
    a_call,
    answers,
    put_script,
    tick,
    ticked,
)
from tests.unit.contact_center.builders import an_event

pytestmark = pytest.mark.asyncio

NOTE = "Анна сказала, что ипотека одобрена"


@pytest.fixture
def calls(world: World, door: Pusher, folder: Folder) -> Calls:
    return Calls(world, door, folder)


def of(contact: UUID) -> str:
    return f"{BASE}/contacts/{contact}/script"


async def test_a_contact_shows_the_script_that_is_meant_for_it_and_why(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    none = (await client.get(of(contact))).json()
    assert (none["meant"], none["checklist"]) == (None, None)
    assert none["writable_until"] is not None
    await put_script(client, "all", meant={})
    await put_script(client, "sales", meant={"queue": "sales", "channel": "call"})
    await put_script(client)
    await put_script(client, "sellers", meant={"party": "seller", "channel": "call"})
    shown = await client.get(of(contact))
    meant = shown.json()["meant"]
    assert (meant["script"]["code"], meant["script"]["version"]) == ("buyers", 1)
    assert (meant["matched"], meant["others"]) == (["party", "channel"], ["sales", "all"])
    assert "ETag" not in shown.headers
    await client.delete(f"{BASE}/scripts/buyers")
    assert (await client.get(of(contact))).json()["meant"]["script"]["code"] == "sales"


async def test_what_was_done_is_kept_told_and_may_be_put_right(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    await put_script(client)
    first = await tick(client, contact, greeting="done", need="not_done")
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"'), first.text
    made = first.json()["checklist"]
    assert (made["asked"], made["done"], made["complete"]) == (3, 1, False)
    assert (made["missed"], made["agent"]) == (["need", "next_step"], "petrova")
    by_item = {one["item"]: (one["answer"], one["result"]) for one in made["items"]}
    assert by_item["next_step"] == (None, "missed")
    assert by_item["work"] == (None, None)
    # The same again changes nothing.
    again = await tick(client, contact, greeting="done", need="not_done")
    assert again.json() == first.json() == (await client.get(of(contact))).json()
    # A new version is not that of what was filled before.
    await put_script(client, names={"en": "Other"})
    said = {"greeting": "done", "need": "done", "objection": "done", "next_step": "done"}
    body = {"answers": answers(**said)}
    put = await client.put(of(contact), json=body, headers={"If-Match": '"1"'})
    right = put.json()["checklist"]
    assert (right["asked"], right["done"], right["missed"]) == (4, 3, ["work"])
    assert (right["script"]["version"], right["revision"], put.headers["ETag"]) == (1, 2, '"2"')
    assert right["filled_at"] == made["filled_at"] < right["corrected_at"]
    late = await client.put(of(contact), json=body, headers={"If-Match": '"1"'})
    assert late.status_code == 412
    events = await world.facts("script_run")
    assert [(one.verb, one.revision, one.subject) for one in events] == [
        ("filled", 1, run_subject(world.tenant, contact)),
        ("corrected", 2, run_subject(world.tenant, contact)),
    ]
    fact = only(await world.latest("script_run"))
    assert (fact.contact, fact.script, fact.script_version) == (contact, "buyers", 1)
    assert (fact.asked, fact.done, fact.missed, fact.complete) == (4, 3, ("work",), False)
    assert (fact.branch, fact.queue, fact.party, fact.channel) == (
        "tyumen", "sales", "buyer", "call",
    )  # fmt: skip


async def test_a_named_version_is_taken_and_of_another_script_there_is_none(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    await put_script(client)
    await put_script(client, names={"en": "Other"})
    await put_script(client, "sellers", meant={"party": "seller"})
    first = await ticked(client, contact, more={"script": "buyers", "version": 1}, greeting="done")
    assert first["script"]["version"] == 1
    # Only buyers has a second version.
    other = await tick(client, contact, more={"script": "sellers", "version": 2}, greeting="done")
    assert (other.status_code, other.json()["code"]) == (404, "unknown_script")
    # It was a seller after all.
    changed = await ticked(client, contact, more={"script": "sellers"}, greeting="done")
    assert (changed["script"]["code"], changed["script"]["version"]) == ("sellers", 1)


async def test_words_stay_in_the_service_sealed(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    await put_script(client)
    said = [{"item": "need", "answer": "done", "note": NOTE}]
    body = {"answers": said, "note": f"в целом: {NOTE}"}
    answer = await client.put(of(contact), json=body)
    made = answer.json()["checklist"]
    assert made["note"] == f"в целом: {NOTE}"
    assert {one["item"]: one["note"] for one in made["items"]}["need"] == NOTE
    rows = await world.admin.fetch(
        "SELECT words, data, answers FROM contact_center.script_run WHERE tenant = $1", world.tenant
    )
    kept = await world.admin.fetch(
        "SELECT words FROM contact_center.script_run_revision WHERE tenant = $1", world.tenant
    )
    told = await world.admin.fetch(
        "SELECT payload FROM contact_center.outbox WHERE tenant = $1", world.tenant
    )
    assert len(rows) == len(kept) == 1
    assert "ипотека" not in str([*rows, *kept, *told])
    assert "ипотека".encode() not in rows[0]["words"] + kept[0]["words"]
    # Another note is another revision.
    body["note"] = "другое"
    assert (await client.put(of(contact), json=body)).json()["checklist"]["revision"] == 2
    found = (await client.get(f"{of(contact)}/revisions")).json()["items"]
    assert [(one["revision"], one["note"]) for one in found] == [
        (2, "другое"),
        (1, f"в целом: {NOTE}"),
    ]
    assert found[0]["notes"] == {"need": NOTE}
    assert found[0]["answers"] == {"need": "done"}
    part = (await client.get(f"{of(contact)}/revisions", params={"limit": 1})).json()
    assert [one["revision"] for one in part["items"]] == [2]


async def test_answers_that_do_not_fit_are_refused_by_field(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    await put_script(client)

    async def refused(*said: dict[str, Any], **more: Any) -> dict[str, str]:
        answer = await client.put(of(contact), json={"answers": list(said), **more})
        assert answer.status_code == 422, answer.text
        return {one["field"]: one["code"] for one in answer.json()["errors"]}

    one = {"item": "need", "answer": "done"}
    assert await refused({"item": "weather", "answer": "done"}) == {
        "answers.0.item": "unknown_item"
    }
    assert await refused(one, one) == {"answers.1.item": "repeated"}
    always = {"item": "greeting", "answer": "not_applicable"}
    assert await refused(always) == {"answers.0.answer": "must_apply"}
    assert "answers" in await refused()
    assert "answers.0.note" in await refused({**one, "note": "x" * 1_001})
    assert list(await refused(*[one] * 61)) == ["answers"]
    assert list(await refused(one, version=0)) == ["version"]
    assert "answers.0.answer" in str(await refused({"item": "need", "answer": "maybe"}))
    huge = await client.put(of(contact), json={"answers": [one], "note": "я" * 10_000_000})
    assert (huge.status_code, huge.json()["code"]) == (413, "body_too_large")
    assert (await client.get(of(contact))).json()["checklist"] is None


async def test_a_retired_script_makes_no_checklist_and_those_it_made_may_be_put_right(
    client: AsyncClient, calls: Calls
) -> None:
    old, new = await a_call(calls, "c1"), await a_call(calls, "c2")
    await put_script(client)
    await ticked(client, old, greeting="done")
    assert (await client.delete(f"{BASE}/scripts/buyers")).status_code == 204
    refused = await tick(client, new, more={"script": "buyers"}, greeting="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "script_retired")
    none = await tick(client, new, greeting="done")
    assert (none.status_code, none.json()["code"]) == (409, "no_script")
    right = await ticked(client, old, greeting="done", need="done")
    assert (right["done"], right["script"]["retired"]) == (2, True)
    unknown = await tick(client, new, more={"script": "none"}, greeting="done")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_script")


async def test_it_may_be_written_for_72_hours_after_the_contact_was_over(
    client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    just = await a_call(calls, "c1", hours=71)
    await ticked(client, just, greeting="done")
    over = await a_call(calls, "c2", hours=73)
    refused = await tick(client, over, greeting="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "checklist_closed")
    shown = (await client.get(of(over))).json()["writable_until"]
    until = [datetime.fromisoformat(one) for one in (shown, refused.json()["writable_until"])]
    assert until[0] == until[1] < now()


async def test_a_contact_that_nobody_served_has_no_checklist(
    client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    contact = await a_call(calls, agent=None)
    refused = await tick(client, contact, greeting="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_agent")
    for path in (of(contact), of(uuid4())):
        found = await client.get(f"{path}/revisions")
        assert found.status_code == 404
    missing = await tick(client, uuid4(), greeting="done")
    assert (missing.status_code, missing.json()["code"]) == (404, "contact_not_found")


async def test_where_nobody_answered_no_script_was_missed(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await put_script(client)
    call: dict[str, Any] = {"channel": "call", "direction": "in", "contact": "missed"}
    began = now() - timedelta(hours=1)
    await door.push(
        an_event("ringing", id="r", at=began, agent="petrova", party="buyer", **call),
        an_event("ended", id="e", at=began + timedelta(seconds=40), **call),
    )
    await fold_all(folder)
    contact = contact_subject(world.tenant, f"{world.tenant}.default", "missed")
    refused = await tick(client, contact, greeting="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_talked")
    assert await world.count("script_run") == 0


async def test_agents_tick_their_own_contacts_and_managers_those_of_their_branches(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    poor = {"Authorization": f"Bearer {await world.key('contacts:read')}"}
    await put_script(client)
    contact = await a_call(calls)
    checklists = Checklists(world.api, world.sealer)
    sent = Sent([Answered("greeting", Answer.DONE)])

    async def write(caller: Caller) -> str | None:
        try:
            await checklists.put(caller, contact, sent, expected=Expected(None), now=now())
        except Refused as no:
            return no.code
        return None

    assert await write(member(world, Role.AGENT, "petrova")) is None
    assert await write(member(world, Role.AGENT, "ivanov")) == NotYourContact.code
    assert await write(replace(member(world, Role.AGENT, "x"), agent=None)) == NotYourContact.code
    away = member(world, Role.AGENT, "petrova", ("omsk",))
    assert await write(away) == ContactNotFound.code
    assert await write(member(world, Role.MANAGER, "boss")) is None
    assert await write(member(world, Role.MANAGER, "boss", ("omsk",))) == ContactNotFound.code
    assert await write(replace(world.caller, tenant=short_id())) == ContactNotFound.code
    found = await client.get(of(contact), headers=limited)
    assert (found.status_code, found.json()["code"]) == (404, "contact_not_found")
    body = {"answers": answers(greeting="done")}
    assert (await client.put(of(contact), json=body, headers=poor)).status_code == 403


async def test_agents_are_shown_what_was_ticked_in_their_own_contacts_only(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    contact, nobodys = await a_call(calls), await a_call(calls, "c2", agent=None)
    await ticked(client, contact, more={"note": NOTE}, greeting="done")
    checklists = Checklists(world.api, world.sealer)
    part = Part(10, None, Cursors(b"k" * 32), b"")
    nameless = replace(member(world, Role.AGENT, "x"), agent=None)
    for caller, shows in (
        (member(world, Role.AGENT, "petrova"), True),
        (member(world, Role.AGENT, "ivanov"), False),
        (nameless, False),
        (member(world, Role.MANAGER, "boss"), True),
    ):
        found = await checklists.get(caller, contact)
        assert found.meant is not None
        assert found.meant[0].value.code == "buyers"
        assert (found.filled is not None) == shows
        if shows:
            [one] = await checklists.revisions(caller, contact, part)
            assert one.words.note == NOTE
        else:
            with pytest.raises(NotYourContact):
                await checklists.revisions(caller, contact, part)
    # Where it is not known who served a contact, it is no agent's.
    with pytest.raises(NotYourContact):
        await checklists.revisions(nameless, nobodys, part)


async def test_many_who_tick_at_once_make_one_checklist(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    contact = await a_call(calls)
    notes = [{"note": f"n{number}"} for number in range(8)]
    made = await asyncio.gather(
        *(tick(client, contact, more=note, greeting="done") for note in notes)
    )
    assert [one.status_code for one in made] == [200] * 8
    assert sorted(one.json()["checklist"]["revision"] for one in made) == list(range(1, 9))
    events = await world.facts("script_run")
    assert [one.revision for one in events] == list(range(1, 9))
    times = [one.recorded_at for one in events]
    assert times == sorted(set(times))
    assert await world.count("script_run") == 1


async def test_it_is_written_three_hundred_times_at_most(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    contact = await a_call(calls)
    await ticked(client, contact, greeting="done")
    await world.admin.execute(
        "UPDATE contact_center.script_run SET number = $2 WHERE tenant = $1",
        world.tenant,
        MOST_REVISIONS,
    )
    refused = await tick(client, contact, need="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_revisions")
    assert (await tick(client, contact, greeting="done")).status_code == 200


async def test_whose_contact_it_was_is_said_as_known_when_it_is_written(
    world: World, client: AsyncClient, calls: Calls, door: Pusher, folder: Folder
) -> None:
    await put_script(client)
    contact = await a_call(calls)
    await ticked(client, contact, greeting="done")
    over = Event(id="c1-t", contact="c1", type="amended", at=now(), agent="ivanov")
    await door.push(over)
    await fold_all(folder)
    assert only(await world.latest("script_run")).agent == "petrova"
    kept = (await client.get(f"{BASE}/contacts/{contact}")).json()
    assert kept["agent"] == "ivanov"
    again = await ticked(client, contact, greeting="done")
    assert (again["agent"], again["revision"]) == ("ivanov", 2)
    assert only(await world.latest("script_run")).agent == "ivanov"


async def test_a_script_of_sixty_items_ticked_whole_is_told(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await a_call(calls)
    codes = [f"{'i' * 60}_{number:02d}" for number in range(60)]
    await put_script(client, items=[{"code": code} for code in codes])
    made = await ticked(client, contact, **dict.fromkeys(codes, "not_done"))
    assert (made["asked"], made["done"], made["complete"]) == (60, 0, True)
    assert only(await world.latest("script_run")).missed == tuple(codes)
    assert SCRIPT["items"][0]["code"] not in codes
