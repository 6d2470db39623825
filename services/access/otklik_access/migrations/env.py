"""Alembic's entry to the tables of access."""

from otklik_common.migrate import run_environment

run_environment()
