"""Scripts: what is one, which is meant for a contact, and those to start from."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.script.choosing import CONDITIONS, About, Chosen, choose
from otklik_contact_center.domain.script.presets import PRESETS
from otklik_contact_center.domain.script.script import (
    MOST_HINT,
    MOST_ITEMS,
    MOST_TEXT,
    BadScript,
    Item,
    Meant,
    OnlyIf,
    Script,
    check_script,
)


def a_script(*items: Item) -> Script:
    return Script(code="buyers", items=items)


def faults_of(script: Script) -> list[tuple[str, str]]:
    with pytest.raises(BadScript) as refused:
        check_script(script)
    assert all(one.detail_ru for one in refused.value.errors)
    return [(one.field, one.code) for one in refused.value.errors]


def if_done(code: str) -> OnlyIf:
    return OnlyIf(item=code, answer="done")


def test_a_condition_names_an_item_above_it() -> None:
    check_script(a_script(Item(code="a"), Item(code="b", only_if=if_done("a"))))
    itself = a_script(Item(code="a", only_if=if_done("a")))
    later = a_script(Item(code="a", only_if=if_done("b")), Item(code="b"))
    nothing = a_script(Item(code="a"), Item(code="b", only_if=if_done("c")))
    assert faults_of(itself) == [("items.0.only_if.item", "names_itself")]
    assert faults_of(later) == [("items.0.only_if.item", "not_earlier")]
    assert faults_of(nothing) == [("items.1.only_if.item", "unknown_item")]


def test_codes_are_used_once_and_something_is_compulsory() -> None:
    assert faults_of(a_script(Item(code="a"), Item(code="a"))) == [("items.1.code", "repeated")]
    assert faults_of(a_script()) == [("items", "nothing_compulsory")]
    advice = a_script(Item(code="a", compulsory=False))
    assert faults_of(advice) == [("items", "nothing_compulsory")]


def test_no_more_than_fifty_faults_are_told() -> None:
    assert len(faults_of(a_script(*[Item(code="a") for _ in range(MOST_ITEMS)]))) == 50


def test_scripts_to_start_from_are_sound_and_in_both_languages() -> None:
    for preset in PRESETS:
        check_script(preset)
        assert preset.names.keys() == {"en", "ru"}
        assert len(preset.items) <= MOST_ITEMS
        for item in preset.items:
            assert item.texts.keys() == {"en", "ru"}
            assert item.hints.keys() in (set(), {"en", "ru"})
            assert all(len(text) <= MOST_TEXT for text in item.texts.values())
            assert all(len(hint) <= MOST_HINT for hint in item.hints.values())
    met = {choose([(one.code, one.meant) for one in PRESETS], About(party, "in", "call"))
           for party in ("buyer", "seller")}  # fmt: skip
    assert {one.code for one in met if one} == {"first_call_buyer", "first_call_seller"}


ALL = ("all", Meant())
CALLS = ("calls", Meant(channel="call"))
BUYERS = ("buyers", Meant(party="buyer", channel="call"))
SALES = ("sales", Meant(queue="sales", channel="call"))
A_CALL = About("buyer", "in", "call", "sales")


def test_the_script_with_most_conditions_is_meant_and_the_first_by_code_among_equals() -> None:
    assert choose([ALL, CALLS, SALES, BUYERS], A_CALL) == Chosen(
        "buyers", ("party", "channel"), ("sales", "calls", "all")
    )
    assert choose([ALL, CALLS], A_CALL) == Chosen("calls", ("channel",), ("all",))


def test_one_that_does_not_fit_is_not_meant_whatever_else_fits() -> None:
    assert choose([BUYERS, ALL], A_CALL._replace(party="seller")) == Chosen("all", (), ())
    # What is not known is no match.
    assert choose([BUYERS], A_CALL._replace(party=None)) is None
    assert choose([], A_CALL) is None


VALUES = st.sampled_from([None, "a", "b"])
MEANT = st.builds(Meant, **dict.fromkeys(CONDITIONS, VALUES))


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), MEANT, max_size=8),
    st.builds(About, **dict.fromkeys(CONDITIONS, VALUES)),
    st.randoms(),
)
def test_the_order_in_which_scripts_are_known_chooses_none(
    known: dict[str, Meant], about: About, dice: random.Random
) -> None:
    shuffled = list(known.items())
    dice.shuffle(shuffled)
    found = choose(known.items(), about)
    assert choose(shuffled, about) == found
    if found is not None:
        for code in (found.code, *found.others):
            wanted = {n: v for n in CONDITIONS if (v := getattr(known[code], n)) is not None}
            assert all(getattr(about, name) == value for name, value in wanted.items())
            assert len(wanted) <= len(found.matched)
