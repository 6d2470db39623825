"""What brought those who call: told of contacts as they are folded, whenever that is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import asyncpg
import msgspec

from otklik_common.pseudonym import e164
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.lead_touches import TOLD
from otklik_contact_center.domain.tracking.attribution import (
    Attribution,
    Certainty,
    Lease,
    attribute,
)
from otklik_contact_center.domain.tracking.touches import Link
from otklik_contact_center.domain.tracking.tracker import Tracker
from otklik_contact_center.domain.tracking.visit import Touch
from otklik_contact_center.domain.tracking.ways import MOST_CHARACTERS
from otklik_contact_center.store import leases, trackers
from otklik_contact_center.store.folding import ContactKey
from otklik_contact_center.store.trackers import Version

SOURCE, MEDIUM, ATTRIBUTION = "source", "medium", "attribution"
"""Attributes of a contact; a company lets them out by their names, like all others."""

STATIC: Final = "static"

MOST_KEPT: Final = 1_000
"""Trackers kept ready; when there are more all are read anew."""


class Brought(NamedTuple):
    """A contact with what brought it, and how it is tied to that; None: it came to no such number."""

    contact: Contact
    link: Link | None = None


class _Call(NamedTuple):
    """A call to a tracked number."""

    key: ContactKey
    contact: Contact
    number: str
    tracker: Tracker


class Attributing:
    """Tells what brought contacts that came to tracked numbers."""

    def __init__(self) -> None:
        self._kept: dict[Version, Tracker] = {}

    async def told(
        self,
        on: asyncpg.Connection,
        contacts: Mapping[ContactKey, Contact],
        regions: Mapping[str, str],
        now: datetime,
    ) -> dict[ContactKey, Brought]:
        """
        Those of the contacts that came to tracked numbers, with what brought them.

        What the sender says itself stands: its campaign, its source, its medium.

        Args:
            regions: Of phones without a plus, by company.
        """
        inbound = {
            key: one for key, one in contacts.items() if one.about.inbound and one.about.line
        }
        if not inbound:
            return {}
        sites = await self._sites(on, {tenant for tenant, _ in inbound})
        if not sites:
            return {}
        found: dict[ContactKey, Brought] = {}
        leased: list[_Call] = []
        for call in _calls(inbound, sites, regions):
            rule = call.tracker.static.get(call.number)
            if rule is None:
                leased.append(call)
            else:
                found[call.key] = brought(call.contact, rule.touch, Link(STATIC))
        if leased:
            asked = [(call.key[0], call.number, call.contact.at) for call in leased]
            around = await leases.around(on, asked)
            for call, rows in zip(leased, around, strict=True):
                found[call.key] = _by_leases(call, rows, now)
        return found

    async def _sites(
        self, on: asyncpg.Connection, tenants: Iterable[str]
    ) -> dict[str, list[Tracker]]:
        versions = await trackers.revisions(on, tenants)
        unknown = [one for one in versions if one not in self._kept]
        if unknown:
            if len(self._kept) > MOST_KEPT:
                self._kept.clear()
                unknown = versions
            self._kept.update(await trackers.bodies(on, unknown))
        found: dict[str, list[Tracker]] = {}
        for version in versions:
            # One that has changed meanwhile is read by the next fold.
            if version in self._kept:
                found.setdefault(version[0], []).append(self._kept[version])
        return found


def _calls(
    contacts: Mapping[ContactKey, Contact],
    sites: Mapping[str, Sequence[Tracker]],
    regions: Mapping[str, str],
) -> Iterable[_Call]:
    for key, contact in contacts.items():
        mine = sites.get(key[0])
        if not mine:
            continue
        number = e164(contact.about.line or "", regions[key[0]])
        tracker = next((one for one in mine if number is not None and one.knows(number)), None)
        if number is not None and tracker is not None:
            yield _Call(key, contact, number, tracker)


def _by_leases(call: _Call, rows: Sequence[asyncpg.Record], now: datetime) -> Brought:
    window = timedelta(seconds=call.tracker.window_seconds)
    whose = attribute(call.contact.at, [lease_of(row, now) for row in rows], window=window)
    touches = {row["id"]: Touch(**msgspec.json.decode(row["touch"])) for row in rows}
    return brought(call.contact, _sure(whose, touches), _link(whose))


def _link(whose: Attribution) -> Link:
    """Who called, where one visitor is known."""
    if whose.certainty not in (Certainty.CERTAIN, Certainty.LIKELY):
        return Link(str(whose.certainty))
    visitor = bytes.fromhex(whose.candidates[0].lease.visitor)
    return Link(str(whose.certainty), visitor, whose.certainty is Certainty.CERTAIN)


def _sure(whose: Attribution, touches: Mapping[object, Touch]) -> Touch | None:
    """What brought whoever called, where that is sure."""
    if whose.certainty in (Certainty.CERTAIN, Certainty.LIKELY):
        return touches[whose.candidates[0].lease.id]
    brought_by = {touches[one.lease.id][:3] for one in whose.candidates}
    # Whoever it was of them, they came by the same way.
    return Touch(*brought_by.pop()) if len(brought_by) == 1 else None


def lease_of(row: asyncpg.Record, now: datetime) -> Lease:
    """A lease as it is attributed by."""
    over = row["seen_at"] + timedelta(seconds=row["ttl_seconds"])
    ends = row["ended_at"] or (over if over <= now else None)
    return Lease(row["id"], row["visitor"].hex(), row["begins"], ends, row["shared"])


def brought(contact: Contact, touch: Touch | None, link: Link) -> Brought:
    """The contact with what brought it; None: that is not sure."""
    about = contact.about
    told = {ATTRIBUTION: link.certainty}
    if touch is not None:
        told |= {SOURCE: touch.source, MEDIUM: touch.medium}
        if touch.campaign is not None:
            # A page may say more than a code can hold.
            about = msgspec.structs.replace(
                about, campaign=about.campaign or touch.campaign[:MOST_CHARACTERS]
            )
    if SOURCE in about.attributes:
        link = msgspec.structs.replace(link, certainty=TOLD)
    changed = msgspec.structs.replace(about, attributes={**told, **about.attributes})
    return Brought(msgspec.structs.replace(contact, about=changed), link)
