"""One run of Schemathesis over the routes of one service: every phase and every check."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tests.fuzz.customs import Customs, codes_of
from tests.fuzz.tuning import CHECKS, GENERATION, SECRET_WANTED
from tests.support.bad_inputs import operations
from tests.support.served import Served

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True)
class Manner:
    """
    How much is asked.

    Attributes:
        examples: Of the fuzzing and the stateful phase, for each operation.
        learns: Whether what was answered shapes what is asked next. Servers choose ids, so
            nobody who learns asks the same twice.
        coverage: What the coverage phase goes through: `all`, or `positive`: what is allowed.
    """

    examples: int
    phases: tuple[str, ...]
    learns: bool
    coverage: str


AT_LENGTH: Final = Manner(examples=200, phases=PHASES, learns=True, coverage="all")

SHORTLY: Final = Manner(examples=10, phases=PHASES[:3], learns=False, coverage="positive")
"""
Alike each time, for the tests. The stateful phase follows ids, so it is left out; of what is
forbidden the coverage phase has thousands, while the fuzzing phase and the list of bad inputs have
some of each kind.
"""

# Routes for whom a key is nobody.
_CALLERS: Final = {
    "/loyalty/v1/me/points": "customer",
    "/loyalty/v1/me/points/journal": "customer",
    "/access/v1/me/password": "manager",
    "/access/v1/me/sign-out": "agent",
}


@dataclass
class Failed:
    """A check that failed, once for all requests that it failed for alike."""

    operation: str
    check: str
    status: int
    codes: str
    message: str
    request: str
    answer: str
    times: int = 0

    def __str__(self) -> str:
        return (
            f"{self.operation}: {self.check}, {self.times}×: {self.status} {self.codes}\n"
            f"    {self.message}\n    {self.request}\n    {self.answer}"
        )


@dataclass
class Summary:
    """
    What came of a run.

    Attributes:
        described: Operations that there are.
        answers: Statuses by operation; 0 where the connection broke.
        errors: What the fuzzer itself could not do.
    """

    described: frozenset[str]
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    failures: dict[tuple[Any, ...], Failed] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """How many were asked."""
        return len(self.answers)

    @property
    def examples(self) -> int:
        """Requests sent."""
        return sum(sum(one.values()) for one in self.answers.values())

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above, and connections that broke."""
        return sum(
            times
            for one in self.answers.values()
            for status, times in one.items()
            if status >= 500 or status == 0
        )

    def problems(self) -> list[str]:
        """Everything that must not be; a run that was only ever refused has looked at nothing."""
        silent = {
            name
            for name in self.described
            if not any(200 <= status < 300 for status in self.answers.get(name, ()))
        }
        return [
            *map(str, self.failures.values()),
            *self.errors,
            *(f"{name}: never answered with success" for name in sorted(silent - SECRET_WANTED)),
        ]

    def take(self, recorder: ScenarioRecorder) -> None:
        """Count the requests of a scenario and keep what failed."""
        for name, node in recorder.cases.items():
            seen = recorder.interactions.get(name)
            if seen is not None:
                status = seen.response.status_code if seen.response else 0
                self.answers.setdefault(node.value.operation.label, Counter())[status] += 1
        for name, checks in recorder.checks.items():
            for one in checks:
                if one.status is Status.FAILURE and one.failure_info is not None:
                    self._keep(recorder, name, one.name, one.failure_info.failure)

    def _keep(self, recorder: ScenarioRecorder, name: str, check: str, failure: Any) -> None:
        seen = recorder.interactions[name]
        operation = recorder.cases[name].value.operation.label
        status = seen.response.status_code if seen.response else 0
        found = codes_of(seen.response) if seen.response else []
        codes = " ".join(sorted({max(one, key=len).strip() for one in found}))
        shape = re.sub(r"\W+|\d+", " ", failure.message)[:100]
        kept = self.failures.setdefault(
            (operation, check, status, codes, shape),
            Failed(
                operation,
                check,
                status,
                codes,
                " ".join(failure.message.split())[:300],
                f"{seen.request.method} {seen.request.uri[:300]} "
                f"{_shown(seen.request.headers)} {seen.request.body!r:.700}",
                f"{seen.response.content[:500].decode(errors='replace')}" if seen.response else "",
            ),
        )
        kept.times += 1


def _shown(headers: dict[str, Any]) -> dict[str, Any]:
    plain = {"user-agent", "accept", "accept-encoding", "connection", "authorization"}
    return {name: value for name, value in headers.items() if name.lower() not in plain}


def attack(
    served: Served,
    service: str,
    manner: Manner,
    *,
    seed: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Summary:
    """
    Ask every operation of a service in every way that the OpenAPI document allows or forbids.

    Args:
        tell: Called with a line at the end of each phase.
    """
    document = served.app.openapi()
    mine = {
        path: routes
        for path, routes in document["paths"].items()
        if path.startswith(f"/{service}/")
    }
    schema = schemathesis.openapi.from_dict(
        {**document, "paths": mine},
        config=_config(served, manner, seed),
    )
    summary = Summary(frozenset(map(str, operations({**document, "paths": mine}))))
    with Customs(served, **_signing(served)).followed(schema):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                summary.take(event.recorder)
            elif isinstance(event, events.NonFatalError):
                summary.errors.append(f"{event.label}: {event.value}")
            elif isinstance(event, events.FatalError):
                raise event.exception
            elif (
                isinstance(event, events.PhaseFinished) and event.phase.name.value in manner.phases
            ):
                tell(f"{event.phase.name.value}: {summary.examples} requests so far")
    return summary


def _config(served: Served, manner: Manner, seed: int) -> SchemathesisConfig:
    world = served.world
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "base-url": served.url,
            "headers": {"Authorization": f"Bearer {world.ours.key}"},
            "suppress-health-check": ["all"],
            "warnings": False,
            "checks": CHECKS,
            "generation": {**GENERATION, "max-examples": manner.examples, "database": "none"},
            "phases": _phases(manner),
            "operations": [
                {
                    "include-path": path,
                    "headers": {"Authorization": f"Bearer {world.tokens[caller]}"},
                }
                for path, caller in _CALLERS.items()
            ],
        }
    )


def _phases(manner: Manner) -> dict[str, dict[str, Any]]:
    phases: dict[str, dict[str, Any]] = {
        name: {"enabled": name in manner.phases, "generation": {}} for name in PHASES
    }
    for name in ("examples", "coverage", "fuzzing"):
        phases[name]["extra-data-sources"] = {"responses": manner.learns}
    phases["coverage"]["generation"] = {"mode": manner.coverage}
    phases["fuzzing"]["error-feedback"] = {"enabled": manner.learns}
    return phases


def _signing(served: Served) -> dict[str, str]:
    """A source that signs its pushes, and its secret."""
    path = f"{served.url}/contact-center/v1/sources"
    headers = {"Authorization": f"Bearer {served.world.ours.key}"}
    made = httpx.post(path, json={"name": "fuzz"}, headers=headers).raise_for_status().json()
    return {"source": made["id"], "secret": made["secret"]}
