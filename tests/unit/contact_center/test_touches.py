"""Touches of a request, and models that give them parts which add up."""

import random
from datetime import timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.tracking.touches import (
    LOOKS_BACK,
    MICRO,
    MOST_TOUCHES,
    Arrival,
    Arrivals,
    Model,
    Path,
    split,
    weights,
)
from otklik_contact_center.domain.tracking.ways import NO_WAY, Way, way_of
from tests.unit.contact_center.builders import MORNING, contact_id

YANDEX, VK, RADIO = Way("yandex", "cpc", "spring"), Way("vk", "social"), Way(campaign="radio")
DIRECT = Way("direct", "none")
OPENER = contact_id("opener")
ENOUGH = MORNING + timedelta(days=400)


def came(way: Way, hours: float, contact: UUID | None = None) -> Arrival:
    return Arrival(MORNING + timedelta(hours=hours), way, "certain", contact)


def a_path(*ways: Way, opener: int | None = None) -> Path:
    return Path(tuple(came(way, n) for n, way in enumerate(ways)), opener)


def shares(model: Model, path: Path) -> list[int]:
    return split(MICRO, weights(model, path))


def test_one_touch_has_the_whole_under_every_model() -> None:
    for model in Model:
        assert shares(model, a_path(VK, opener=0)) == [MICRO]


def test_three_touches_under_each_model() -> None:
    path = a_path(YANDEX, VK, DIRECT, opener=1)
    assert {model.value: shares(model, path) for model in Model} == {
        "first": [MICRO, 0, 0],
        "lead": [0, MICRO, 0],
        "last": [0, 0, MICRO],
        "last_non_direct": [0, MICRO, 0],
        "linear": [333_334, 333_333, 333_333],
        "position": [400_000, 200_000, 400_000],
    }


def test_of_two_touches_position_gives_each_a_half() -> None:
    assert shares(Model.POSITION, a_path(YANDEX, VK)) == [500_000, 500_000]
    # A part that cannot be halved goes to the earlier one.
    assert split(101, weights(Model.POSITION, a_path(YANDEX, VK))) == [51, 50]


def test_those_between_share_a_fifth() -> None:
    path = a_path(*[YANDEX, VK] * 3, YANDEX)
    assert shares(Model.POSITION, path) == [400_000, *[40_000] * 5, 400_000]


def test_where_all_came_of_their_own_accord_the_last_one_counts() -> None:
    path = a_path(DIRECT, Way("direct"))
    assert shares(Model.LAST_NON_DIRECT, path) == [0, MICRO]


def test_an_advertisement_that_calls_itself_direct_is_none() -> None:
    # Yandex Direct is often tagged so; who comes of their own accord has no campaign.
    assert not Way("direct", "cpc").direct
    assert shares(Model.LAST_NON_DIRECT, a_path(Way("direct", "cpc", "spring"), DIRECT)) == [
        MICRO,
        0,
    ]


def test_without_a_touch_nobody_is_given_anything() -> None:
    for model in Model:
        assert shares(model, Path((), None)) == []
    # What brought the request itself is not known: under that model it is nobody's.
    assert shares(Model.LEAD, a_path(VK, YANDEX)) == [0, 0]


def test_whether_there_is_anything_to_split() -> None:
    assert not Path((), None).splits
    assert not a_path(VK, opener=0).splits
    assert a_path(VK).splits
    assert a_path(VK, YANDEX, opener=1).splits


def test_arrivals_by_one_way_are_one_touch_until_another_comes_between() -> None:
    arrivals = Arrivals([came(VK, 3), came(YANDEX, 1), came(YANDEX, 2), came(YANDEX, 4, OPENER)])
    path = arrivals.path(OPENER, MORNING + timedelta(hours=4), ENOUGH)
    assert [(one.way, one.at) for one in path.touches] == [
        (YANDEX, MORNING + timedelta(hours=1)),
        (VK, MORNING + timedelta(hours=3)),
        (YANDEX, MORNING + timedelta(hours=4)),
    ]
    assert (path.opener, path.left_out) == (2, 0)


def test_a_path_goes_from_the_window_to_what_was_reached() -> None:
    begun = MORNING + LOOKS_BACK
    arrivals = Arrivals(
        [
            Arrival(MORNING - timedelta(seconds=1), RADIO, "certain"),
            Arrival(MORNING, YANDEX, "certain"),
            Arrival(begun, DIRECT, "certain", OPENER),
            Arrival(begun + timedelta(days=1), VK, "certain"),
            Arrival(begun + timedelta(days=1, seconds=1), RADIO, "certain"),
        ]
    )
    assert [one.way for one in arrivals.path(OPENER, begun, begun).touches] == [YANDEX, DIRECT]
    reached = arrivals.path(OPENER, begun, begun + timedelta(days=1))
    assert [one.way for one in reached.touches] == [YANDEX, DIRECT, VK]
    # What is told as earlier than its request is split like the request: clocks differ.
    assert arrivals.path(OPENER, begun, MORNING) == arrivals.path(OPENER, begun, begun)


def test_a_run_that_began_before_the_window_begins_with_its_first_arrival_inside() -> None:
    late = came(YANDEX, 1)
    arrivals = Arrivals([came(YANDEX, 0), late])
    path = arrivals.path(OPENER, late.at + LOOKS_BACK, ENOUGH)
    assert path.touches == (late,)


def test_a_visit_of_the_same_moment_comes_before_the_contact() -> None:
    path = Arrivals([came(VK, 1, OPENER), came(YANDEX, 1)]).path(OPENER, MORNING, ENOUGH)
    assert [one.way for one in path.touches] == [YANDEX, VK]


def test_of_too_many_touches_the_first_the_request_s_own_and_the_latest_are_kept() -> None:
    ways = [YANDEX, VK] * 50
    all_of_it = [came(way, n, OPENER if n == 7 else None) for n, way in enumerate(ways)]
    path = Arrivals(all_of_it).path(OPENER, all_of_it[7].at, ENOUGH)
    assert path.touches == (all_of_it[0], all_of_it[7], *all_of_it[-MOST_TOUCHES + 2 :])
    assert (path.opener, path.left_out) == (1, 50)
    nobody = Arrivals([one._replace(contact=None) for one in all_of_it])
    path = nobody.path(OPENER, MORNING, ENOUGH)
    assert path.touches == (all_of_it[0], *all_of_it[-MOST_TOUCHES + 1 :])
    assert (path.opener, path.left_out) == (None, 50)


@pytest.mark.parametrize(
    ("attributes", "campaign", "way"),
    [
        ({}, None, NO_WAY),
        ({"source": "Yandex ", "medium": "CPC"}, "Spring", Way("yandex", "cpc", "Spring")),
        ({"utm_source": "vk", "utm_medium": "social"}, None, VK),
        ({"source": "radio", "utm_source": "vk"}, None, Way("radio")),
        ({"source": "  ", "medium": ""}, None, NO_WAY),
        ({"source": "x" * 150}, None, Way("x" * 100)),
    ],
)
def test_the_way_of_a_contact(attributes: dict[str, str], campaign: str | None, way: Way) -> None:
    assert way_of(attributes, campaign) == way


WAYS = st.sampled_from([YANDEX, VK, RADIO, DIRECT])
HOURS = st.integers(0, 3_000)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 200), max_size=60))
def test_parts_add_up_and_are_fair(whole: int, parts: list[int]) -> None:
    found = split(whole, parts)
    total = sum(parts)
    assert sum(found) == (whole if total else 0)
    for share, part in zip(found, parts, strict=True):
        assert abs(share - Fraction(whole * part, total or 1)) < 1 or not total
        assert part or not share
    for (one, mine), (other, theirs) in zip(
        zip(parts, found, strict=True), list(zip(parts, found, strict=True))[1:], strict=False
    ):
        # Who weighs the same has the same, or one more if they came earlier.
        assert one != other or mine in (theirs, theirs + 1)


@given(st.lists(WAYS, min_size=1, max_size=60), st.integers(0, 10**12), st.data())
def test_every_model_gives_the_whole(ways: list[Way], whole: int, data: st.DataObject) -> None:
    opener = data.draw(st.integers(0, len(ways) - 1))
    path = a_path(*ways, opener=opener)
    for model in Model:
        assert sum(split(whole, weights(model, path))) == whole
        assert sum(shares(model, path)) == MICRO
    least = min(shares(Model.LINEAR, path))
    assert max(shares(Model.LINEAR, path)) - least <= 1


@given(st.lists(st.tuples(WAYS, HOURS), max_size=80), HOURS, HOURS, st.randoms())
def test_a_path_is_what_a_plain_reading_gives(
    told: list[tuple[Way, int]], begun: int, until: int, dice: random.Random
) -> None:
    arrivals = [came(way, hours, contact_id(str(n))) for n, (way, hours) in enumerate(told)]
    opener = came(VK, begun, OPENER)
    mixed = [*arrivals, opener]
    dice.shuffle(mixed)
    path = Arrivals(mixed).path(OPENER, opener.at, came(VK, until).at)
    last = max(begun, until)
    inside = [
        one
        for one in sorted([*arrivals, opener], key=lambda one: (one.at, str(one.contact)))
        if opener.at - LOOKS_BACK <= one.at <= came(VK, last).at
    ]
    plain: list[list[Arrival]] = []
    for one in inside:
        if plain and plain[-1][0].way == one.way:
            plain[-1].append(one)
        else:
            plain.append([one])
    mine = next(n for n, run in enumerate(plain) if opener in run)
    if len(plain) <= MOST_TOUCHES:
        assert path == Path(tuple(run[0] for run in plain), mine)
    assert len(path.touches) + path.left_out == len(plain)
    assert path.opener is not None
    assert path.touches[path.opener].way == VK
