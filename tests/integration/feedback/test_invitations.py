"""Invitations: what is told of them afterwards, who is reminded, and a trial that is none."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.integration.feedback.asking import Asking
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

DAY = timedelta(days=1)


@pytest.fixture
def asking(world: World) -> Asking:
    """Asking of a new company."""
    return Asking(world)


async def test_only_who_has_not_finished_is_reminded(asking: Asking) -> None:
    world = asking.world
    await asking.programme(reminder_hours=[24, 72], expires_days=10)
    for number in range(1, 5):
        await asking.ends(f"c-{number}", asking.person(number))
    await asking.look()
    by_person = {
        row["person"]: str(row["id"])
        for row in await world.admin.fetch(
            "SELECT person, id FROM feedback.invitations WHERE tenant = $1", world.tenant
        )
    }
    ids = [by_person[asking.person(number)] for number in range(1, 5)]
    done = await asking.answer(asking.token(ids[0]))
    assert done.json()["state"] == "done"
    partial = await asking.answer(asking.token(ids[1]), complete=False)
    assert partial.json()["state"] == "partial"
    await world.call("POST", f"/invitations/{ids[2]}:opted-out", {})
    for _ in range(5):
        await asking.earlier(DAY)
        await asking.look()
    reminders = {one["id"]: one["reminders"] for one in await asking.invitations()}
    assert [reminders[id_] for id_ in ids] == [0, 2, 0, 2]
    verbs = Counter(fact.verb for fact in await world.facts("invitation"))
    assert verbs["reminded"] == 4


async def test_a_bounce_uses_the_next_way_and_quarantine_knows(asking: Asking) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"channel_days": {"sms": 30, "email": 30}})
    await asking.programme(channels=["sms", "email"])
    await asking.ends("c-1", asking.person(1), asking.person(1, "em"))
    await asking.look()
    id_ = (await asking.invited())["id"]
    after = await world.call("POST", f"/invitations/{id_}:bounced", {})
    assert (after.json()["state"], after.json()["channel"]) == ("invited", "email")
    [*_, fact] = await world.facts("invitation")
    assert (fact.revision, fact.verb, fact.data.ask_channel) == (2, "bounced", "email")
    # The text message that never arrived does not count against the next one.
    await asking.ends("c-2", asking.person(1), asking.person(1, "em"))
    await asking.look()
    found = {one["contact"]: one for one in await asking.invitations()}
    assert found[str(world.contact_id("c-2"))]["channels"] == ["sms"]
    again = await world.call("POST", f"/invitations/{id_}:bounced", {"channel": "sms"})
    assert again.json()["channel"] == "email"
    wrong = await world.call("POST", f"/invitations/{id_}:bounced", {"channel": "voice"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "other_ask_channel")
    gone = await world.call("POST", f"/invitations/{id_}:bounced", {})
    assert gone.json()["state"] == "bounced"


async def test_states_make_rates(asking: Asking) -> None:
    world = asking.world
    await asking.programme()
    for number in range(10):
        await asking.ends(f"c-{number}", asking.person(number))
    await asking.look()
    ids = [one["id"] for one in await asking.invitations()]
    for id_ in ids[:8]:
        # Late, repeated, and before what came before it.
        for step in ("opened", "delivered", "delivered"):
            told = await world.call("POST", f"/invitations/{id_}:{step}", {})
            assert told.status_code == 200, told.text
    await world.call("POST", f"/invitations/{ids[9]}:bounced", {})
    for id_ in ids[:4]:
        await asking.answer(asking.token(id_))
    await asking.answer(asking.token(ids[4]), {"comment": "words alone"})
    progress = (await world.call("GET", "/programmes/after-call/progress")).json()
    assert progress["states"] == {"done": 4, "partial": 1, "opened": 3, "invited": 1, "bounced": 1}
    counts = [progress[name] for name in ("invited", "delivered", "started", "done")]
    assert counts == [10, 8, 5, 4]
    rates = [progress[f"{name}_rate"] for name in ("response", "start", "completion")]
    assert rates == [0.5, 0.625, 0.8]
    empty = (
        await world.call(
            "GET", "/programmes/after-call/progress", params={"from": "2030-01-01T00:00:00Z"}
        )
    ).json()
    assert (empty["invited"], empty["response_rate"]) == (0, None)


async def test_another_company_sees_and_moves_nothing(asking: Asking, other: World) -> None:
    await asking.programme()
    await asking.ends("c-1")
    await asking.look()
    id_ = (await asking.invited())["id"]
    for method, path in (
        ("GET", f"/invitations/{id_}"),
        ("POST", f"/invitations/{id_}:delivered"),
        ("GET", "/programmes/after-call/invitations"),
        ("GET", "/programmes/after-call"),
        ("GET", f"/asked/{asking.token(id_)}"),
    ):
        answer = await other.call(method, path, {} if method == "POST" else None)
        assert answer.status_code == 404, path


async def test_a_trial_is_counted_nowhere(asking: Asking) -> None:
    world = asking.world
    await asking.programme(quotas=[{"counted": "answers", "most": 1}])
    tried = (await world.call("POST", "/programmes/after-call:test", {"language": "en"})).json()
    assert (tried["language"], tried["channels"]) == ("en", ["sms"])
    assert (await world.call("GET", f"/asked/{tried['link']}")).json()["test"] is True
    for _ in range(3):
        answered = await asking.answer(tried["link"], {"nps": 1})
        assert answered.json() == {"answer": None, "state": "done", "test": True}
    assert (await asking.answer(tried["link"], {"nps": 11})).status_code == 422
    for table in ("answers", "cases", "invitations", "asked_people", "quotas", "link_uses"):
        assert await world.count(table) == 0
    assert await world.facts("answer") == await world.facts("invitation") == []
    assert (await world.call("GET", "/links")).json()["items"] == []
