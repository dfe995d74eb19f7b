"""Laws of e-processes and sequences, by exact enumeration where the space is small.

An e-process must have mean at most 1 under the null at every stopping time, cross ``1 / alpha``
with probability at most alpha, and agree with the interval made from it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln

from testkit.stats.betting import betting_mean
from testkit.stats.confseq import (
    asymptotic_critical,
    asymptotic_p,
    best_g,
    planned_precision,
    regression_critical,
    regression_log_e,
)
from testkit.stats.eprocess import (
    Evidence,
    arm_of_conversion,
    arm_of_conversion_interval,
    concentration_for,
    safe_z,
    two_point,
)
from testkit.stats.mixtures import (
    BetaBinomialMixture,
    GammaMixture,
    NormalMixture,
    boundary,
    rate_interval,
)
from testkit.stats.safe2x2 import BlockPrior, Restriction, safe_blocks

shares = st.floats(0.05, 0.95)
concentrations = st.floats(0.1, 500)
risk_ratios = st.floats(0.3, 3.0).filter(lambda rr: abs(rr - 1) > 0.01)
counts = st.integers(0, 60)
rates = st.floats(0.001, 0.999)


def log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def binomial(n: int, k: int, p: float) -> float:
    return math.exp(log_choose(n, k) + k * math.log(p) + (n - k) * math.log1p(-p))


def hypergeometric(total: int, good: int, drawn: int, k: int) -> float:
    if k > good or drawn - k > total - good:
        return 0.0
    return math.exp(
        log_choose(good, k) + log_choose(total - good, drawn - k) - log_choose(total, drawn)
    )


@settings(max_examples=40)
@given(shares, concentrations, st.integers(1, 40))
def test_arm_of_conversion_has_mean_one_after_any_number_of_conversions(share, k, n):
    mean = sum(
        binomial(n, b, share)
        * math.exp(
            arm_of_conversion(control=n - b, treatment=b, share=share, concentration=k).log_e[0]
        )
        for b in range(n + 1)
    )
    assert mean == pytest.approx(1, rel=1e-9)


@settings(max_examples=40)
@given(shares, risk_ratios, st.floats(0, 1), st.integers(1, 40))
def test_two_point_has_mean_one_after_any_number_of_conversions(share, rr, weight, n):
    mean = sum(
        binomial(n, b, share)
        * math.exp(
            two_point(
                control=n - b, treatment=b, share=share, risk_ratio=rr, weight_up=weight
            ).log_e[0]
        )
        for b in range(n + 1)
    )
    assert mean == pytest.approx(1, rel=1e-9)


@settings(max_examples=20)
@given(shares, shares, risk_ratios, st.integers(1, 6), st.integers(1, 6))
def test_two_point_keeps_mean_one_when_the_share_changes_between_waves(one, two, rr, n1, n2):
    mean = sum(
        binomial(n1, b1, one)
        * binomial(n2, b2, two)
        * math.exp(
            two_point(
                control=[n1 - b1, n1 + n2 - b1 - b2],
                treatment=[b1, b1 + b2],
                share=[one, two],
                risk_ratio=rr,
            ).log_e[1]
        )
        for b1, b2 in itertools.product(range(n1 + 1), range(n2 + 1))
    )
    assert mean == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("make", ["mixture", "two points"])
def test_looking_after_every_conversion_crosses_with_probability_at_most_alpha(share, make):
    """Exact, by a walk over (conversions, those in treatment), absorbed at E >= 1 / alpha."""
    alpha, last = 0.05, 200
    alive = np.array([1.0])
    crossed = 0.0
    stopped_mean = 0.0
    for n in range(1, last + 1):
        alive = np.append(alive, 0.0) * (1 - share) + np.insert(alive, 0, 0.0) * share
        b = np.arange(n + 1)
        log_e = np.array([_state(make, n - int(x), int(x), share) for x in b[alive > 0]])
        out = np.zeros(n + 1, dtype=bool)
        out[alive > 0] = log_e >= -math.log(alpha)
        stopped_mean += float(alive[out] @ np.exp(log_e[out[alive > 0]]))
        crossed += float(alive[out].sum())
        alive = np.where(out, 0.0, alive)
    rest = np.array([_state(make, last - int(x), int(x), share) for x in np.flatnonzero(alive)])
    stopped_mean += float(alive[alive > 0] @ np.exp(rest))
    assert crossed <= alpha
    # Far from empty: the bound of Ville is used to a good part.
    assert crossed >= 0.1 * alpha
    # Optional stopping at a bounded time loses nothing: the mean at the stop is still 1.
    assert stopped_mean == pytest.approx(1, rel=1e-8)


def _state(make: str, a: int, b: int, share: float) -> float:
    if make == "mixture":
        return arm_of_conversion(control=a, treatment=b, share=share, concentration=20).log_e[0]
    return two_point(control=a, treatment=b, share=share, risk_ratio=1.5).log_e[0]


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 8), concentrations, risk_ratios)
def test_exact_arm_sizes_make_the_arm_of_conversion_conservative_at_wave_ends(
    n_a, n_b, conversions, k, rr
):
    """Given the wave's conversions their arm is hypergeometric, less spread than binomial."""
    assume(conversions <= n_a + n_b)
    share = n_b / (n_a + n_b)
    for process in (
        lambda a, b: arm_of_conversion(control=a, treatment=b, share=share, concentration=k),
        lambda a, b: two_point(control=a, treatment=b, share=share, risk_ratio=rr),
    ):
        mean = sum(
            weight * math.exp(process(conversions - b, b).log_e[0])
            for b in range(conversions + 1)
            if (weight := hypergeometric(n_a + n_b, n_b, conversions, b)) > 0
        )
        assert mean <= 1 + 1e-9


@settings(max_examples=40)
@given(
    rates,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    st.tuples(*[st.floats(0.05, 20)] * 4),
    st.sampled_from([None, ("difference", 0.2), ("difference", -0.3), ("log_odds", 0.8)]),
)
def test_a_block_has_mean_at_most_one_for_every_common_rate_and_any_past(
    p, sizes, past, prior, restriction
):
    n_a, n_b = sizes
    start = BlockPrior(control=prior[:2], treatment=prior[2:])
    bet = None if restriction is None else Restriction(scale=restriction[0], delta=restriction[1])
    mean = 0.0
    for ya, yb in itertools.product(range(n_a + 1), range(n_b + 1)):
        log_e = safe_blocks(
            control=[past[0], ya],
            treatment=[past[1], yb],
            n_control=[5, n_a],
            n_treatment=[5, n_b],
            prior=start,
            restriction=bet,
        ).log_e
        mean += binomial(n_a, ya, p) * binomial(n_b, yb, p) * math.exp(log_e[1] - log_e[0])
    assert mean <= 1 + 1e-9


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_strata_multiply_and_do_not_learn_from_one_another(blocks):
    def evidence(rows):
        return safe_blocks(
            control=[row[1] for row in rows],
            treatment=[row[2] for row in rows],
            n_control=10,
            n_treatment=10,
            strata=[row[0] for row in rows],
        ).log_e[-1]

    apart = sum(
        evidence([row for row in blocks if row[0] == stratum])
        for stratum in {row[0] for row in blocks}
    )
    assert evidence(blocks) == pytest.approx(apart, abs=1e-9)


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 0.5))
def test_safe_z_has_mean_one_under_the_standard_normal(n_a, n_b, effect):
    assume(math.sqrt(n_a * n_b / (n_a + n_b)) * effect < 6)
    for alternative in ("two-sided", "greater"):
        mean, _ = quad(
            lambda z, side=alternative: (
                math.exp(
                    safe_z(z, n_control=n_a, n_treatment=n_b, effect_size=effect, alternative=side)
                    - z * z / 2
                )
                / math.sqrt(2 * math.pi)
            ),
            -20,
            20,
            points=[-6, 0, 6],
            limit=200,
        )
        assert mean == pytest.approx(1, rel=1e-7)


@given(counts, counts, shares, concentrations)
def test_swapping_the_arms_changes_nothing_but_names(a, b, share, k):
    there = arm_of_conversion(control=a, treatment=b, share=share, concentration=k)
    back = arm_of_conversion(control=b, treatment=a, share=1 - share, concentration=k)
    assert there.log_e[0] == pytest.approx(back.log_e[0], abs=1e-9)


@given(counts, counts, shares, concentrations, st.floats(0.001, 0.5))
def test_the_interval_leaves_out_one_exactly_when_the_process_rejects(a, b, share, k, alpha):
    log_e = arm_of_conversion(control=a, treatment=b, share=share, concentration=k).log_e[0]
    low, high = arm_of_conversion_interval(
        control=a, treatment=b, share=share, concentration=k, alpha=alpha
    )
    assume(abs(log_e + math.log(alpha)) > 1e-9)
    assert (log_e >= -math.log(alpha)) == (not low <= 1 <= high)


@given(counts, counts, shares, concentrations)
def test_the_interval_of_swapped_arms_is_the_reciprocal(a, b, share, k):
    low, high = arm_of_conversion_interval(control=a, treatment=b, share=share, concentration=k)
    back_low, back_high = arm_of_conversion_interval(
        control=b, treatment=a, share=1 - share, concentration=k
    )
    assert low * back_high == pytest.approx(1, rel=1e-8) or (low == 0 and back_high == math.inf)
    assert high * back_low == pytest.approx(1, rel=1e-8) or (high == math.inf and back_low == 0)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_running_p_values_never_rise_and_agree_with_the_crossing(log_e, alpha):
    path = Evidence(log_e=tuple(log_e))
    p = path.p_values
    assert all(later <= earlier for earlier, later in itertools.pairwise(p))
    assert all(0 < value <= 1 for value in p)
    assume(all(abs(value + math.log(alpha)) > 1e-9 for value in log_e))
    first = path.first_crossing(alpha=alpha)
    assert (first is not None) == (p[-1] <= alpha)
    if first is not None:
        assert log_e[first] >= -math.log(alpha)
        assert all(value < -math.log(alpha) for value in log_e[:first])


@given(st.floats(1.02, 3), shares)
def test_the_tuned_concentration_puts_the_effect_one_prior_deviation_away(rr, share):
    """k + 1 = 1 / (rho (1 - rho) log(RR)^2): the variance of Beta(k(1-rho), k rho) over
    (rho (1 - rho))^2, that is the variance of the logit to first order, is log(RR)^2."""
    assume(share * (1 - share) * math.log(rr) ** 2 < 0.99)
    k = concentration_for(risk_ratio=rr, share=share)
    beta_variance = share * (1 - share) / (k + 1)
    assert beta_variance / (share * (1 - share)) ** 2 == pytest.approx(math.log(rr) ** 2)


@given(st.floats(0.5, 500), st.floats(0.5, 500), st.sampled_from([1, 2]))
def test_normal_mixture_has_mean_one(rho, v, sides):
    mixture = NormalMixture(rho=rho, sides=sides)
    # Substitute s = w sqrt(v (v + rho) / rho), where the mixture times the density is widest.
    scale = math.sqrt(v * (v + rho) / rho)
    mean, _ = quad(
        lambda w: (
            scale
            * math.exp(mixture.log_value(s=scale * w, v=v) - (scale * w) ** 2 / (2 * v))
            / math.sqrt(2 * math.pi * v)
        ),
        -12,
        12,
        points=[0],
        limit=200,
    )
    assert mean == pytest.approx(1, rel=1e-7)


@given(st.floats(0.05, 0.95), st.floats(0.1, 50), st.integers(1, 40), st.sampled_from([1, 2]))
def test_beta_binomial_mixture_has_mean_one_for_a_coin(g, r, n, sides):
    h = 1 - g
    mixture = BetaBinomialMixture(r=r, g=g, h=h, sides=sides)
    # A step up h has probability g, a step down g has probability h; v is g h a step.
    mean = sum(
        binomial(n, k, g) * math.exp(mixture.log_value(s=h * k - g * (n - k), v=n * g * h))
        for k in range(n + 1)
    )
    assert mean == pytest.approx(1, rel=1e-8)


@given(st.floats(3, 50), st.integers(1, 10))
def test_gamma_poisson_mixture_has_mean_one_for_a_poisson_count(rho, v):
    mixture = GammaMixture(rho=rho, c=1.0, kind="poisson")
    mean = sum(
        math.exp(k * math.log(v) - v - gammaln(k + 1) + mixture.log_value(s=k - v, v=v))
        for k in range(300)
    )
    assert mean == pytest.approx(1, rel=1e-6)


@given(st.floats(1, 1e4), st.floats(0.001, 0.4), st.floats(1, 1e4))
def test_a_mixture_at_its_boundary_is_one_over_alpha(v, alpha, v_opt):
    for mixture in (
        NormalMixture.tuned(v_opt=v_opt, alpha=0.05),
        NormalMixture.tuned(v_opt=v_opt, alpha=0.05, sides=1),
        GammaMixture.tuned(v_opt=v_opt, alpha=0.05, c=0.5, kind="exponential"),
    ):
        s = boundary(mixture, v=v, alpha=alpha)
        assert mixture.log_value(s=s, v=v) == pytest.approx(-math.log(alpha), abs=1e-7)


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0.001, 0.3), st.floats(1, 1000))
def test_rate_interval_holds_the_rate_and_mirrors(n, fraction, alpha, n_opt):
    k = round(fraction * n)
    low, high = rate_interval(successes=k, n=n, alpha=alpha, n_opt=n_opt)
    assert 0 <= low <= k / n <= high <= 1
    other_low, other_high = rate_interval(successes=n - k, n=n, alpha=alpha, n_opt=n_opt)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-9)


@given(st.floats(10, 1e6), st.floats(1e-6, 1), st.floats(0.001, 0.4))
def test_asymptotic_p_inverts_the_critical_value(n, precision, alpha):
    z = asymptotic_critical(n=n, precision=precision, alpha=alpha)
    assert asymptotic_p(z, n=n, precision=precision) == pytest.approx(alpha, rel=1e-9)


@given(st.floats(10, 1e6), st.floats(0.001, 0.4), st.floats(0.5, 2).filter(lambda x: x != 1))
def test_planned_precision_gives_the_tightest_sequence_at_the_plan(n, alpha, off):
    best = planned_precision(n_planned=n, alpha=alpha)
    at_best = asymptotic_critical(n=n, precision=best, alpha=alpha)
    assert at_best <= asymptotic_critical(n=n, precision=best * off, alpha=alpha) * (1 + 1e-12)


@given(st.integers(1, 200), st.integers(1, 2000), st.floats(0.01, 500))
def test_regression_e_value_has_mean_one_under_t(df, n, g):
    # Against the t density the factor (1 + t^2/df)^((df+1)/2) cancels; substitute t = w / sqrt r.
    r = g / (g + n)
    log_c = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(df * math.pi)

    def integrand(w):
        t = w / math.sqrt(r)
        log_density = log_c - (df + 1) / 2 * math.log1p(t * t / df)
        return math.exp(regression_log_e(t, df=df, n=n, g=g) + log_density) / math.sqrt(r)

    mean = 2 * (quad(integrand, 0, 30, limit=200)[0] + quad(integrand, 30, math.inf, limit=200)[0])
    assert mean == pytest.approx(1, rel=1e-6)


@given(st.integers(30, 5000), st.integers(1, 10), st.floats(0.001, 0.2), st.floats(0.3, 3))
def test_best_g_is_no_worse_than_any_other(n, coefficients, alpha, off):
    g = best_g(n_planned=n, coefficients=coefficients, alpha=alpha)
    best = regression_critical(n=n, g=g, alpha=alpha, coefficients=coefficients)
    other = regression_critical(n=n, g=g * off, alpha=alpha, coefficients=coefficients)
    assert best <= other * (1 + 1e-12)


@given(st.integers(20, 2000), st.floats(0.01, 500), st.integers(1, 8), st.floats(0.001, 0.3))
def test_regression_evidence_at_the_critical_value_is_one_over_alpha(n, g, columns, alpha):
    critical = regression_critical(n=n, g=g, alpha=alpha, coefficients=columns)
    assume(math.isfinite(critical) and critical < 1e6)
    log_e = regression_log_e(critical, df=n - columns, n=n, g=g)
    assert log_e == pytest.approx(-math.log(alpha), abs=1e-6)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.3))
def test_betting_interval_mirrors_and_holds_the_mean(values, alpha):
    low, high = betting_mean(values, alpha=alpha)
    assert 0 <= low <= high <= 1
    assert low - 1e-9 <= np.mean(values) <= high + 1e-9
    other_low, other_high = betting_mean([1 - x for x in values], alpha=alpha)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-6)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.floats(-1000, 1000),
    st.floats(0.1, 1000),
)
def test_betting_interval_moves_with_the_scale(values, low, width):
    plain = betting_mean(values)
    moved = betting_mean(
        np.clip(low + width * np.array(values), low, low + width), low=low, high=low + width
    )
    assert [(x - low) / width for x in moved] == pytest.approx(plain, abs=1e-5)
