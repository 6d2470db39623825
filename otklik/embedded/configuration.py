"""What the embedded server is told: small in memory, safe on disk, the same on every machine."""

from collections.abc import Mapping

# For two cores and up to 24 GiB shared with everything else that runs there.
DEFAULTS: Mapping[str, str] = {
    # Eleven pools of six, relays, the log, and whatever `rebuild` or `doctor` opens beside them.
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "1",
    "wal_level": "replica",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Compiling costs more than our short statements take.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, YMD",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.simple",
    # The outbox is always nearly empty and always churning.
    "autovacuum_naptime": "15s",
    "deadlock_timeout": "1s",
    "log_lock_waits": "on",
    "idle_in_transaction_session_timeout": "5min",
    # One file a weekday, so that the log never grows without end.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

# Crashes may lose everything: for tests that throw the cluster away.
UNSAFE: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

FILE = "otklik.conf"
# Read in this order, the last one wins; ALTER SYSTEM wins over all of them.
INCLUDES = f"\ninclude_if_exists = '{FILE}'\ninclude_if_exists = 'local.conf'\n"


def render(*, fsync: bool, settings: Mapping[str, str]) -> str:
    """The text of `otklik.conf`, written anew at each start."""
    chosen = {**DEFAULTS, **({} if fsync else UNSAFE), **settings}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in sorted(chosen.items())]
    head = "# Written by Otklik at each start. Your own settings belong into local.conf beside it."
    return "\n".join([head, *lines]) + "\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
