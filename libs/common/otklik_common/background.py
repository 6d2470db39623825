"""The background work that every service has: its relay, and its copy of the directory."""

from otklik_common.consumer import Consumer
from otklik_common.directory import KeepDirectory
from otklik_common.module import Platform, Worker, topic_of
from otklik_common.relay import Relay


def relay_worker(platform: Platform, service: str, schema: str) -> Worker:
    """Facts of `service` from its outbox to its topic."""
    relay = Relay(platform.database(schema, "worker"), platform.log, topic_of(service))
    return Worker(f"{service}.relay", relay.run)


def directory_worker(platform: Platform, service: str, schema: str) -> Worker:
    """What access says, from the log into the directory that `service` keeps."""
    consumer = Consumer(
        f"{service}.directory",
        [topic_of("access")],
        KeepDirectory(schema),
        platform.database(schema, "worker"),
        platform.log,
    )
    return Worker(f"{service}.directory", consumer.run)
