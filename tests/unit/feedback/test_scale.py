"""Scores stand on their scale or are refused: never clamped, never rounded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.scale import Scale, ScoreOffScale, WrongScore, read_score

NPS = Scale("NPS", 0, 10)


@pytest.mark.parametrize("value", [0, 6, 10])
def test_a_score_on_the_scale_is_itself(value: int) -> None:
    assert read_score(NPS, value) == value


def test_a_score_off_the_scale_is_shown() -> None:
    with pytest.raises(ScoreOffScale) as refused:
        read_score(NPS, 11)
    assert refused.value.code == "score_off_scale"
    assert refused.value.detail == "score 11 is outside the NPS scale 0 to 10"
    assert refused.value.detail_ru == "оценка 11 вне шкалы NPS от 0 до 10"


@pytest.mark.parametrize("value", [8.5, 9.0, -0.0, 1e300])
def test_a_fraction_is_refused_whatever_it_is(value: float) -> None:
    with pytest.raises(ScoreOffScale, match="no whole number on the NPS scale"):
        read_score(NPS, value)


@pytest.mark.parametrize("value", [True, False, "9", [9], {"nps": 9}])
def test_what_is_no_number_is_refused_without_being_repeated(value: Any) -> None:
    with pytest.raises(WrongScore) as refused:
        read_score(NPS, value)
    assert refused.value.detail == "a whole number on the NPS scale 0 to 10 is expected"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_too_long_to_write_is_refused_all_the_same(sign: int) -> None:
    with pytest.raises(ScoreOffScale, match="over" if sign > 0 else "under"):
        read_score(NPS, sign * 10**5000)


def test_between_two_steps_there_is_no_score() -> None:
    tens = Scale("tens", 10, 50, step=10)
    assert read_score(tens, 30) == 30
    with pytest.raises(ScoreOffScale):
        read_score(tens, 35)


scales = st.builds(
    lambda least, span, step: Scale("any", least, least + span * step, step),
    st.integers(-100, 100),
    st.integers(1, 20),
    st.integers(1, 5),
)


@given(scales, st.integers(-300, 300))
def test_whole_numbers_pass_exactly_if_they_are_a_step_of_the_scale(
    scale: Scale, value: int
) -> None:
    if value in range(scale.least, scale.most + 1, scale.step):
        assert read_score(scale, value) == value
    else:
        with pytest.raises(ScoreOffScale):
            read_score(scale, value)
