"""Laws of multiplicity: orderings between procedures, and closed testing by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from testkit.stats.gatekeeping import Gatekeeper
from testkit.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    combine_average,
    combine_product,
    dunnett_critical,
    dunnett_p,
    e_benjamini_hochberg,
    hochberg,
    holm,
    hommel,
)

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=7)
log_es = st.lists(st.floats(-30, 30), min_size=1, max_size=8)


@given(p_lists)
def test_each_procedure_is_at_least_as_powerful_as_the_one_before(p):
    for weaker, stronger in itertools.pairwise(
        [bonferroni(p), holm(p), hochberg(p), hommel(p), benjamini_hochberg(p), tuple(p)]
    ):
        assert all(b <= a + 1e-12 for a, b in zip(weaker, stronger, strict=True))


@given(p_lists)
def test_false_discovery_adjustments_equal_scipys(p):
    assert benjamini_hochberg(p) == pytest.approx(tuple(false_discovery_control(p, method="bh")))
    assert benjamini_yekutieli(p) == pytest.approx(tuple(false_discovery_control(p, method="by")))


def closed(p, intersection):
    """Adjusted p-values by the closure principle: the largest p of any set that holds i."""
    m = len(p)
    adjusted = np.zeros(m)
    for size in range(1, m + 1):
        for members in itertools.combinations(range(m), size):
            value = min(1.0, intersection(sorted(p[i] for i in members)))
            for i in members:
                adjusted[i] = max(adjusted[i], value)
    return tuple(adjusted)


@given(p_lists)
def test_holm_is_the_closure_of_bonferroni(p):
    assert holm(p) == pytest.approx(closed(p, lambda q: len(q) * q[0]), abs=1e-12)


@given(p_lists)
def test_hommel_is_the_closure_of_simes(p):
    simes = closed(p, lambda q: min(len(q) * x / rank for rank, x in enumerate(q, start=1)))
    assert hommel(p) == pytest.approx(simes, abs=1e-12)


@given(p_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_tests_does_not_matter(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for procedure in (bonferroni, holm, hochberg, hommel, benjamini_hochberg):
        plain = procedure(p)
        shuffled = procedure([p[i] for i in order])
        assert shuffled == pytest.approx(tuple(plain[i] for i in order), abs=1e-15)


@given(p_lists)
def test_holms_graph_is_holm(p):
    graph = Gatekeeper.holm(len(p))
    # Edges are divided and summed along the way; rounding stays far below any use of p.
    assert graph.test(p, alpha=0.05).adjusted == pytest.approx(holm(p), rel=1e-9, abs=1e-12)


@given(p_lists)
def test_a_fixed_sequence_adjusts_by_the_running_maximum(p):
    graph = Gatekeeper.fixed_sequence(len(p))
    assert graph.test(p, alpha=0.05).adjusted == pytest.approx(
        tuple(np.maximum.accumulate(p)), abs=1e-12
    )


@st.composite
def graphs(draw):
    m = draw(st.integers(2, 4))
    raw = draw(st.lists(st.integers(0, 5), min_size=m, max_size=m).filter(any))
    rows = []
    for i in range(m):
        row = [0 if i == j else draw(st.integers(0, 4)) for j in range(m)]
        total = sum(row) + draw(st.integers(0, 3))
        rows.append(tuple(x / total if total else 0.0 for x in row))
    return Gatekeeper(weights=tuple(x / sum(raw) for x in raw), transfer=tuple(rows))


def weights_of(graph, members):
    """Weights of an intersection by absorption: error outside walks until it meets a member."""
    m = len(graph.weights)
    outside = [j for j in range(m) if j not in members]
    transfer, start = np.array(graph.transfer), np.array(graph.weights)
    if not outside:
        return dict(zip(members, start[list(members)], strict=True))
    inner = np.eye(len(outside)) - transfer[np.ix_(outside, outside)]
    assume(np.linalg.cond(inner) < 1e8)
    reach = np.linalg.solve(inner, transfer[np.ix_(outside, list(members))])
    return dict(zip(members, start[list(members)] + start[outside] @ reach, strict=True))


@settings(max_examples=60)
@given(graphs(), st.data())
def test_a_graph_is_the_closure_of_its_weighted_bonferroni_tests(graph, data):
    m = len(graph.weights)
    p = data.draw(st.lists(st.floats(0.0001, 1), min_size=m, max_size=m))
    adjusted = np.zeros(m)
    for size in range(1, m + 1):
        for members in itertools.combinations(range(m), size):
            weights = weights_of(graph, members)
            value = min(
                [p[i] / weights[i] if weights[i] > 1e-12 else np.inf for i in members] + [1.0]
            )
            for i in members:
                adjusted[i] = max(adjusted[i], value)
    assert graph.test(p, alpha=0.05).adjusted == pytest.approx(tuple(adjusted), rel=1e-6)


@given(st.integers(1, 4), st.integers(0, 3), st.data())
def test_no_secondary_is_proved_before_every_primary(primary, secondary, data):
    size = primary + secondary
    p = data.draw(st.lists(st.floats(1e-4, 1), min_size=size, max_size=size))
    result = Gatekeeper.in_order(primary=primary, secondary=secondary).test(p, alpha=0.05)
    # Up to the error of a millionth that opens the gate.
    if any(i >= primary for i in result.rejected):
        assert all(result.adjusted[i] <= 0.05 for i in range(primary))
    assert result.adjusted[:primary] == pytest.approx(holm(p[:primary]), rel=1e-5)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=10), st.floats(0.001, 0.5))
def test_e_bh_is_bh_on_inverse_e_values(e, alpha):
    """Wang & Ramdas: e-BH is BH applied to 1 / e, whatever the dependence."""
    p = [min(1.0, 1 / x) if x > 0 else 1.0 for x in e]
    m = len(p)
    ranked = sorted(p)
    assume(all(abs(x * m / (k * alpha) - 1) > 1e-9 for k, x in enumerate(ranked, start=1)))
    adjusted = benjamini_hochberg(p)
    assert e_benjamini_hochberg(e, alpha=alpha) == tuple(
        i for i in range(m) if adjusted[i] <= alpha
    )


@given(log_es)
def test_the_average_lies_between_the_extremes_and_one_e_value_is_itself(log_e):
    combined = combine_average(log_e)
    assert min(log_e) - 1e-9 <= combined <= max(log_e) + 1e-9
    assert combine_average(log_e[:1]) == pytest.approx(log_e[0])
    assert combine_product(log_e[:1]) == log_e[0]


@settings(max_examples=25)
@given(st.integers(1, 6), st.floats(0.005, 0.3), st.sampled_from([1, 2]))
def test_dunnett_lies_between_one_test_and_bonferroni(m, alpha, sides):
    critical = dunnett_critical(treatments=m, alpha=alpha, sides=sides)
    one = dunnett_critical(treatments=1, alpha=alpha, sides=sides)
    split = dunnett_critical(treatments=1, alpha=alpha / m, sides=sides)
    assert one - 1e-12 <= critical <= split + 1e-12
    assert dunnett_p([critical, *[0.0] * (m - 1)], sides=sides)[0] == pytest.approx(alpha)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([0.01, 0.2, 1.0, 5.0, 99.0]), min_size=1, max_size=3),
    st.floats(0.01, 0.2),
    st.sampled_from([1, 2]),
)
def test_dunnett_with_unequal_arms_keeps_the_error_by_another_integrator(ratios, alpha, sides):
    critical = dunnett_critical(treatments=len(ratios), alpha=alpha, sides=sides, allocation=ratios)
    loads = np.sqrt(np.array(ratios) / (1 + np.array(ratios)))
    spread = np.sqrt(1 - loads**2)

    def stay(u):
        inside = ndtr((critical - loads * u) / spread)
        if sides == 2:
            inside = inside - ndtr((-critical - loads * u) / spread)
        return np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * np.prod(inside)

    turns = sorted({*np.clip([*(critical / loads), *(-critical / loads)], -8, 8), 0.0})
    reached, _ = quad(stay, -9, 9, points=turns, limit=500, epsabs=1e-11)
    assert 1 - reached == pytest.approx(alpha, abs=1e-8)
