"""The background work that every service has: its relay, its copy of the directory, sweeping."""

from collections.abc import Sequence
from functools import partial

from otklik_common.consumer import Consumer, Handler
from otklik_common.directory import KeepDirectory
from otklik_common.idempotency import keep_swept
from otklik_common.module import Platform, Worker, topic_of
from otklik_common.relay import Relay


def relay_worker(platform: Platform, service: str, schema: str) -> Worker:
    """Facts of `service` from its outbox to its topic; the process is ready when it can."""
    relay = Relay(
        platform.database(schema, "worker"),
        platform.log,
        topic_of(service),
        registry=platform.registry,
        watchdog=platform.watchdog,
    )
    platform.checks[f"{service}.relay"] = relay.check
    return Worker(f"{service}.relay", relay.run)


def consumer_worker(
    platform: Platform,
    group: str,
    schema: str,
    services: Sequence[str],
    handler: Handler,
    *,
    max_records: int = 5000,
) -> Worker:
    """
    The consumer group `group`, whose effects stand in `schema`, over what `services` write.

    The process is ready when the consumer gets on.
    """
    consumer = Consumer(
        group,
        [topic_of(service) for service in services],
        handler,
        platform.prompt_database(schema),
        platform.log,
        max_records=max_records,
        registry=platform.registry,
        watchdog=platform.watchdog,
    )
    platform.checks[group] = consumer.check
    platform.readers.append(consumer)
    return Worker(group, consumer.run, consumer)


def directory_worker(
    platform: Platform, service: str, schema: str, keep: KeepDirectory | None = None
) -> Worker:
    """
    What access says, from the log into the directory that `service` keeps.

    Args:
        keep: What keeps it, where a service does more with what it hears.
    """
    handler = keep or KeepDirectory(schema)
    return consumer_worker(platform, f"{service}.directory", schema, ["access"], handler)


def idempotency_worker(platform: Platform, service: str, schema: str) -> Worker:
    """Answers kept for repeated requests, forgotten after their seven days."""
    sweep = partial(keep_swept, platform.database(schema, "worker"))
    return Worker(f"{service}.idempotency", sweep)
