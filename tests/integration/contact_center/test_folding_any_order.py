"""Whatever order events come in, and in whatever batches, the facts end up the same."""

import asyncio
import random

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common.ids import short_id
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.lead_fold import MOST_CONTACTS
from tests.integration.contact_center.conftest import Pusher, World, a_folder, fold_all
from tests.unit.contact_center.builders import events

HISTORIES = st.lists(
    st.builds(
        lambda event, contact, number: Event(
            **{
                name: getattr(event, name)
                for name in event.__struct_fields__
                if name not in {"id", "contact"}
            },
            id=f"e{number}",
            contact=contact,
        ),
        events(),
        st.sampled_from(("call-1", "call-2", "call-3")),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda event: event.id,
)


@pytest_asyncio.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """The loop of the session, in which the company's connections live."""
    return asyncio.get_running_loop()


@pytest.mark.parametrize(("most_contacts", "examples"), [(MOST_CONTACTS, 25), (2, 10), (1, 10)])
def test_any_order_and_any_batches_give_the_same_facts(
    world: World, loop: asyncio.AbstractEventLoop, most_contacts: int, examples: int
) -> None:
    """The same events, pushed and folded little by little in another order, twice each."""
    folder = a_folder(world, most_contacts=most_contacts)

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(HISTORIES, st.randoms(use_true_random=False))
    def law(history: list[Event], chance: random.Random) -> None:
        loop.run_until_complete(compare(history, chance))

    async def compare(history: list[Event], chance: random.Random) -> None:
        # Ids are made of the company: the two must be the same one, one after the other.
        world.tenant = short_id()
        await Pusher(world).push(*history)
        await fold_all(folder)
        at_once = await published(world)
        await forget(world)
        arrived = [*history, *history]
        chance.shuffle(arrived)
        while arrived:
            some = chance.randint(1, 5)
            # One push refuses nothing here: the second of two equal events is a duplicate.
            await Pusher(world).push(*arrived[:some])
            del arrived[:some]
            if chance.random() < 0.7:
                await fold_all(folder)
        await fold_all(folder)
        assert await published(world) == at_once

    law()


async def published(world: World) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in ("contact", "reply", "lead"):
        for subject, data in (await world.latest(kind)).items():
            found[f"{kind}/{subject}"] = data.model_dump_json()
    return found


async def forget(world: World) -> None:
    for table in ("inbox", "dirty", "contact", "person", "lead", "outbox"):
        await world.admin.execute(
            f"DELETE FROM contact_center.{table} WHERE tenant = $1", world.tenant
        )
