"""A process that pushes a call and folds it; failpoints in its environment end it on the way."""

import asyncio
import sys
from datetime import UTC, datetime

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.settings import load_settings
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door
from otklik_contact_center.domain.admission import BULK, LIVE, canonical
from otklik_contact_center.domain.source import default_source
from tests.unit.contact_center.builders import a_call


async def main(tenant: str) -> None:
    """Push, then fold until nothing waits."""
    settings = load_settings()
    pusher, worker, api = (
        Database(settings, "contact_center", role) for role in ("pusher", "worker", "api")
    )
    sealer = Sealer(settings.master)
    intake = Intake(pusher, Meters(None))
    await intake.start()
    now = datetime.now(UTC)
    body = b"\n".join(canonical(event) for event in a_call())
    await Door(intake, sealer, settings.master).push(default_source(tenant, now), body, now=now)
    await intake.stop()
    folder = Folder(
        worker,
        Directory(api),
        sealer=sealer,
        pseudonyms=Pseudonyms(settings.master),
        meters=Meters(None),
    )
    for lane in (LIVE, BULK):
        while (await folder.fold_some(lane)).marks:
            pass


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
