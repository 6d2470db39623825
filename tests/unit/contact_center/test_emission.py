"""Facts are published when they are new, changed or gone, and only then."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.emission import Emitted, next_step, steps
from tests.unit.contact_center.builders import contact_id

A = contact_id("a")


def test_the_same_state_is_not_published_twice() -> None:
    first = next_step(A, None, b"open")
    assert first is not None
    assert first.emitted.revision == 1
    assert next_step(A, first.emitted, b"open") is None


def test_a_subject_that_vanished_is_void_once_and_may_come_back() -> None:
    first = next_step(A, None, b"open")
    assert first is not None
    gone = next_step(A, first.emitted, None)
    assert gone is not None
    assert gone.emitted.void
    assert gone.data == b"open"
    assert next_step(A, gone.emitted, None) is None
    back = next_step(A, gone.emitted, b"open")
    assert back is not None
    assert (back.emitted.revision, back.emitted.void) == (3, False)


STATES = st.dictionaries(st.sampled_from("abc"), st.binary(min_size=1, max_size=2))


@given(st.lists(STATES, max_size=8))
def test_folding_little_by_little_ends_where_folding_at_once_does(
    history: list[dict[str, bytes]],
) -> None:
    known: dict[UUID, Emitted] = {}
    published: dict[UUID, tuple[int, bytes, bool]] = {}
    for state in history:
        for step in steps(known, {contact_id(name): data for name, data in state.items()}):
            before = published.get(step.subject, (0, b"", False))
            assert step.emitted.revision == before[0] + 1
            published[step.subject] = (step.emitted.revision, step.data, step.emitted.void)
            known[step.subject] = step.emitted
    last = {contact_id(name): data for name, data in (history[-1] if history else {}).items()}
    assert {subject: data for subject, (_, data, void) in published.items() if not void} == last
