"""What relays and consumers show while nothing moves."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from otklik_common.meters import ConsumerMeters, RelayMeters


def test_the_oldest_fact_grows_older_while_the_log_is_away() -> None:
    registry = CollectorRegistry()
    meters = RelayMeters(registry, "otklik.access")
    meters.waiting(datetime.now(UTC) - timedelta(seconds=30))
    meters.troubled(value=True)
    labels = {"topic": "otklik.access"}
    first = registry.get_sample_value("otklik_relay_oldest_seconds", labels)
    second = registry.get_sample_value("otklik_relay_oldest_seconds", labels)
    assert first is not None
    assert second is not None
    assert 30 <= first < second
    assert registry.get_sample_value("otklik_relay_troubled", labels) == 1
    meters.waiting(None)
    assert registry.get_sample_value("otklik_relay_oldest_seconds", labels) == 0


def test_lag_without_news_is_as_old_as_what_was_taken_in_last() -> None:
    registry = CollectorRegistry()
    meters = ConsumerMeters(registry, "metrics.facts")
    labels = {"consumer": "metrics.facts"}
    meters.lag(5, datetime.now(UTC) - timedelta(seconds=60))
    meters.lag(7, None)
    age = registry.get_sample_value("otklik_consumer_lag_seconds", labels)
    assert age is not None
    assert age >= 60
    meters.lag(0, None)
    assert registry.get_sample_value("otklik_consumer_lag_seconds", labels) == 0
