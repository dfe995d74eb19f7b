"""Effects of a few groups, drawn towards each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.stats.partial_pooling import partially_pooled

# Rubin (1981), Journal of Educational Statistics 6, 377-401, table 1
SCHOOLS = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]
SCHOOL_SE = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]
effects = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.2, 2)), min_size=2, max_size=6)


def test_the_posterior_is_what_sampling_it_gives() -> None:
    # Independent route: draw tau from its marginal on a fine grid of another variable (log tau),
    # then mean and effects from their normals.
    y, s = np.array(SCHOOLS), np.array(SCHOOL_SE)
    v0 = 1 / np.mean(1 / s**2)
    log_tau = np.linspace(-6, 8, 20_001)
    tau2 = np.exp(2 * log_tau)
    prior = v0 / (v0 + tau2) ** 2 * tau2  # |dB / d log tau| / 2
    w = 1 / (s**2 + tau2[:, None])
    mu = (w * y).sum(1) / w.sum(1)
    log_like = 0.5 * (np.log(w).sum(1) - np.log(w.sum(1)) - (w * (y - mu[:, None]) ** 2).sum(1))
    chance = prior * np.exp(log_like - log_like.max())
    rng = np.random.default_rng(1)
    drawn = rng.choice(tau2.size, size=200_000, p=chance / chance.sum())
    mean = mu[drawn] + rng.standard_normal(drawn.size) / np.sqrt(w[drawn].sum(1))
    kept = tau2[drawn, None] / (tau2[drawn, None] + s**2)
    true = kept * y + (1 - kept) * mean[:, None]
    true += np.sqrt(kept) * s * rng.standard_normal(true.shape)
    found = partially_pooled(SCHOOLS, SCHOOL_SE)
    error = 5 * true.std(0) / math.sqrt(drawn.size)
    assert np.all(np.abs([g.effect for g in found.groups] - true.mean(0)) < error)
    low, high = np.quantile(true, [0.025, 0.975], axis=0)
    # a 2.5 % quantile is known to 1 / density: below 1.5 % of the spread at this size
    assert [g.low for g in found.groups] == pytest.approx(low, abs=0.25)
    assert [g.high for g in found.groups] == pytest.approx(high, abs=0.25)
    assert found.mean == pytest.approx(mean.mean(), abs=5 * mean.std() / math.sqrt(drawn.size))
    assert found.tau == pytest.approx(np.median(np.sqrt(tau2[drawn])), rel=0.02)


@given(effects, st.floats(-50, 50), st.sampled_from([-2.0, 0.001, 1000.0]))
@settings(max_examples=30, deadline=None)
def test_another_unit_or_zero_point_changes_nothing_else(
    pairs: list[tuple[float, float]], shift: float, scale: float
) -> None:
    y, s = [p[0] for p in pairs], [p[1] for p in pairs]
    plain = partially_pooled(y, s)
    moved = partially_pooled([scale * (x + shift) for x in y], [abs(scale) * x for x in s])
    for a, b in zip(plain.groups, moved.groups, strict=True):
        ends = sorted(scale * (x + shift) for x in (a.low, a.high))
        unit = abs(scale)
        assert b.effect == pytest.approx(scale * (a.effect + shift), abs=1e-7 * unit)
        assert [b.low, b.high] == pytest.approx(ends, abs=1e-6 * unit)
        assert b.pooled_share == pytest.approx(a.pooled_share, abs=1e-9)


@given(effects)
@settings(max_examples=30, deadline=None)
def test_every_effect_lies_between_its_own_and_the_range_of_the_others(
    pairs: list[tuple[float, float]],
) -> None:
    y, s = [p[0] for p in pairs], [p[1] for p in pairs]
    found = partially_pooled(y, s)
    for group in found.groups:
        assert min(y) - 1e-9 <= group.effect <= max(y) + 1e-9
        assert 0 < group.pooled_share < 1
        assert group.low < group.effect < group.high
    assert found.tau_low < found.tau < found.tau_high


def test_alike_groups_borrow_and_unlike_groups_keep_their_own() -> None:
    alike = partially_pooled([0.10, 0.11, 0.09, 0.10], [0.1] * 4)
    unlike = partially_pooled([-5.0, 0.0, 5.0, 10.0], [0.1] * 4)
    assert all(group.pooled_share > 0.6 for group in alike.groups)
    assert all(group.high - group.low < 0.3 for group in alike.groups)  # alone: 0.39
    assert all(group.pooled_share < 0.001 for group in unlike.groups)
    assert unlike.groups[0].effect == pytest.approx(-5, abs=0.01)


def test_the_less_a_group_knows_the_more_it_borrows() -> None:
    groups = partially_pooled([0.3, 0.1, 0.2], [0.05, 0.1, 0.4]).groups
    assert groups[0].pooled_share < groups[1].pooled_share < groups[2].pooled_share


def test_a_group_without_data_gets_what_the_others_predict() -> None:
    with_it = partially_pooled([0.3, 0.1, None], [0.1, 0.1, None])
    without = partially_pooled([0.3, 0.1], [0.1, 0.1])
    assert with_it.groups[:2] == without.groups
    blank = with_it.groups[2]
    assert blank.observed is None
    assert blank.pooled_share == pytest.approx(1)
    assert blank.effect == pytest.approx(without.mean)
    assert blank.low < without.mean_low < without.mean_high < blank.high


@pytest.mark.parametrize(
    ("y", "s", "message"),
    [
        ([0.1], [0.1], "two groups"),
        ([0.1, None], [0.1, None], "two groups"),
        ([0.1, 0.2], [0.1], "se has 1"),
        ([0.1, None], [0.1, 0.1], "both be None"),
        ([0.1, 0.2], [0.1, 0.0], "above 0"),
        ([0.1, math.nan], [0.1, 0.1], "finite"),
    ],
)
def test_refusals_name_the_entry(y: list[float], s: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        partially_pooled(y, s)
