"""Checklists: what was asked, what of it was done, and until when that may be said."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_contact_center.domain.script.checklist import (
    CORRECTED_WITHIN,
    MOST_REVISIONS,
    Answer,
    Answered,
    BadChecklist,
    ChecklistClosed,
    Kept,
    NobodyTalked,
    Result,
    TooManyRevisions,
    asked,
    check_revisions,
    check_writable,
    kept,
    over_at,
    read,
    results,
    run_subject,
    writable_until,
)
from otklik_contact_center.domain.script.script import Item, OnlyIf, Script

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DONE, NOT_DONE, NA = Answer.DONE, Answer.NOT_DONE, Answer.NOT_APPLICABLE

SCRIPT = Script(
    code="buyers",
    items=(
        Item(code="greeting", not_applicable=False),
        Item(code="need"),
        Item(code="objection", compulsory=False),
        Item(code="work", only_if=OnlyIf(item="objection", answer="done")),
        Item(code="settled", only_if=OnlyIf(item="work", answer="done")),
        Item(code="why", only_if=OnlyIf(item="need", answer="not_done")),
    ),
)


def faults_of(*sent: Answered) -> list[tuple[str, str]]:
    with pytest.raises(BadChecklist) as refused:
        read(SCRIPT, sent)
    assert all(one.detail_ru for one in refused.value.errors)
    return [(one.field, one.code) for one in refused.value.errors]


def a_contact(**said: datetime | None) -> Contact:
    blank = Contact(source=UUID(int=1), channel=Channel.CALL, direction=Direction.IN)
    return blank.model_copy(update=said)


def test_what_is_not_ticked_was_not_done() -> None:
    assert kept(SCRIPT, {"greeting": DONE}) == Kept(2, 1, ("need",), complete=False)
    assert kept(SCRIPT, {}) == Kept(2, 0, ("greeting", "need"), complete=False)


def test_what_does_not_apply_is_neither_asked_nor_missed() -> None:
    assert kept(SCRIPT, {"greeting": DONE, "need": NA}) == Kept(1, 1, (), complete=True)
    assert results(SCRIPT, {"greeting": DONE, "need": NA})["need"] is Result.NOT_APPLICABLE


def test_advice_counts_for_nothing() -> None:
    said = {"greeting": DONE, "need": DONE}
    whole = Kept(2, 2, (), complete=True)
    assert kept(SCRIPT, said) == kept(SCRIPT, {**said, "objection": NOT_DONE}) == whole


def test_an_item_whose_condition_does_not_hold_is_neither_whatever_was_said_of_it() -> None:
    said = {"greeting": DONE, "need": DONE, "objection": NOT_DONE, "work": DONE, "settled": DONE}
    assert [one.code for one in asked(SCRIPT, said)] == ["greeting", "need", "objection"]
    assert kept(SCRIPT, said) == Kept(2, 2, (), complete=True)
    # The same of one whose condition names an item that is not asked, or did not apply.
    for answer in (NA, None):
        more = said if answer is None else {**said, "objection": answer}
        assert "settled" not in results(SCRIPT, more)


def test_an_item_is_asked_as_soon_as_its_condition_holds() -> None:
    said = {"greeting": DONE, "need": NOT_DONE, "objection": DONE}
    assert kept(SCRIPT, said) == Kept(4, 1, ("need", "work", "why"), complete=False)
    assert kept(SCRIPT, {**said, "work": DONE}).missed == ("need", "settled", "why")
    whole = {**said, "work": DONE, "settled": DONE, "why": DONE}
    assert kept(SCRIPT, whole) == Kept(5, 4, ("need",), complete=True)


def test_answers_are_kept_in_the_order_of_the_script() -> None:
    sent = [Answered("need", NA), Answered("greeting", DONE)]
    assert list(read(SCRIPT, sent)) == ["greeting", "need"]
    assert read(SCRIPT, sent) == {"greeting": DONE, "need": NA}


def test_an_answer_names_an_item_once_and_what_always_applies_applies() -> None:
    assert faults_of(Answered("weather", DONE)) == [("answers.0.item", "unknown_item")]
    twice = Answered("need", DONE), Answered("need", DONE)
    assert faults_of(*twice) == [("answers.1.item", "repeated")]
    assert faults_of(Answered("greeting", NA)) == [("answers.0.answer", "must_apply")]


ANSWERS = st.dictionaries(
    st.sampled_from([item.code for item in SCRIPT.items]), st.sampled_from(Answer)
)


@given(ANSWERS)
def test_parts_add_up_to_the_whole(answers: dict[str, Answer]) -> None:
    found, each = kept(SCRIPT, answers), results(SCRIPT, answers)
    compulsory = [code for code in each if SCRIPT.by_code[code].compulsory]
    assert found.asked == found.done + len(found.missed)
    assert found.asked == sum(each[code] is not Result.NOT_APPLICABLE for code in compulsory)
    assert list(found.missed) == [code for code in compulsory if each[code] is Result.MISSED]


@given(ANSWERS, st.sampled_from(["greeting", "settled"]))
def test_doing_more_never_lowers_what_was_done(answers: dict[str, Answer], code: str) -> None:
    assert kept(SCRIPT, {**answers, code: DONE}).done >= kept(SCRIPT, answers).done


def test_a_checklist_may_be_written_while_the_contact_goes_on_and_72_hours_after() -> None:
    assert timedelta(hours=72) == CORRECTED_WITHIN
    check_writable(a_contact(started_at=NOON), NOON + timedelta(days=90))
    over = a_contact(ended_at=NOON, answered_at=NOON)
    check_writable(over, NOON + CORRECTED_WITHIN)
    with pytest.raises(ChecklistClosed) as refused:
        check_writable(over, NOON + CORRECTED_WITHIN + timedelta(seconds=1))
    assert refused.value.extra == {"writable_until": "2026-03-05T12:00:00+00:00"}


def test_where_nobody_answered_there_is_nothing_to_tick_unless_it_goes_on_again() -> None:
    with pytest.raises(NobodyTalked):
        check_writable(a_contact(ended_at=NOON), NOON)
    check_writable(a_contact(ended_at=NOON, open_since=NOON), NOON)


def test_a_contact_is_over_with_the_last_of_its_ends_and_goes_on_where_it_is_open_again() -> None:
    later = NOON + timedelta(hours=5)
    assert over_at(a_contact(ended_at=NOON, closed_at=later)) == later
    assert over_at(a_contact(abandoned_at=NOON)) == NOON
    assert over_at(a_contact(closed_at=NOON, open_since=later)) is None
    assert writable_until(a_contact(started_at=NOON)) is None


def test_a_checklist_is_written_three_hundred_times_at_most() -> None:
    check_revisions(MOST_REVISIONS - 1)
    with pytest.raises(TooManyRevisions):
        check_revisions(MOST_REVISIONS)


def test_a_contact_has_one_checklist_in_its_company() -> None:
    contact = UUID(int=7)
    assert run_subject("aaaaaaaa", contact) == run_subject("aaaaaaaa", contact)
    assert run_subject("aaaaaaaa", contact) != run_subject("bbbbbbbb", contact)
