"""
One relay or consumer of the probe as a process of its own, to be killed.

    python -m tests.support.log_probe.process relay|consumer TOPIC   (settings from OTKLIK_*)
"""

import asyncio
import sys

from otklik_common.consumer import Consumer
from otklik_common.db import PROMPT_SECONDS, Database
from otklik_common.log import open_log
from otklik_common.relay import Relay
from otklik_common.runtime import stop_on_signals
from otklik_common.settings import load_settings
from otklik_common.watchdog import Watchdog
from tests.support.log_probe.probe import Seen, group_of


async def main(role: str, topic: str) -> None:
    """Run until a signal."""
    stop = stop_on_signals()
    settings = load_settings()
    log = open_log(settings)
    db = Database(settings, "probe", "worker", statement_seconds=PROMPT_SECONDS)
    watchdog = Watchdog()
    watchdog.start()
    loop: Relay | Consumer
    if role == "relay":
        loop = Relay(db, log, topic, most=50, watchdog=watchdog)
    else:
        loop = Consumer(
            group_of(topic), [topic], Seen(), db, log, max_records=50, watchdog=watchdog
        )
    print("ready", flush=True)
    try:
        await loop.run(stop)
    finally:
        watchdog.stop()
        await log.close()
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
