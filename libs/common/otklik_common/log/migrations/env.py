"""Alembic's entry: the revisions of the schema `log`."""

from otklik_common.migrate import run_environment

run_environment()
