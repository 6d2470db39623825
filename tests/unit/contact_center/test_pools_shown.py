"""Which pools of numbers Prometheus is shown."""

from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.tracking.pools_shown import (
    MOST_POOLS_SHOWN,
    OTHER,
    PoolShown,
    shown,
)

few = st.integers(0, 9)


def a_pool(company: str = "c", pool: str = "p", *, lost: int = 0, missing: int = 0) -> PoolShown:
    return PoolShown(company, "site", pool, 1, 0, 0, 10, lost, 1 + missing, missing)


@st.composite
def pools(draw: st.DrawFn) -> list[PoolShown]:
    """Up to 45 pools of a few companies, one of which is called as the others are."""
    places = st.tuples(st.sampled_from(["a", "b", OTHER, "_x"]), st.just("s"), st.integers(0, 20))
    found = draw(st.lists(places, unique=True, max_size=45))
    return [
        PoolShown(
            company,
            site,
            f"p{number}",
            held=draw(few),
            resting=draw(few),
            free=draw(few),
            given=draw(few),
            lost=draw(few),
            advised=draw(st.none() | few),
            missing=draw(few),
        )
        for company, site, number in found
    ]


@given(pools())
def test_nothing_is_lost_or_counted_twice_and_no_label_is(all_: list[PoolShown]) -> None:
    seen = shown(all_)
    for name in ("held", "resting", "free", "given", "lost", "missing"):
        assert sum(getattr(one, name) for one in seen) == sum(getattr(one, name) for one in all_)
    assert len(seen) == min(len(all_), MOST_POOLS_SHOWN + 1)
    assert len({one[:3] for one in seen}) == len(seen)


@given(pools().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_who_has_labels_of_its_own_depends_on_no_order(
    drawn: tuple[list[PoolShown], list[PoolShown]],
) -> None:
    one, another = drawn
    assert shown(one) == shown(another)


@given(pools())
def test_none_of_the_others_has_lost_more_than_one_with_labels(all_: list[PoolShown]) -> None:
    own = shown(all_)[:MOST_POOLS_SHOWN]
    least = min((one.lost for one in own), default=0)
    most = sorted((one.lost for one in all_), reverse=True)[MOST_POOLS_SHOWN:]
    assert all(lost <= least for lost in most)


def test_a_pool_with_too_many_numbers_hides_none_that_has_too_few() -> None:
    many = [a_pool(pool=f"p{n:02}", lost=5) for n in range(MOST_POOLS_SHOWN)]
    short, rich = a_pool(pool="short", missing=7), a_pool(pool="rich")._replace(free=50)
    *_, others = shown([*many, short, rich])
    assert (others.company, others.missing, others.numbers) == (OTHER, 7, 52)


def test_a_company_that_is_called_as_the_others_are_is_not_one_of_them() -> None:
    theirs = PoolShown(OTHER, OTHER, OTHER, 1, 0, 0, 10, lost=9, advised=1, missing=0)
    alike = theirs._replace(company=f"_{OTHER}")
    rest = [a_pool(pool=f"p{n:02}") for n in range(MOST_POOLS_SHOWN)]
    seen = [one[:3] for one in shown([theirs, alike, *rest])]
    assert len(set(seen)) == len(seen) == MOST_POOLS_SHOWN + 1
