"""When there is nothing to count, the first page says why instead of praising or denying."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from otklik.pages.texts import TEXTS
from tests.integration.pages.conftest import House, gave_up
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio


async def first(house: House, **asked: str) -> str:
    """What the first page says in Russian."""
    async with house.signed_in() as browser:
        return words((await browser.get("/", params={"lang": "ru", **asked})).text)


async def test_a_company_without_calls_is_told_how_to_connect(newcomer: House) -> None:
    said = await first(newcomer)
    assert "всем перезвонили" not in said
    assert "Пока никто не звонил" in said
    assert TEXTS["connect"][0] in said


async def test_calls_that_were_hung_up_at_once_are_not_said_to_be_none(newcomer: House) -> None:
    queued, ended = gave_up(1, branch=None, agent=None)
    begins = datetime.fromisoformat(queued["at"])
    ended["at"] = (begins + timedelta(seconds=2)).isoformat()
    await newcomer.good("POST", "/contact-center/v1/events", [queued, ended])
    await newcomer.running.until_settled()
    said = await first(newcomer)
    assert "все, кто звонил, положили трубку в первые 5 секунд" in said
    assert "никто не звонил" not in said


async def test_calls_that_go_on_are_named_as_what_does_not_count_yet(newcomer: House) -> None:
    queued, _ = gave_up(1, branch=None, agent=None)
    queued["at"] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await newcomer.good("POST", "/contact-center/v1/events", [queued])
    await newcomer.running.until_settled()
    said = await first(newcomer)
    assert "ни один звонок пока не в счёт: ещё открыты – 1" in said


async def test_a_quiet_day_of_a_company_with_calls_is_only_that(house: House) -> None:
    said = await first(house, period_name="today")
    assert "за это время никто не звонил" in said
    assert "Пока никто не звонил" not in said
    assert "всем перезвонили" not in said


async def test_a_source_that_fell_silent_is_named_before_the_numbers(newcomer: House) -> None:
    assert "Это не спокойный день" not in await first(newcomer)
    source = await newcomer.good(
        "POST", "/contact-center/v1/sources", {"name": "АТС Тюмень", "kind": "generic"}
    )
    await newcomer.running.admin.execute(
        "UPDATE contact_center.source SET silent_since = $2, usual_gap_ms = 60000 WHERE id = $1",
        source["id"],
        datetime(2026, 3, 4, 9, tzinfo=UTC),
    )
    said = await first(newcomer)
    assert "Это не спокойный день" in said
    assert "«АТС Тюмень» молчит с 4 мар" in said


async def test_while_the_demo_loads_the_page_says_so_and_renews_itself(
    newcomer: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTKLIK_DATA", str(tmp_path))
    assert TEXTS["loading_title"][0] not in await first(newcomer)
    await newcomer.running.admin.execute("UPDATE access.company SET demo = true")
    async with newcomer.signed_in() as browser:
        page = (await browser.get("/", params={"lang": "ru"})).text
        assert TEXTS["loading_title"][0] in page
        assert '<meta http-equiv="refresh" content="15">' in page
        (tmp_path / "demo.loaded").touch()
        page = (await browser.get("/", params={"lang": "ru"})).text
        assert TEXTS["loading_title"][0] not in page
        assert "http-equiv" not in page


async def test_a_branch_that_is_none_is_said_to_be_none(house: House) -> None:
    said = await first(house, branch="nowhere")
    assert "Филиала «nowhere» нет: показана вся компания." in said
    assert "показана вся компания" not in await first(house, branch="tyumen")
