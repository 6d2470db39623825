"""What a client would send that has read more than the schema: real ids, real times, a signature."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from zlib import crc32

import requests
import schemathesis
from schemathesis import BaseSchema, Case, HookContext, Response
from schemathesis.core import NOT_SET
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData
from standardwebhooks import Webhook

from otklik_contact_center.domain.signature import HEADERS
from tests.fuzz.tuning import BODY_MAY_BE_LEFT_OUT, RULES
from tests.support.routes_table import (
    AT,
    COMPARED,
    IN_A_MONTH,
    LEASING,
    PROMISED,
    VISITOR,
    WEEK,
    Row,
    a_programme,
)
from tests.support.routes_table_quality import A_SCRIPT, ANSWERS, FORM, SCORING, TICKED
from tests.support.routes_table_rows import TABLE
from tests.support.routes_world_quality import OF_CALLS
from tests.support.served import Served
from tests.unit.contact_center.mapping_builders import a_mapping_as_json

_YEAR: Final = re.compile(r"^[0-9]{4}(?=-[0-9]{2}-[0-9]{2}([Tt ]|$))")
"""Of a date or a time."""

_PERIOD: Final = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}

_WHOLE_WEEK: Final[Mapping[str, dict[str, Any]]] = {
    "/staffing": {"time": WEEK, "handle_seconds": 180},
    "/uniformity": {**COMPARED, "groups": None},
}
"""What is asked of a range, not of its buckets."""

_WHOLE_FILE: Final = b"id\n"
"""As long as `a_file` says."""


CALLS_EACH: Final = 6
"""Things made of calls that an operation may use up."""

_NAMES: Final = (
    "claim",
    "code",
    "source_id",
    "evaluation_id",
    "contact_id",
    "calibration_id",
    "visit_id",
)
"""Parameters of paths that are not called by what they name."""


def _make_reviews_known(case: Case[Any]) -> None:
    if case.path.endswith("/replies"):
        case.body = {"text": "thank you"}
    elif case.path.endswith("/reviews:import"):
        case.body = "source,id,written_at,stars\n2gis,fuzz,2026-03-02T09:00:00Z,5\n"


def _make_scripts_known(case: Case[Any]) -> None:
    if case.path.endswith("/script") and case.method == "PUT":
        case.body = dict(TICKED)
    elif case.path.startswith("/contact-center/v1/scripts/"):
        for name in ("from", "to", "version"):
            case.query.pop(name, None)  # a period and a version that exist are seldom drawn
        if case.method == "PUT":
            case.body = dict(A_SCRIPT)


def _make_paces_known(case: Case[Any]) -> None:
    if case.path.startswith("/contact-center/v1/pace-programmes/"):
        for name in ("from", "to"):
            case.query.pop(name, None)
        if case.method == "PUT":
            # Another for each programme: its priority must be its own.
            case.body = a_programme(crc32(str(case.path_parameters).encode()))


_ASKED: Final[list[Any]] = [
    {"id": "nps", "text": {"ru": "Порекомендуете?", "en": "Would you recommend us?"}}
]


def _make_surveys_known(case: Case[Any]) -> None:
    if "version" in case.path_parameters and case.path.startswith("/feedback/v1/surveys/"):
        case.path_parameters["version"] = 1
    if not isinstance(case.body, dict) or not case.path.startswith("/feedback/v1/"):
        return
    case.body.pop("survey_version", None)  # one that exists is seldom drawn
    if case.path.endswith("/shown"):
        case.body["values"] = {"nps": 9}
    elif case.path.endswith("/surveys:import"):
        # An id of a survey that exists is of another one.
        case.body["survey"] = {"elements": [{"type": "rating", "name": "q1"}]}
    elif "questions" in case.body:
        case.body["questions"] = list(_ASKED)


def _row(label: str) -> Row:
    """What the table says of an operation; in OpenAPI no parameter says that it holds slashes."""
    found = TABLE.get(label) or TABLE[label.replace("{rest}", "{rest:path}")]
    return found[0]


class Customs:
    """
    Hooks of one run.

    Half of the requests that fit the schema are given what exists: without that, most would end
    at the first id. The other half goes out as it was made.
    """

    def __init__(self, served: Served, *, source: str, secret: str) -> None:
        """
        Args:
            source: Id of a source whose pushes are signed with `secret`.
        """
        self._served = served
        self._source = source
        self._secret = secret
        ours = served.world.ours
        self._own_key = ours.key.split("_")[2]
        self._asked: Counter[str] = Counter()
        self._of_calls: Counter[str] = Counter()
        self._known: Mapping[str, Any] = {
            "survey": ours.survey,
            "branch": "north",
            "branches": ["north"],
            "groups": ["g-north"],
            "source": f"{ours.tenant}.default",
            "external_id": "buyer-north",
            "tracker": LEASING,
            "visitor": VISITOR,
            "url": "https://a.example/",
            "promise_kind": PROMISED,
            "due_at": IN_A_MONTH,
            "timezone": "Europe/Moscow",
            "zone": "Europe/Moscow",
            "week": {"mon": ["09:00-18:00"]},
            "breaks": ["13:00-14:00"],
            "ical": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            "exceptions": {"2030-12-31": ["09:00-14:00"]},
            "region": "RU",
            "currency": "RUB",
            "amount": "100.00",
            "phone": "+79991234567",
            "email": "buyer@example.org",
            "origins": ["https://example.org"],
            "scopes": ["answers:write"],  # every purpose of a key may have it
            "expires_at": "2030-01-01T00:00:00Z",
            "per": "100.00",
            "starts_at": "2030-01-01T00:00:00Z",  # after everything that was sold
            "mapping": a_mapping_as_json(),
            "time": {**WEEK, "granularity": "day"},
            "as_of": None,
            "bucket": None,
            "group": {},
            "group_by": ["branch"],
            "filters": [{"dimension": "branch", "op": "eq", "value": "north"}],
            "top": None,
        }
        self._of_quality: Mapping[str, Any] = {
            "form": SCORING,
            "rule": ours.things["lots own"],
            "contact": ours.things["call own"],
            "answers": ANSWERS,
            "agreed": ANSWERS,
            "comments": {},
            "changed": None,
            "verdict": "upheld",
            "sections": FORM["sections"],
            "percent": 5,
            "per_agent": None,
            "week": "2026-W10",
            "evidence": [],
            "begins_at": "2026-03-01T00:00:00Z",
            "due_at": "2026-03-09T00:00:00Z",
            "least_evidence": 0,
            "visited_at": AT,
            "hosts": ["records.example.com"],
        }

    @contextmanager
    def followed(self, schema: BaseSchema) -> Iterator[None]:
        """Inside, runs of the schema follow them; hooks and their arguments are found by name."""

        def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
            self._complete(case, kwargs)

        def filter_failure(
            context: HookContext, failure: Failure, case: Case[Any], response: Response
        ) -> bool:
            return is_failure(failure, case, response)

        schema.hook(filter_failure)
        schemathesis.hook(before_call)  # it has no narrower scope
        try:
            yield
        finally:
            schemathesis.hooks.unregister(before_call)

    def _complete(self, case: Case[Any], kwargs: dict[str, Any]) -> None:
        if case.path_parameters.get("key_id") == self._own_key:
            case.path_parameters["key_id"] = "another"  # the run lives by its own
        # Of those without one of them it is tried whether they are refused.
        if all(name in case.headers for name in HEADERS):
            kwargs["auth"] = self._sign
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        case.query.update(written(dict(case.query)))
        case.body = written(case.body)
        self._asked[case.operation.label] += 1
        if self._asked[case.operation.label] % 2:
            self._make_known(case)

    def _make_known(self, case: Case[Any]) -> None:
        row = _row(case.operation.label)
        for name in case.path_parameters:
            if row.of is not None and (name.startswith(row.of) or name in _NAMES):
                case.path_parameters[name] = self._known_id(case, row, name)
        if "number" in case.path_parameters and "/imports/" in case.path:
            case.path_parameters["number"] = 0
            case.body = _WHOLE_FILE
        if "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        case.query.pop("cursor", None)
        quality = any(
            part in case.path
            for part in ("/evaluation", "/calibration", "/recording-hosts", "/mystery")
        )
        names = {**self._known, **(self._of_quality if quality else {})}
        case.query.update(_completed(dict(case.query), names))
        case.body = _completed(case.body, names)
        _know_whole(case)
        _make_scripts_known(case)
        _make_reviews_known(case)
        _make_paces_known(case)
        _make_surveys_known(case)
        for name, most in (("metric", None), ("metrics", 1)):
            if isinstance(case.body, dict) and name in case.body:
                case.body[name] = _without_parameters(case.body[name], most)
        if case.method == "PUT" and isinstance(case.body, dict) and "id" in case.body:
            case.body["id"] = list(case.path_parameters.values())[-1]

    def _known_id(self, case: Case[Any], row: Row, name: str) -> Any:
        """Id of what a route is about, a new thing where asking uses it up."""
        world = self._served.world
        assert row.of is not None, "asked of a row that is about something"
        if row.missing < 400:
            return case.path_parameters[name]  # what is not there is made
        if case.path.endswith("/hook"):
            return self._source
        of_calls = row.of in OF_CALLS
        self._of_calls[case.operation.label] += of_calls
        spent = of_calls and self._of_calls[case.operation.label] > CALLS_EACH
        # Of imports twenty at most may be under way; no worker folds more calls.
        if row.fresh and row.of != "import" and not spent:
            return self._served.run(world.thing(row.of, "own"))
        return world.ours.things[f"{row.of} own"]

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        assert isinstance(body, bytes | str), "nothing is streamed"
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        now = datetime.now(UTC)
        request.headers["webhook-id"] = "fuzz"
        request.headers["webhook-timestamp"] = str(int(now.timestamp()))
        request.headers["webhook-signature"] = Webhook(self._secret).sign("fuzz", now, text)
        return request


def _know_whole(case: Case[Any]) -> None:
    """Bodies whose parts make sense together, which is seldom drawn."""
    if case.path.endswith(":backtest"):
        case.body = dict(_PERIOD)
    last = "/" + case.path.rpartition("/")[2]
    if last in _WHOLE_WEEK and isinstance(case.body, dict):
        case.body |= _WHOLE_WEEK[last]


def _completed(value: Any, names: Mapping[str, Any]) -> Any:
    """With what is known in place of what was made up, by name."""
    if isinstance(value, dict):
        known = {name: names[name] for name in value if name in names}
        if "cursor" in value:
            known["cursor"] = None
        return {name: _completed(one, names) for name, one in {**value, **known}.items()}
    if isinstance(value, list):
        return [_completed(one, names) for one in value]
    return value


def _without_parameters(metric: Any, most: int | None) -> Any:
    """A metric by its name alone, or at most so many of a list."""
    if most is not None:
        return [_without_parameters(one, None) for one in metric[:most]]
    return {"name": metric["name"]}


def written(value: Any) -> Any:
    """
    A value as clients write it.

    JSON Schema takes 1.0 for a whole number and knows no bounds of times; the list of bad inputs
    sends both.
    """
    if isinstance(value, dict):
        return {name: written(one) for name, one in value.items()}
    if isinstance(value, list):
        return [written(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return _YEAR.sub("2024", value)  # a leap year
    return value


def is_failure(failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a failure is one: see `tuning` for what is not."""
    if isinstance(failure, RejectedPositiveData):
        return not all(codes & RULES.keys() for codes in codes_of(response))
    if isinstance(failure, AcceptedNegativeData):
        # A batch is answered item by item.
        in_part = response.status_code == 202 and _told(response).get("refused")
        left_out = case.body is None or case.body is NOT_SET
        return not in_part and not (left_out and case.path in BODY_MAY_BE_LEFT_OUT)
    return True


def codes_of(response: Response) -> list[set[str]]:
    """Why a request was refused: `code`, `field code` and the outermost field, of each error."""
    told = _told(response)
    found = []
    for one in told.get("errors") or [told]:
        code = str(one.get("code"))
        parts = [part for part in one.get("field", "").split(".") if not part.isdigit()]
        found.append({code, f"{parts[-1] if parts else ''} {code}", *parts[:1]})
    return found


def _told(response: Response) -> dict[str, Any]:
    try:
        told = json.loads(response.content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
