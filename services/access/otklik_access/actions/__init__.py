"""Use cases of access: each one transaction, its facts and its line in the audit trail included."""

from otklik_access.actions.first_start import (
    FirstStart,
    NewCompany,
    first_start,
    make_company,
    reset_console_password,
)
from otklik_access.actions.keys import ShownKey, create_demo_key

__all__ = [
    "FirstStart",
    "NewCompany",
    "ShownKey",
    "create_demo_key",
    "first_start",
    "make_company",
    "reset_console_password",
]
