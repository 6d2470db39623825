"""Every operation of every service against Schemathesis, shortly; `make fuzz` does it at length."""

import pytest

from tests.fuzz.campaign import attack
from tests.fuzz.tuning import RULES, SECRET_WANTED
from tests.support.bad_inputs import operations
from tests.support.postgres import PostgresServer
from tests.support.served import serving

pytestmark = pytest.mark.system

EXAMPLES = 15
SERVICES = ("access", "contact-center", "feedback", "loyalty", "metrics")


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_keeps_to_its_description(postgres: PostgresServer, service: str) -> None:
    with serving(postgres, f"fuzzed_{service.replace('-', '_')}") as served:
        described = {
            str(one)
            for one in operations(served.app.openapi())
            if one.path.startswith(f"/{service}/")
        }
        summary = attack(served, service, examples=EXAMPLES)
    assert summary.problems() == []
    assert summary.server_errors == 0
    assert summary.answers.keys() == described
    # A run that was only ever refused has looked at nothing.
    silent = {
        name
        for name, answers in summary.answers.items()
        if not any(200 <= status < 300 for status in answers)
    }
    assert silent == SECRET_WANTED & described


def test_every_service_is_asked(postgres: PostgresServer) -> None:
    with serving(postgres, "fuzzed_names") as served:
        found = {one.path.split("/")[1] for one in operations(served.app.openapi())}
    assert found == set(SERVICES)


def test_what_a_schema_can_say_is_no_rule() -> None:
    general = (
        "missing unknown_field wrong_type out_of_range too_short too_long not_one_of malformed"
    )
    assert RULES.keys().isdisjoint(general.split())
