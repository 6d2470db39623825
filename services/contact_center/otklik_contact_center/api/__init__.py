"""HTTP in and out of the contact centre, under /contact-center/v1; no rules, no SQL."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_common.module import Platform
from otklik_contact_center.actions.hooks import Hooks
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import meters_of
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.actions.push import Door
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.actions.tracking import Tracking
from otklik_contact_center.api import (
    ad_spend,
    agent_states,
    clocks,
    coaching,
    contacts,
    demo,
    doctor,
    hooks,
    imports,
    leads,
    number_leases,
    promises,
    pushes,
    refusals,
    sources,
    tracking,
)
from otklik_contact_center.store.columns import SCHEMA


def build(platform: Platform) -> Sequence[APIRouter | BaseRoute]:
    """Everything that the contact centre answers; the pushes come first, they are asked most."""
    pusher = platform.database(SCHEMA, "pusher")
    tallies = Tallies(pusher, platform.now)
    intake = Intake(pusher, meters_of(platform.registry), tallies)
    platform.on_start.append(intake.start)
    platform.on_stop.append(intake.stop)
    door = Door(intake, platform.sealer, platform.settings.master)
    book = SourceBook(platform.database(SCHEMA, "api"), platform.sealer)
    settings = platform.settings
    provided = Hooks(platform.database(SCHEMA, "api"), platform.sealer, settings.master, door)
    packer = Packer(platform.sealer, settings.master)
    tracked = Tracking(platform.database(SCHEMA, "api"), packer)
    return [
        *pushes.routes(platform, book, door, provided),
        hooks.router(book, provided),
        agent_states.router(platform),
        contacts.router(platform),
        leads.router(platform),
        clocks.router(platform),
        promises.router(platform),
        ad_spend.router(platform),
        coaching.router(platform),
        refusals.router(platform, book, door),
        demo.router(platform, book),
        sources.router(platform, book),
        doctor.router(platform),
        imports.router(platform, book),
        tracking.router(tracked),
        number_leases.router(tracked),
    ]
