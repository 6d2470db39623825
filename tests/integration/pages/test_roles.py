"""What a role may not see is said in its place; the rest of the page stays."""

import re

import pytest

from tests.integration.pages.conftest import House
from tests.integration.pages.test_numbers import cases_counted, listed, tables

pytestmark = pytest.mark.asyncio

NOT_YOURS = "Your role may not see this list"


async def test_operations_see_the_numbers_and_are_told_what_they_may_not(house: House) -> None:
    async with house.signed_in("ops") as browser:
        answer = await browser.get("/")
        assert answer.status_code == 200
        assert cases_counted(answer.text) == (3, 1)
        assert [len(table) > 0 for table in tables(answer.text)] == [True, True]
        assert (listed(answer.text), answer.text.count(NOT_YOURS)) == ([], 1)


async def test_operations_see_a_receipt_without_its_records(house: House) -> None:
    async with house.signed_in("ops") as browser:
        answer = await browser.get("/number/waiting")
        assert answer.status_code == 200
        assert re.search(r"<h1>[^<]*:\s*5\s*</h1>", answer.text)
        assert 'id="receipt"' in answer.text
        assert 'id="records"' not in answer.text
        assert NOT_YOURS in answer.text


async def test_an_agent_sees_lists_and_codes_for_names(house: House) -> None:
    async with house.signed_in("petrova") as browser:
        first, number = await browser.get("/"), await browser.get("/number/waiting")
    assert (first.status_code, number.status_code) == (200, 200)
    assert NOT_YOURS not in first.text + number.text
    assert "petrova" in number.text
    assert "Petrova Ivanova" not in number.text
