"""Who is who: strong ids that differ never merge, weak ones join, nothing said is lost."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_loyalty.domain.identity import (
    Identities,
    Person,
    identities,
    in_order,
    kind_of,
)

ANNA, BORIS, CLARA, NEW = (UUID(int=n) for n in range(1, 5))


def test_nobody_known_begins_a_customer() -> None:
    found = Identities().assign(Person(phone="ph1_a", external="x1_a"), otherwise=NEW)
    assert (found.customer, found.new) == (NEW, True)
    assert found.learned == found.identifiers == ("ph1_a", "x1_a")
    assert found.shared == ()


def test_a_known_phone_is_that_customer() -> None:
    known = identities({"ph1_a": ANNA}, {})
    found = known.assign(Person(phone="ph1_a", email="em1_a"), otherwise=NEW)
    assert (found.customer, found.new, found.learned) == (ANNA, False, ("em1_a",))


def test_a_phone_joins_an_external_id_to_a_customer_without_one() -> None:
    known = identities({"ph1_a": ANNA}, {})
    found = known.assign(Person(phone="ph1_a", external="x1_a"), otherwise=NEW)
    assert (found.customer, found.learned) == (ANNA, ("x1_a",))
    assert known.externals == {ANNA: "x1_a"}


def test_the_same_e_mail_under_two_external_ids_is_two_customers() -> None:
    known = identities({"em1_a": ANNA, "x1_a": ANNA}, {ANNA: "x1_a"})
    found = known.assign(Person(email="em1_a", external="x1_b"), otherwise=NEW)
    assert (found.customer, found.new) == (NEW, True)
    assert found.shared == ("em1_a",)
    assert found.identifiers == found.learned == ("x1_b",)
    assert known.owners["em1_a"] == ANNA


def test_a_known_external_id_decides_alone() -> None:
    known = identities({"ph1_a": ANNA, "x1_b": BORIS}, {BORIS: "x1_b"})
    found = known.assign(Person(phone="ph1_a", external="x1_b"), otherwise=NEW)
    assert (found.customer, found.new, found.shared) == (BORIS, False, ("ph1_a",))


def test_the_phone_outranks_the_e_mail() -> None:
    known = identities({"ph1_a": ANNA, "em1_b": BORIS}, {})
    found = known.assign(Person(phone="ph1_a", email="em1_b"), otherwise=NEW)
    assert (found.customer, found.shared) == (ANNA, ("em1_b",))


def test_the_e_mail_is_asked_where_the_phone_belongs_to_another_external_id() -> None:
    known = identities({"ph1_a": ANNA, "x1_a": ANNA, "em1_b": BORIS}, {ANNA: "x1_a"})
    found = known.assign(Person("ph1_a", "em1_b", "x1_c"), otherwise=NEW)
    assert (found.customer, found.learned, found.shared) == (BORIS, ("x1_c",), ("ph1_a",))


def test_what_a_batch_teaches_holds_for_the_rest_of_it() -> None:
    known = Identities()
    known.assign(Person(phone="ph1_a", external="x1_a"), otherwise=ANNA)
    assert known.assign(Person(phone="ph1_a"), otherwise=BORIS).customer == ANNA
    assert known.assign(Person(external="x1_a"), otherwise=CLARA).customer == ANNA


persons = st.builds(
    Person,
    phone=st.none() | st.sampled_from(["ph1_a", "ph1_b", "ph1_c"]),
    email=st.none() | st.sampled_from(["em1_a", "em1_b"]),
    external=st.none() | st.sampled_from(["x1_a", "x1_b", "x1_c"]),
).filter(lambda person: bool(person.pseudonyms))


@given(st.lists(persons, max_size=12))
def test_no_customer_ever_has_two_external_ids_and_no_pseudonym_two_customers(
    pushed: list[Person],
) -> None:
    known = Identities()
    owners: dict[str, UUID] = {}
    for n, person in enumerate(pushed):
        found = known.assign(person, otherwise=UUID(int=n))
        for pseudonym in found.learned:
            assert pseudonym not in owners
            owners[pseudonym] = found.customer
        assert {owners[p] for p in found.identifiers} == {found.customer}
        assert set(found.identifiers) | set(found.shared) == set(person.pseudonyms)
        assert found.identifiers, "a fact names its person"
        if person.external is not None:
            assert owners[person.external] == found.customer
    external = [owner for pseudonym, owner in owners.items() if kind_of(pseudonym) == "x"]
    assert len(external) == len(set(external))
    assert owners == known.owners


@given(st.lists(persons, max_size=8), persons)
def test_the_same_person_again_is_the_same_customer(before: list[Person], person: Person) -> None:
    known = Identities()
    for n, each in enumerate(before):
        known.assign(each, otherwise=UUID(int=n))
    first = known.assign(person, otherwise=UUID(int=100))
    again = known.assign(person, otherwise=UUID(int=101))
    assert again.customer == first.customer
    assert (again.new, again.learned) == (False, ())


def test_pseudonyms_stand_in_the_order_of_their_strength_in_facts() -> None:
    assert in_order(["x1_a", "em1_b", "ph12_c", "em1_a"]) == ("ph12_c", "em1_a", "em1_b", "x1_a")
