"""The event log: one protocol, kept in PostgreSQL or in Kafka."""

from otklik_common.log.port import Log
from otklik_common.settings import Settings


def open_log(settings: Settings) -> Log:
    """The log that the settings name; it connects at first use. Kafka's client loads only here."""
    if settings.log == "kafka":
        from otklik_common.log.kafka import KafkaLog

        return KafkaLog(settings)
    from otklik_common.log.table import TableLog

    return TableLog(settings)
