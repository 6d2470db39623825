"""The page about asking shows requests that work."""

import json
import re
from pathlib import Path

import pytest

from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

PAGE = Path(__file__).parents[3] / "docs" / "asking.md"


async def test_every_request_of_the_page_is_taken(world: World) -> None:
    blocks = re.findall(r"```http\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 8
    link = ""
    for block in blocks:
        head, _, body = block.replace("{link}", link).partition("\n\n")
        method, path = head.split()
        answer = await world.call(
            method, path.removeprefix("/feedback/v1"), json.loads(body) if body.strip() else None
        )
        assert answer.is_success, f"{head}: {answer.text}"
        if path.endswith("poster-omsk"):
            link = answer.json()["link"]
