"""Alembic's entry: the probe's schema."""

from otklik_common.migrate import run_environment

run_environment()
