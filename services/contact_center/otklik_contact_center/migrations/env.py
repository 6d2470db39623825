"""Alembic's entry: the common environment, on the connection that the migration was given."""

from otklik_common.migrate import run_environment

run_environment()
