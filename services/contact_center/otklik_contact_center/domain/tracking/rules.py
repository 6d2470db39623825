"""Which number a visitor is shown: the first of a site's rules that fits, and why."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from otklik_contact_center.domain.tracking.visit import Touch, Visit

ANY: Final = "*"
"""Fits whatever is there, as long as something is."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    A rule; conditions that are left out fit everybody, those that are there must all fit.

    Attributes:
        parameters: Of the page's address: which values fit, by name.
        referrers: Hosts of the page before: `yandex.ru` fits itself and what ends in `.yandex.ru`.
        paths: Beginnings of the page's path, whole parts of it: `/spb` fits `/spb/flats`.
        sources, mediums: Of the touch: what brought the visitor, see `visit.touch_of`.
        number: The static number that is shown; None: one of the pool, if there is a pool.
        pool: Of which a number is leased; None with no number either: the page stays as it is.
        source, medium, campaign: What a static number stands for.
    """

    code: str
    parameters: dict[str, tuple[str, ...]] = {}
    referrers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    mediums: tuple[str, ...] = ()
    number: str | None = None
    pool: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @property
    def touch(self) -> Touch:
        """What calls to its static number were brought by."""
        return Touch(self.source or self.code, self.medium or "static", self.campaign)


class Verdict(NamedTuple):
    """What became of a rule; `failed` names the first condition that did not fit."""

    rule: str
    failed: str | None


class Choice(NamedTuple):
    """The rule that holds, None if none does, and all that were asked before it, in order."""

    rule: Rule | None
    verdicts: tuple[Verdict, ...]


def choose(rules: Sequence[Rule], visit: Visit, touch: Touch) -> Choice:
    """The first rule that fits a visit."""
    verdicts: list[Verdict] = []
    for rule in rules:
        failed = _failed(rule, visit, touch)
        verdicts.append(Verdict(rule.code, failed))
        if failed is None:
            return Choice(rule, tuple(verdicts))
    return Choice(None, tuple(verdicts))


def _failed(rule: Rule, visit: Visit, touch: Touch) -> str | None:
    for name, values in rule.parameters.items():
        if not _among(visit.parameters.get(name.lower(), ""), values):
            return f"parameters.{name}"
    if rule.referrers and not any(_is_host(visit.referrer, one) for one in rule.referrers):
        return "referrers"
    if rule.paths and not any(_begins(visit.path, one) for one in rule.paths):
        return "paths"
    if rule.sources and not _among(touch.source, rule.sources):
        return "sources"
    if rule.mediums and not _among(touch.medium, rule.mediums):
        return "mediums"
    return None


def _among(value: str, values: Sequence[str]) -> bool:
    said = value.lower()
    return bool(said) and any(one == ANY or one.lower() == said for one in values)


def _is_host(host: str, wanted: str) -> bool:
    bare = wanted.lower().removeprefix("www.")
    return bool(host) and (wanted == ANY or host == bare or host.endswith(f".{bare}"))


def _begins(path: str, wanted: str) -> bool:
    start = wanted.lower().rstrip("/")
    return path == start or path.startswith(f"{start}/") or start == ""
