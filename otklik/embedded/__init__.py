"""The embedded PostgreSQL 18: a real server of our own, reached by a private socket alone."""

from otklik.embedded.account import EmbeddedPostgresError
from otklik.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
