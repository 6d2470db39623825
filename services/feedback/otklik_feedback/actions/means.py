"""What actions need besides the database: keys to name people by, to seal with, to compare by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import orjson

from otklik_common.module import Platform
from otklik_common.pseudonym import Pseudonyms, Sealer, derive
from otklik_feedback.store.answers import Sealed


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as a body names them, in the clear."""

    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)


NOBODY = Person()
NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Means:
    """Keys, all derived from the one master."""

    pseudonyms: Pseudonyms
    sealer: Sealer
    master: bytes = field(repr=False)

    @classmethod
    def of(cls, platform: Platform) -> "Means":
        """The means that a process has."""
        return cls(platform.pseudonyms, platform.sealer, platform.settings.master)

    def digest_key(self, tenant: str) -> bytes:
        """The key under which bodies of a company are compared."""
        return _digest_key(self.master, tenant)

    def identifiers(self, tenant: str, person: Person, region: str) -> tuple[str, ...]:
        """Pseudonyms of a person, strongest first; empty if nothing of it identifies anybody."""
        return self.pseudonyms.identifiers(
            tenant,
            phone=person.phone,
            email=person.email,
            external_id=person.external_id,
            region=region,
        )

    def seal(
        self,
        tenant: str,
        person: Person,
        comment: str | None,
        texts: Mapping[str, str] = NO_TEXTS,
    ) -> Sealed:
        """What is personal in an answer, sealed column by column."""
        words = orjson.dumps(dict(texts)).decode() if texts else None
        return Sealed(
            comment=self.sealed(tenant, "comment", comment),
            words=self.sealed(tenant, "words", words),
            phone=self.sealed(tenant, "phone", person.phone),
            email=self.sealed(tenant, "email", person.email),
            external=self.sealed(tenant, "external", person.external_id),
        )

    def sealed(self, tenant: str, column: str, text: str | None) -> bytes | None:
        """One value, sealed; None stays None."""
        return self.sealer.seal(tenant, f"feedback.{column}", text) if text else None

    def opened(self, tenant: str, column: str, sealed: bytes | None) -> str | None:
        """One value in the clear."""
        return None if sealed is None else self.sealer.open(tenant, f"feedback.{column}", sealed)

    def texts(self, tenant: str, sealed: bytes | None) -> dict[str, str]:
        """Words by question, in the clear; empty if nothing was written."""
        words = self.opened(tenant, "words", sealed)
        return {} if words is None else orjson.loads(words)

    def person(self, tenant: str, sealed: Sealed) -> Person:
        """The customer of an answer, in the clear."""
        return Person(
            phone=self.opened(tenant, "phone", sealed.phone),
            email=self.opened(tenant, "email", sealed.email),
            external_id=self.opened(tenant, "external", sealed.external),
        )


@lru_cache(4096)
def _digest_key(master: bytes, tenant: str) -> bytes:
    return derive(master, "feedback", "body", tenant)
