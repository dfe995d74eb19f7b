"""Made-up people who add up to published figures: no row of anybody's data is needed or shipped."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.catalogue import Example

__all__ = ["gifts", "made_up"]


def made_up(found: Example, *, seed: int) -> tuple[str, str]:
    """An example as people: as many of each kind as were counted, amounts as published.

    Which of them gave what is drawn; that as many of each arm and kind gave, and how much came in
    with what spread, is as published.

    Args:
        found: An example with people.
        seed: Seed of the draw; the same seed gives the same people.

    Returns:
        Text of the list (``donor_id``, traits, ``version``: the arm) and of the results
        (``donor_id``, the metric, the amount).
    """
    draw = np.random.default_rng(seed)
    amounts = {}
    for arm, (units, givers) in found.counts.items():
        if arm in found.amounts:
            told = found.amounts[arm]
            given = gifts(
                units=units, givers=givers, mean=told.mean, standard_error=told.standard_error
            )
            amounts[arm] = iter(draw.permutation(given).tolist())
    listed, results = io.StringIO(), io.StringIO()
    people, did = csv.writer(listed, lineterminator="\n"), csv.writer(results, lineterminator="\n")
    traits = list(found.people[0].traits)
    people.writerow(["donor_id", *traits, "version"])
    did.writerow(["donor_id", found.metric, *([found.amount] if amounts else [])])
    number = 0
    for group in found.people:
        for place in range(group.units):
            number += 1
            gave = place < group.outcomes
            people.writerow([f"D{number:06d}", *group.traits.values(), group.arm])
            money = f"{next(amounts[group.arm]):.2f}" if amounts and gave else "0"
            did.writerow([f"D{number:06d}", int(gave), *([money] if amounts else [])])
    return listed.getvalue(), results.getvalue()


def gifts(*, units: int, givers: int, mean: float, standard_error: float) -> NDArray[np.float64]:
    """Gifts of a log-normal shape, with a given mean per unit and a given standard error of it.

    Args:
        units: Everybody, also those who gave nothing.
        givers: Those who gave, at least 2.
        mean: Mean per unit, above 0.
        standard_error: Of that mean, above 0.

    Returns:
        Shape ``(givers,)``, ascending, all above 0; not rounded.

    Raises:
        InputError: Gifts of one size would spread the mean more than that already.

    Examples:
        >>> found = gifts(units=1000, givers=20, mean=1.0, standard_error=0.3)
        >>> round(float(found.sum()), 6), bool(found.min() > 0)
        (1000.0, True)
    """
    from scipy.special import ndtri

    gift = mean * units / givers
    square = (standard_error**2 * (units - 1) + mean**2) * units / givers
    wanted = square / gift**2 - 1
    if wanted <= 0:
        raise InputError(
            "gifts of one size have a larger standard error", field="standard_error",
            value=standard_error,
        )  # fmt: skip
    z = ndtri((np.arange(givers) + 0.5) / givers)

    def shape(sigma: float) -> NDArray[np.float64]:
        made: NDArray[np.float64] = np.exp(sigma * z)
        return np.asarray(made / made.mean(), dtype=np.float64)

    low, high = 0.0, 10.0
    while high - low > 1e-12:  # the spread grows with sigma: halve until it is as wanted
        middle = (low + high) / 2
        low, high = (middle, high) if shape(middle).var() < wanted else (low, middle)
    found: NDArray[np.float64] = gift * shape(high)
    if not math.isclose(found.var() / gift**2, wanted, rel_tol=1e-6):
        raise InputError(
            f"{givers} gifts cannot have that standard error", field="standard_error",
            value=standard_error,
        )  # fmt: skip
    return found
