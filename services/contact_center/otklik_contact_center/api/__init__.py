"""HTTP in and out of the contact centre, under /contact-center/v1; no rules, no SQL."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_common.module import Platform
from otklik_contact_center.actions.calibrations import Calibrations
from otklik_contact_center.actions.evaluation_forms import EvaluationForms
from otklik_contact_center.actions.evaluations import Evaluations
from otklik_contact_center.actions.head_lines import HeadLines
from otklik_contact_center.actions.hooks import Hooks
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import meters_of
from otklik_contact_center.actions.mystery import MysteryVisits
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.actions.push import Door
from otklik_contact_center.actions.recording_fetch import Fetcher
from otklik_contact_center.actions.recordings import Recordings
from otklik_contact_center.actions.sampling import Sampling
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.actions.tracking import Tracking
from otklik_contact_center.api import (
    ad_spend,
    agent_states,
    calibrations,
    checklists,
    clocks,
    coaching,
    contacts,
    demo,
    doctor,
    evaluation_forms,
    evaluations,
    head_lines,
    hooks,
    imports,
    leads,
    mystery,
    number_leases,
    pace_programmes,
    promises,
    pushes,
    recordings,
    refusals,
    sampling,
    scripts,
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
    forms = EvaluationForms(platform.database(SCHEMA, "api"))
    directory = platform.directory(SCHEMA)
    lots = Sampling(platform.database(SCHEMA, "api"), directory, settings.master)
    heard = Recordings(
        platform.database(SCHEMA, "api"), platform.sealer, settings.master, Fetcher.of(settings)
    )
    tuned = Calibrations(platform.database(SCHEMA, "api"), platform.sealer)
    visits = MysteryVisits(platform.database(SCHEMA, "api"), platform.sealer)
    judged = Evaluations(platform.database(SCHEMA, "api"), platform.sealer)
    return [
        *pushes.routes(platform, book, door, provided),
        hooks.router(book, provided),
        agent_states.router(platform),
        contacts.router(platform),
        leads.router(platform),
        pace_programmes.router(platform),
        clocks.router(platform),
        promises.router(platform),
        ad_spend.router(platform),
        coaching.router(platform),
        scripts.router(platform),
        checklists.router(platform),
        refusals.router(platform, book, door),
        demo.router(platform, book),
        sources.router(platform, book),
        doctor.router(platform),
        imports.router(platform, book),
        tracking.router(tracked),
        number_leases.router(tracked),
        evaluation_forms.router(forms),
        evaluations.router(judged),
        sampling.router(lots),
        calibrations.router(tuned),
        mystery.router(visits),
        recordings.router(heard),
        head_lines.router(HeadLines(platform.database(SCHEMA, "api"), directory)),
    ]
