"""Stretches of agents' time: what changes of state come to, in whatever order they are heard of."""

import json
import random
from datetime import UTC, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.api.agent_states import PushedState
from otklik_contact_center.domain.admission import MalformedError
from otklik_contact_center.domain.agent_state import StateChange, read_states, stretches
from tests.unit.contact_center.builders import MORNING, at


def a_change(name: str, seconds: float, state: str = "available", **more: str) -> StateChange:
    return StateChange(
        id=name, agent=more.pop("agent", "anna"), state=state, at=at(seconds), **more
    )


CHANGES = st.lists(
    st.builds(
        a_change,
        st.integers(0, 40).map(str),
        st.integers(0, 20).map(lambda n: n * 60),
        st.sampled_from(("available", "break", "offline")),
    ),
    unique_by=lambda change: change.id,
    max_size=12,
)


def test_a_stretch_lasts_until_the_next_change_and_the_last_one_goes_on() -> None:
    first, second = stretches([a_change("b", 90, "break"), a_change("a", 0, queue="sales")])
    assert (first.fact.state, first.fact.from_at, first.fact.to_at) == ("available", at(0), at(90))
    assert (first.fact.lasted_ms, first.fact.queue) == (90_000, "sales")
    assert (second.fact.state, second.fact.to_at, second.fact.lasted_ms) == ("break", None, None)


def test_of_changes_at_one_moment_the_last_by_id_holds() -> None:
    found = stretches([a_change("b", 0, "break"), a_change("a", 0), a_change("c", 5)])
    assert [(one.change.id, one.fact.lasted_ms) for one in found] == [
        ("a", 0),
        ("b", 5_000),
        ("c", None),
    ]


def test_nothing_is_made_of_nothing() -> None:
    assert stretches([]) == []


@given(CHANGES, st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_give_the_same(
    changes: list[StateChange], shuffler: random.Random, data: st.DataObject
) -> None:
    again = changes + (data.draw(st.lists(st.sampled_from(changes))) if changes else [])
    shuffler.shuffle(again)
    assert stretches(again) == stretches(changes)


@given(CHANGES)
def test_stretches_leave_no_gap_and_do_not_overlap(changes: list[StateChange]) -> None:
    found = stretches(changes)
    assert len(found) == len(changes)
    for before, after in pairwise(found):
        assert before.fact.to_at == after.fact.from_at
        assert before.fact.lasted_ms is not None
        assert before.fact.lasted_ms >= 0
    if found:
        assert found[-1].fact.to_at is None


def body(**more: object) -> bytes:
    full = {"id": "s1", "agent": "anna", "state": "available", "at": "2026-03-02T12:00:00+03:00"}
    return json.dumps(full | more).encode()


def test_one_an_array_and_lines_are_read_alike() -> None:
    one = body()
    [wanted] = read_states(one, MORNING).taken
    assert wanted.item.at == MORNING
    assert wanted.item.at.tzinfo is UTC
    indented = json.dumps(json.loads(one), indent=1).encode()
    for several in (b"[" + one + b"," + one + b"]", one + b"\n\n" + one, b" " + indented):
        read = read_states(several, MORNING)
        assert {each.item for each in read.taken} == {wanted.item}
        assert not read.refused
    assert [each.index for each in read_states(one + b"\r\n" + one, MORNING).taken] == [0, 1]
    assert len(read_states(one, MORNING, lines=True).taken) == 1


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (body(extra=1), "unknown_field"),
        (body(at="2026-03-02T12:00:00"), "time_without_zone"),
        (body(at="soon"), "malformed"),
        (body(at=(MORNING + timedelta(hours=25)).isoformat()), "time_in_future"),
        (body(at="1989-12-31T00:00:00Z"), "time_too_old"),
        (body(agent=""), "too_short"),
        (body(state="x" * 101), "too_long"),
        (body(queue=7), "wrong_type"),
        (body(branch="\0"), "malformed"),
        (b'{"id": "s1"}', "missing"),
        (b"7", "wrong_type"),
    ],
)
def test_a_bad_change_is_refused_alone(piece: bytes, code: str) -> None:
    read = read_states(b"[" + body(id="a") + b"," + piece + b"," + body(id="b") + b"]", MORNING)
    assert [each.item.id for each in read.taken] == ["a", "b"]
    assert [(one.index, one.code) for one in read.refused] == [(1, code)]


def test_broken_lines_are_refused_alone() -> None:
    lines = b"\n".join([body(id="a"), b'{"id": "b"', b'{"id": "\xff"}', body(id="c")])
    read = read_states(lines, MORNING, lines=True)
    assert [each.index for each in read.taken] == [0, 3]
    assert [(one.index, one.code) for one in read.refused] == [
        (1, "malformed_json"),
        (2, "invalid_utf8"),
    ]


@pytest.mark.parametrize(
    ("whole", "code"),
    [
        (b"", "malformed_json"),
        (b"hello", "malformed_json"),
        (b"[{", "malformed_json"),
        (b'{"id": "a"', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"id": "\xff"}', "invalid_utf8"),
        (b"[" + b",".join([b"{}"] * 5001) + b"]", "too_many_events"),
        (b"{}\n" * 5001, "too_many_events"),
    ],
)
def test_what_is_no_push_is_refused_whole(whole: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_states(whole, MORNING)
    assert caught.value.code == code


def test_the_document_describes_what_is_read() -> None:
    document = PushedState.model_json_schema()
    fields = msgspec.structs.fields(StateChange)
    assert set(document["properties"]) == {field.encode_name for field in fields}
    assert set(document["required"]) == {field.encode_name for field in fields if field.required}


def test_a_name_that_no_answer_can_show_is_refused_without_it() -> None:
    [refused] = read_states(b'{"a\\u0000b": 1}', MORNING).refused
    assert refused.code == "unknown_field"
    assert refused.detail.startswith("a\ufffdb is unknown")
