"""Who is who: finding the customer behind a phone, an e-mail or an external id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """
    What a body says of a person, as keyed pseudonyms; None where it says nothing.

    An external id is strong: it names one customer for ever. Phone and e-mail are weak: a
    family shares a phone, an office an address.
    """

    phone: str | None = None
    email: str | None = None
    external: str | None = None

    @property
    def pseudonyms(self) -> tuple[str, ...]:
        """Those known, in the order in which facts carry them: phone, e-mail, external id."""
        return tuple(p for p in (self.phone, self.email, self.external) if p is not None)


@dataclass(frozen=True, slots=True)
class Assigned:
    """
    The customer found or made for a person.

    Attributes:
        new: Nobody fitted, so this customer begins here.
        learned: Pseudonyms that from now on lead to this customer.
        shared: Pseudonyms said of this customer that lead to somebody else: kept beside them,
            so that nothing is lost, and never followed.
        identifiers: Those of the person's pseudonyms that lead to this customer; a fact born
            now carries them.
    """

    customer: UUID
    new: bool
    learned: tuple[str, ...]
    shared: tuple[str, ...]
    identifiers: tuple[str, ...]


@dataclass(slots=True)
class Identities:
    """
    Which pseudonyms lead to which customer, while a batch of people is being assigned.

    Attributes:
        owners: Customer by pseudonym; a pseudonym leads to one customer at most.
        externals: The external pseudonym by customer; a customer has one at most.
    """

    owners: dict[str, UUID] = field(default_factory=dict)
    externals: dict[UUID, str] = field(default_factory=dict)

    def assign(self, person: Person, *, otherwise: UUID) -> Assigned:
        """
        The customer of `person`, who becomes the new customer `otherwise` if nobody fits.

        A known external id decides alone. Else the owner of the phone, then of the e-mail, is
        taken, unless their external id differs: strong ids that differ never merge.
        """
        found = self._find(person)
        customer = otherwise if found is None else found
        return self.give(person, customer, new=found is None)

    def give(self, person: Person, customer: UUID, *, new: bool = False) -> Assigned:
        """Let `person` be `customer`; what leads to nobody yet leads to them from now on."""
        learned = tuple(p for p in person.pseudonyms if p not in self.owners)
        self.owners.update(dict.fromkeys(learned, customer))
        if person.external is not None and self.owners[person.external] == customer:
            self.externals[customer] = person.external
        own = tuple(p for p in person.pseudonyms if self.owners[p] == customer)
        shared = tuple(p for p in person.pseudonyms if self.owners[p] != customer)
        return Assigned(customer, new, learned, shared, own)

    def differs(self, customer: UUID, external: str | None) -> bool:
        """Whether the customer is known by another external id than `external`."""
        known = self.externals.get(customer)
        return known is not None and external is not None and known != external

    def _find(self, person: Person) -> UUID | None:
        if person.external is not None and person.external in self.owners:
            return self.owners[person.external]
        for weak in (person.phone, person.email):
            owner = None if weak is None else self.owners.get(weak)
            if owner is not None and not self.differs(owner, person.external):
                return owner
        return None


def identities(owners: Mapping[str, UUID], externals: Mapping[UUID, str]) -> Identities:
    """What is known before a batch begins."""
    return Identities(dict(owners), dict(externals))


RANK = {"ph": 0, "em": 1, "x": 2}


def in_order(pseudonyms: Iterable[str]) -> tuple[str, ...]:
    """Pseudonyms as facts list them: phones, then e-mails, then external ids, each sorted."""
    return tuple(sorted(pseudonyms, key=lambda p: (RANK[kind_of(p)], p)))


def kind_of(pseudonym: str) -> str:
    """`ph`, `em` or `x`: what a pseudonym stands for."""
    return pseudonym.partition("_")[0].rstrip("0123456789")


def first_of_each(pseudonyms: Iterable[str]) -> tuple[str, ...]:
    """One phone, one e-mail, one external id: enough to name a person in a fact."""
    kinds: dict[str, str] = {}
    for pseudonym in in_order(pseudonyms):
        kinds.setdefault(kind_of(pseudonym), pseudonym)
    return tuple(kinds.values())
