"""What Prometheus is shown of pools of tracked numbers: what their health says, and the last day."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from httpx import AsyncClient
from prometheus_client import CollectorRegistry

from otklik_common.db import Database, login
from otklik_contact_center.actions.pool_meters import PoolMeters
from otklik_contact_center.actions.pools_work import PASTS_AT_ONCE, Pools
from otklik_contact_center.store.columns import SCHEMA
from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.test_tracked_numbers import BASE, numbers, put, show

pytestmark = pytest.mark.asyncio


class Scraped:
    """A worker of pools beside what it shows of one company's site."""

    def __init__(self, world: World, db: Database | None = None) -> None:
        self.now = datetime.now(UTC)
        self._company = world.tenant
        self._registry = CollectorRegistry()
        self.passed = 0.0
        meters = PoolMeters(self._registry, clock=lambda: self.passed)
        self._pools = Pools(db or world.worker, meters, lambda: self.now)

    async def step(self) -> bool:
        """Let it read what it reads at once; whether more is left."""
        self.now = max(self.now, datetime.now(UTC))
        return await self._pools.step()

    async def look(self) -> None:
        """Let it read everything."""
        while await self.step():
            pass

    def of(self, name: str, pool: str = "search", **more: str) -> float | None:
        """A series of a pool; None where there is none."""
        place = {"company": self._company, "tracker": "site", "pool": pool, **more}
        return self._registry.get_sample_value(f"otklik_number_pool_{name}", place)

    def numbers(self) -> tuple[float | None, ...]:
        """Held, at rest, free."""
        return tuple(self.of("numbers", state=state) for state in ("held", "resting", "free"))

    def visitors(self) -> tuple[float | None, ...]:
        """Of the last day: who found a number, and who none."""
        return tuple(self.of("visitors", found=found) for found in ("number", "none"))


@pytest_asyncio.fixture
async def impatient(world: World) -> AsyncIterator[Database]:
    """A worker's connections that wait a second for a statement."""
    db = Database(world.settings, SCHEMA, "worker", statement_seconds=1)
    yield db
    await db.close()


@pytest.fixture
def scraped(world: World) -> Scraped:
    return Scraped(world)


async def test_a_pool_is_shown_as_its_health_says(client: AsyncClient, scraped: Scraped) -> None:
    await put(client, pools={"search": numbers(4), "idle": numbers(2, 90)}, fallback=None)
    shown = [await show(client, visitor) for visitor in "abcde"]
    body = {"tracker": "site", "visitor": "visitor-a"}
    await client.post(f"{BASE}/number-leases/{shown[0]['lease']}:release", json=body)
    await scraped.look()
    health = (await client.get(f"{BASE}/number-trackers/site/health")).json()["pools"][1]
    assert scraped.numbers() == (health["held"], health["resting"], health["free"]) == (3, 1, 0)
    assert scraped.visitors() == (4, 1)
    assert scraped.of("advised") == health["advised"] == 9
    assert scraped.of("missing") == 5
    # Nobody came, so there is no need that could be told, and nothing is missing.
    assert (scraped.of("advised", "idle"), scraped.of("missing", "idle")) == (None, 0)


async def test_of_pools_that_nobody_can_read_any_more_nothing_is_said(
    client: AsyncClient, scraped: Scraped
) -> None:
    await put(client, pools={"search": numbers(4)})
    await scraped.look()
    scraped.passed += 299
    assert scraped.of("missing") == 0
    scraped.passed += 2
    assert scraped.of("missing") is None
    await scraped.look()
    assert scraped.of("missing") == 0


@pytest.mark.parametrize("fallback", ["+74959990000", None])
async def test_who_saw_the_number_of_last_resort_found_none(
    client: AsyncClient, scraped: Scraped, fallback: str | None
) -> None:
    await put(client, pools={"search": numbers(1)}, fallback=fallback)
    for visitor in "abc":
        await show(client, visitor)
    await scraped.look()
    assert scraped.visitors() == (1, 2)


async def test_numbers_that_are_added_are_missed_no_more_at_once(
    client: AsyncClient, scraped: Scraped
) -> None:
    await put(client, pools={"search": numbers(1)})
    for visitor in "abc":
        await show(client, visitor)
    await scraped.look()
    missing = scraped.of("missing")
    assert missing is not None
    assert missing > 0
    await put(client, pools={"search": numbers(1 + int(missing))})
    await scraped.look()
    assert (scraped.of("missing"), scraped.visitors()) == (0, (1, 2))


async def test_the_last_day_ends_and_the_need_is_told_anew_within_the_hour(
    client: AsyncClient, scraped: Scraped
) -> None:
    await put(client, pools={"search": numbers(1)})
    await scraped.look()
    assert scraped.of("advised") is None
    await show(client, "a")
    await scraped.look()
    first = scraped.of("advised")
    assert first is not None
    for visitor in "bcde":
        await show(client, visitor)
    await scraped.look()
    assert (scraped.visitors(), scraped.of("advised")) == ((1, 4), first)
    scraped.now += timedelta(hours=1)
    await scraped.look()
    second = scraped.of("advised")
    assert second is not None
    assert second > first
    scraped.now += timedelta(hours=24)
    await scraped.look()
    assert (scraped.visitors(), scraped.of("advised")) == ((0, 0), second)


async def test_a_pool_that_is_given_up_leaves_no_series(
    client: AsyncClient, scraped: Scraped
) -> None:
    await put(client)
    await scraped.look()
    assert scraped.numbers() == (0, 0, 3)
    await put(client, pools={"other": numbers(3)}, rules=[])
    await scraped.look()
    assert scraped.numbers() == (None, None, None)
    assert scraped.of("numbers", "other", state="free") == 3


async def test_a_past_that_takes_too_long_to_read_holds_up_nothing_else(
    world: World, client: AsyncClient, impatient: Database
) -> None:
    await put(client, pools={"search": numbers(1)})
    for visitor in "ab":
        await show(client, visitor)
    await world.admin.execute(
        "UPDATE contact_center.number_lease SET begins = begins - interval '2 days' "
        "WHERE tenant = $1 AND shared",
        world.tenant,
    )
    # For whoever reads as a worker, a lease of days ago takes two seconds.
    await world.admin.execute(
        f"CREATE POLICY slow ON contact_center.number_lease AS RESTRICTIVE FOR SELECT "
        f"TO {login(SCHEMA, 'worker')} USING (tenant <> '{world.tenant}' "
        "OR begins > now() - interval '1 day' OR pg_sleep(2) IS NOT NULL)"
    )
    scraped = Scraped(world, impatient)
    try:
        await scraped.look()
    finally:
        await world.admin.execute("DROP POLICY slow ON contact_center.number_lease")
    assert (scraped.numbers(), scraped.visitors()) == ((1, 0, 0), (1, 0))
    assert scraped.of("advised") is None
    # It is not tried again before the hour is over, or nothing else would be done.
    await scraped.look()
    assert scraped.of("advised") is None
    scraped.now += timedelta(hours=1)
    await scraped.look()
    # One an hour, who has it for half an hour and leaves it at rest for 20 minutes.
    assert scraped.of("advised") == 4


async def test_the_past_of_many_sites_is_read_in_steps_that_end(
    client: AsyncClient, scraped: Scraped
) -> None:
    for number in range(PASTS_AT_ONCE):
        pools = {"search": numbers(1, 100 + number)}
        await put(client, f"empty{number}", pools=pools, fallback=None)
    await put(client, pools={"search": numbers(1)})
    await show(client, "a")
    assert await scraped.step()
    await scraped.look()
    assert scraped.of("advised") == 4
    assert not await scraped.step()
