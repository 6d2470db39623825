"""The page on surveys: its examples do what it says."""

import json
import re
from pathlib import Path

import pytest

from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

PAGE = Path(__file__).parents[3] / "docs" / "surveys.md"
EXAMPLE = re.compile(r"^`([A-Z]+) (\S+)` → (\d+)\n\n```json\n(.*?)```", re.MULTILINE | re.DOTALL)


async def test_the_examples_of_the_page_work_in_its_order(world: World) -> None:
    examples = EXAMPLE.findall(PAGE.read_text("utf-8"))
    assert len(examples) == PAGE.read_text("utf-8").count("```json")
    for method, path, status, text in examples:
        body = json.loads(text)
        sent = None if method == "GET" else body
        headers = {"If-Match": '"1"'} if method == "PATCH" else None
        reply = await world.call(method, path.removeprefix("/feedback/v1"), sent, headers=headers)
        assert reply.status_code == int(status), f"{method} {path}: {reply.text}"
        if method == "GET":
            assert {name: reply.json()[name] for name in body} == body
