"""Identifiers: of companies, of subjects, and short random ones."""

import re
import secrets
from uuid import UUID, uuid5

NAMESPACE = UUID("3f5d2c1e-7a0b-5c84-9a66-0d1f4be8c2a7")
"""Root of every derived subject id. Never change it: ids on the log were made with it."""

TENANT = re.compile(r"^[a-z][a-z2-7]{7}$")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BASE32 = LETTERS + "234567"


def subject_id(tenant: str, kind: str, *parts: str) -> UUID:
    """
    The id of a subject: UUIDv5 of the company, the kind and what makes it one.

    Derived, so that hearing of it twice makes one subject; hashed, since a sender's own id
    may hold a phone or an address. The parts are length-prefixed: ("a", "bc") is not ("ab", "c").
    """
    return uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in (tenant, kind, *parts)))


def source_subject(tenant: str, source_id: str) -> UUID:
    """The subject of a source, by the id under which software pushes: every service agrees on it."""
    return subject_id(tenant, "source", source_id)


def contact_subject(tenant: str, source_id: str, contact: str) -> UUID:
    """The subject of the contact that a source calls `contact`: every service agrees on it."""
    return subject_id(tenant, "contact", source_id, contact)


def short_id() -> str:
    """A new company's id: 8 characters, the first a letter (39 bits; the caller checks it is free)."""
    return secrets.choice(LETTERS) + random_id(7)


def random_id(length: int = 10) -> str:
    """Random characters of a-z and 2-7, 5 bits each: an id, never a secret."""
    return "".join(secrets.choice(BASE32) for _ in range(length))


def is_tenant(text: str) -> bool:
    """Whether `text` has the form of a company's id."""
    return TENANT.fullmatch(text) is not None
