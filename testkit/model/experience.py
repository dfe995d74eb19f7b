"""What a team's past tests say of the next: how much versions differ, what comes again. Pure.

Too few tests, or tests that differ by no more than luck, teach no spread. Then it is None with the
reason, and the planner says which assumption stands for it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from testkit.kernel.numbers import counted
from testkit.model.past import read_past
from testkit.stats.past_effects import difference_after, log_odds_effects
from testkit.stats.shrink import FEWEST_FOR_PRIOR, fit_prior, shrink

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from testkit.model.past import PastTest
    from testkit.stats.shrink import Prior

__all__ = ["Experience", "experience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What past tests of one metric teach.

    Attributes:
        metric: The metric; empty where none was chosen.
        tests: Past tests that it rests on: those whose split looks even.
        left_out: Past tests whose split does not.
        sources: Files that they came from.
        base_rate: Share that did it, over the first arms; None without a test.
        spread: Standard deviation of the rates of versions around their test's level, at
            ``base_rate``; None where ``why_not`` says why.
        why_not: Why no spread is taken; empty when it is.
        prior: Of the effects, as log odds ratios around none, for what a repeat would show; None
            with fewer than five tests. Tests that differ by luck alone have one, a narrow one.
    """

    metric: str
    tests: int
    left_out: int
    sources: tuple[str, ...]
    base_rate: float | None
    spread: float | None
    why_not: str
    prior: Prior | None = None

    def spread_at(self, base_rate: float) -> float | None:
        """The spread at another base rate: it grows in proportion."""
        if self.spread is None or not self.base_rate:
            return None
        return self.spread * base_rate / self.base_rate

    def repeat(self, *, difference: float, base_rate: float, per_arm: int) -> float | None:
        """What a repeat would show on average, of a test that finds this difference.

        Args:
            difference: What the test shows, absolute.
            base_rate: Rate of its control.
            per_arm: Units in each of its two arms.
        """
        if self.prior is None or per_arm < 1:
            return None
        arm = min(per_arm, round((base_rate + difference) * per_arm))
        effects, errors = log_odds_effects(
            control=[round(base_rate * per_arm)],
            n_control=[per_arm],
            treatment=[arm],
            n_treatment=[per_arm],
        )
        (found,) = shrink(effects, errors, prior=self.prior)
        together = (round(base_rate * per_arm) + arm + 1) / (2 * per_arm + 2)
        return difference_after(found.effect, rate=together)

    def chance_of(self, difference: float, *, base_rate: float) -> float | None:
        """How often two versions truly differ by this much or more, either way."""
        spread = self.spread_at(base_rate)
        if spread is None:
            return None
        return math.erfc(difference / (2 * spread))  # the difference of two has sd sqrt(2) spread

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the prior stays out."""
        return {key: value for key, value in asdict(self).items() if key != "prior"}


def experience(
    tests: Sequence[tuple[PastTest, str]],
    *,
    metric: str | None = None,
    checked: Collection[PastTest] = (),
) -> Experience | None:
    """What past tests teach about the next test; None where there is none.

    Args:
        tests: Past tests, each with the file that it came from.
        metric: The metric that the next test is on; None takes the only one there is.
        checked: Tests whose split was held against their plan: an uneven one may be meant.
    """
    if not tests:
        return None
    known = list(dict.fromkeys(test.metric for test, _ in tests))
    wanted = [m for m in known if metric is None or m.casefold() == metric.casefold()]
    if len({name.casefold() for name in wanted}) != 1:
        listed = ", ".join(known)
        why = (
            f"the past tests are of {listed}: name one with --metric"
            if metric is None
            else f"no past test is of {metric}: they are of {listed}"
        )
        return _none(metric or "", why)
    # One metric, however its name was capitalised.
    mine = [(test, source) for test, source in tests if test.metric in wanted]
    (summary,) = read_past(
        [replace(test, metric=wanted[0]) for test, _ in mine],
        checked={replace(test, metric=wanted[0]) for test in checked if test.metric in wanted},
    )
    sound = [r for r in summary.readings if not r.suspicious]
    sources = dict.fromkeys(
        source for (_, source), r in zip(mine, summary.readings, strict=True) if not r.suspicious
    )
    why, prior = "", None
    if len(sound) < FEWEST_FOR_PRIOR:
        why = (
            f"{counted(len(sound), 'past test')} of {summary.metric} can be used, and fewer than"
            f" {FEWEST_FOR_PRIOR} say nothing about how much versions differ"
        )
    elif summary.spread is None:
        known_by = f"{counted(len(sound), 'past test')} of {summary.metric}"
        why = f"the versions in {known_by} differ no more than by luck"
    if len(sound) >= FEWEST_FOR_PRIOR:
        prior = _prior([r.test for r in sound])
    return Experience(
        metric=summary.metric,
        tests=len(sound),
        left_out=summary.suspicious,
        sources=tuple(sources),
        base_rate=_base_rate([r.test for r in sound]),
        spread=summary.spread,
        why_not=why,
        prior=prior,
    )


def _base_rate(tests: Sequence[PastTest]) -> float | None:
    units = sum(test.arms[0].units for test in tests)
    return sum(test.arms[0].outcomes for test in tests) / units if units else None


def _none(metric: str, why: str) -> Experience:
    return Experience(
        metric=metric, tests=0, left_out=0, sources=(), base_rate=None, spread=None, why_not=why
    )


def _prior(tests: Sequence[PastTest]) -> Prior:
    """How far arms truly are from their controls, around none.

    Around none, because which arm is called the control is a habit: a mean of a few tests would
    be noise that is added to every estimate, and draws some of them away from none.
    """
    pairs = [(test.arms[0], arm) for test in tests for arm in test.arms[1:]]
    effects, errors = log_odds_effects(
        control=[first.outcomes for first, _ in pairs],
        n_control=[first.units for first, _ in pairs],
        treatment=[arm.outcomes for _, arm in pairs],
        n_treatment=[arm.units for _, arm in pairs],
    )
    return fit_prior(effects, errors, mean=0.0)
