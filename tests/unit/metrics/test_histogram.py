"""Histograms: one per cent off at most, and exact to add and to take away."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain import histogram
from otklik_metrics.domain.histogram import (
    BOUNDS,
    BUCKETS,
    LONGEST_MS,
    MIDDLES,
    bucket_of,
    buckets_of,
    compact,
    decode,
    densify,
    encode,
    quantile,
)

spans = st.integers(0, LONGEST_MS)
shares = st.fractions(0, 1).filter(lambda share: share > 0)
counts = st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(-(2**33), 2**33), max_size=20)


def counted(values: list[int]) -> bytes:
    return encode(Counter(map(bucket_of, values)))


@given(spans)
def test_a_bucket_answers_within_one_per_cent(span: int) -> None:
    assert abs(MIDDLES[bucket_of(span)] - span) <= Fraction(span, 100)


@given(st.integers(1, BUCKETS - 1))
def test_the_borders_of_a_bucket_answer_within_one_per_cent(bucket: int) -> None:
    low, high = BOUNDS[bucket - 1] + 1, BOUNDS[bucket]
    for border in {low, high} if low <= high else set():
        assert bucket_of(border) == bucket
        assert abs(MIDDLES[bucket] - border) <= Fraction(border, 100)


def test_nothing_and_short_spans_are_exact() -> None:
    for span in range(50):
        assert MIDDLES[bucket_of(span)] == span


def test_borders_only_grow() -> None:
    assert all(low <= high for low, high in pairwise(BOUNDS))
    assert BOUNDS[-1] >= LONGEST_MS
    assert BUCKETS <= 2**16


def test_longer_than_the_longest_counts_as_the_longest() -> None:
    assert bucket_of(LONGEST_MS * 5) == bucket_of(LONGEST_MS)


def test_a_negative_span_is_refused() -> None:
    with pytest.raises(ValueError, match="a span of -1 ms is negative"):
        bucket_of(-1)


@given(st.lists(spans, min_size=1), shares)
def test_a_quantile_is_the_nearest_rank_within_one_per_cent(
    values: list[int], share: Fraction
) -> None:
    n, bucket = quantile(counted(values), share)
    rank = -(-share.numerator * len(values) // share.denominator)
    true = sorted(values)[rank - 1]
    assert n == len(values)
    assert bucket is not None
    assert abs(MIDDLES[bucket] - true) <= Fraction(true, 100)


def test_what_was_taken_out_again_is_not_counted() -> None:
    left = encode({3: 5, 7: 1}) + encode({3: -5})
    assert quantile(left, Fraction(1, 100)) == (1, 7)


def test_a_quantile_of_nothing_is_nothing() -> None:
    taken_out_again = encode({7: 2}) + encode({7: -2})
    for nothing in (b"", taken_out_again):
        assert quantile(nothing, Fraction(1, 2)) == (0, None)


@given(st.lists(spans, min_size=1, max_size=20), st.lists(spans, max_size=20), shares)
def test_a_quantile_of_several_is_that_of_the_merged(
    values: list[int], others: list[int], share: Fraction
) -> None:
    written_behind = counted(values) + counted(others)
    assert quantile(written_behind, share) == quantile(counted(values + others), share)


@pytest.mark.parametrize("share", [Fraction(0), Fraction(-1, 2), Fraction(3, 2)])
def test_a_share_outside_0_to_1_is_refused(share: Fraction) -> None:
    with pytest.raises(ValueError, match="is outside 0 to 1"):
        quantile(b"", share)


@given(counts)
def test_what_was_encoded_is_decoded(n: dict[int, int]) -> None:
    assert decode(encode(n)) == {bucket: count for bucket, count in sorted(n.items()) if count}


@given(counts, counts, counts)
def test_merging_is_writing_behind_in_any_order_and_grouping(
    a: dict[int, int], b: dict[int, int], c: dict[int, int]
) -> None:
    x, y, z = encode(a), encode(b), encode(c)
    assert decode(x + y) == decode(y + x)
    assert decode(compact(x + y) + z) == decode(x + compact(y + z)) == decode(x + y + z)


@given(counts, counts)
def test_what_was_added_can_be_taken_away_exactly(a: dict[int, int], b: dict[int, int]) -> None:
    taken = encode({bucket: -n for bucket, n in b.items()})
    assert decode(encode(a) + encode(b) + taken) == decode(encode(a))


@given(counts)
def test_a_compact_histogram_says_the_same_in_as_few_bytes_as_it_has_buckets(
    n: dict[int, int],
) -> None:
    twice = compact(encode(n) * 2)
    assert decode(twice) == {bucket: 2 * count for bucket, count in decode(encode(n)).items()}
    if all(abs(count) < 2**30 for count in n.values()):
        assert len(twice) == histogram.PAIR_BYTES * len(decode(encode(n)))


@given(st.lists(spans, max_size=30))
def test_many_are_put_into_the_buckets_of_each(values: list[int]) -> None:
    assert buckets_of(values) == [bucket_of(value) for value in values]


def test_many_with_a_negative_one_are_refused() -> None:
    with pytest.raises(ValueError, match="a span of -3 ms is negative"):
        buckets_of([5, -3])


def test_a_dense_histogram_has_a_place_for_every_bucket() -> None:
    dense = densify(encode({0: 2, BUCKETS - 1: 1}))
    assert dense.dtype == np.int64
    assert (dense[0], dense[-1], int(dense.sum())) == (2, 1, 3)
