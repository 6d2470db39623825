"""The fast decoder takes exactly what the contracts take, and reads the same out of it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otklik_common.events
from otklik_common.events.envelope import Fact
from otklik_common.events.registry import newest, read_data
from otklik_common.reading import Unprocessable
from otklik_metrics.store.decoding import decoder
from otklik_metrics.store.tables import FIELDS, KINDS
from tests.support.facts import FACTS, an_answered_contact, an_event, heard

EXAMPLES = sorted(Path(otklik_common.events.__file__).parent.glob("examples/*/v*/*.json"))


def same(kind: str, state: Any, fact: Fact) -> bool:
    told = {field.name: getattr(fact, field.name) for field in FIELDS[kind]}
    if "head_line" in type(fact).model_fields and fact.head_line:  # type: ignore[attr-defined]
        told["channel"] = "head_line"
    return all(getattr(state, name) == value for name, value in told.items())


@given(st.sampled_from(sorted(FACTS)).flatmap(lambda kind: st.tuples(st.just(kind), FACTS[kind])))
def test_a_fact_is_read_as_its_contract_reads_it(drawn: tuple[str, Fact]) -> None:
    kind, fact = drawn
    for said in (fact.said(), fact.model_dump_json()):
        assert same(kind, decoder(kind).strictly(said.encode()), fact)
        assert newest(kind).model_validate_json(said) == fact


def test_golden_examples_are_read_as_their_contracts_read_them() -> None:
    assert {path.parts[-3] for path in EXAMPLES} >= set(KINDS)
    for path in EXAMPLES:
        kind, version = path.parts[-3], int(path.parts[-2].removeprefix("v"))
        if kind in KINDS:
            fact = read_data(kind, version, json.dumps(json.loads(path.read_bytes())["data"]))
            body = fact.model_dump_json().encode()
            assert same(kind, decoder(kind).strictly(body), fact), path


WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.sampled_from(
        [
            "",
            "x" * 101,
            "RUB\n",
            "ph1_AAAAAAAAAAAAAAAAAAAAAAAA\n",
            "2026-03-02T09:00:00",
            "2026-03-02",
            "2026-03-02T24:00:00Z",
            "not-a-uuid",
            "00000000000000000000000000000001",
        ]
    ),
    st.lists(st.sampled_from(["ph1_AAAAAAAAAAAAAAAAAAAAAAAA", "", 1]), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers() | st.text(max_size=2), max_size=40),
)


@given(
    st.sampled_from(sorted(FACTS)).flatmap(
        lambda kind: st.tuples(
            st.just(kind), FACTS[kind], st.sampled_from([f.name for f in FIELDS[kind]]), WRONG
        )
    )
)
def test_what_the_decoder_takes_its_contract_takes_too(drawn: tuple[str, Fact, str, Any]) -> None:
    kind, fact, name, wrong = drawn
    body = json.dumps(json.loads(fact.model_dump_json()) | {name: wrong}).encode()
    try:
        state = decoder(kind).strictly(body)
    except msgspec.MsgspecError:
        return
    assert same(kind, state, newest(kind).model_validate_json(body))


@given(
    st.sampled_from(sorted(FACTS)).flatmap(
        lambda kind: st.tuples(st.just(kind), FACTS[kind], st.data())
    )
)
def test_a_field_that_was_not_said_has_the_default_of_the_contract(
    drawn: tuple[str, Fact, st.DataObject],
) -> None:
    kind, fact, data = drawn
    body = json.loads(fact.model_dump_json())
    optional = [n for n, info in newest(kind).model_fields.items() if not info.is_required()]
    for name in data.draw(st.sets(st.sampled_from(optional))):
        del body[name]
    text = json.dumps(body).encode()
    assert same(kind, decoder(kind).strictly(text), newest(kind).model_validate_json(text))


def test_what_only_the_contract_takes_is_read_through_the_contract() -> None:
    (event,) = heard(an_event(an_answered_contact()))
    event.raw = event.raw.replace(b'"waited_ms":12400', b'"waited_ms":"12400"')
    with pytest.raises(msgspec.ValidationError):
        decoder("contact").strictly(event.raw)
    assert decoder("contact").state(event).waited_ms == 12_400


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"waited_ms":12400', b'"waited_ms":-1'),
        (b'"outcome":"answered"', b'"outcome":"lost"'),
        (b'"queue":"sales"', b'"queue":""'),
        (b'"queue":"sales"', b'"queue":"\xff"'),
    ],
)
def test_what_breaks_the_contract_is_nobodys_fact(before: bytes, after: bytes) -> None:
    (event,) = heard(an_event(an_answered_contact()))
    event.raw = event.raw.replace(before, after)
    with pytest.raises(Unprocessable):
        decoder("contact").state(event)
