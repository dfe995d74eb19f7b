"""What a list can learn."""

from __future__ import annotations

import pytest

from testkit.errors import InputError
from testkit.stats.power import power_rates
from testkit.stats.reach import list_reach
from testkit.stats.roll import plan_roll


def test_the_limits_are_those_of_the_parts() -> None:
    reach = list_reach(list_size=20_001, rate=0.02, spread=0.004)
    assert reach.n_per_arm == 10_000
    assert reach.rise is not None
    assert reach.fall is not None
    for change in (reach.rise, -reach.fall):
        found = power_rates(n_control=10_000, control=0.02, treatment=0.02 + change)
        assert found == pytest.approx(0.8)
    assert reach.lift == pytest.approx(reach.rise / 0.02)
    assert reach.margin is not None
    harm = power_rates(
        n_control=10_000, control=0.02, treatment=0.02, null=reach.margin, sides=1, alpha=0.025
    )
    assert harm == pytest.approx(0.8)
    assert reach.roll == plan_roll(list_size=20_001, sd=(0.02 * 0.98) ** 0.5, spread=0.004)
    assert reach.conversions_per_arm == 200


def test_a_tiny_list_learns_nothing_and_says_so() -> None:
    reach = list_reach(list_size=40, rate=0.01)
    assert reach.fall is None
    assert reach.roll is None


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("list_size", {"list_size": 3}),
        ("control", {"rate": 0.0}),
        ("spread", {"spread": 0.0}),
        ("inflation", {"inflation": 0.5}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        list_reach(**{"list_size": 1000, "rate": 0.1, **change})
    assert caught.value.field == field
