"""What `make fuzz` asks, and what it is told beyond the OpenAPI document."""

import pytest

from tests.fuzz.tuning import RULES
from tests.support.bad_inputs import operations
from tests.support.postgres import PostgresServer
from tests.support.served import serving

pytestmark = pytest.mark.system

SERVICES = {"access", "contact-center", "feedback", "loyalty", "metrics"}


def test_every_service_is_asked(postgres: PostgresServer) -> None:
    with serving(postgres, "fuzzed_names") as served:
        found = {one.path.split("/")[1] for one in operations(served.app.openapi())}
    assert found == SERVICES


def test_what_a_schema_can_say_is_no_rule() -> None:
    general = (
        "missing unknown_field wrong_type out_of_range too_short too_long not_one_of malformed"
    )
    assert RULES.keys().isdisjoint(general.split())
