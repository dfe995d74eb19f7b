"""Which engine decides, and that it says why."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.engine_choice import choose_engine, recheck_engine


def asked(choice):
    return [reason.code for reason in choice.reasons if reason.exact]


@pytest.mark.parametrize(
    ("n_control", "n_arm", "rate", "codes"),
    [
        ([2500], [2500], 0.02, []),
        ([2499], [2500], 0.02, ["expected-count"]),
        ([2500, 5000], [2400, 5000], 0.02, ["expected-count"]),
        ([30000], [10000], 0.005, []),
        ([30005], [10000], 0.005, ["allocation"]),
        ([10000], [30005], 0.005, ["allocation"]),
        ([200000], [200000], 0.00499, ["rate"]),
        ([200000], [200000], 0.99502, ["rate"]),
        ([2500], [2500], 0.98, []),
        ([9000], [1000], 0.001, ["expected-count", "allocation", "rate"]),
        ([9000], [1000], 0.0, ["expected-count", "allocation", "rate"]),
    ],
)
def test_each_sign_alone_is_enough(n_control, n_arm, rate, codes) -> None:
    choice = choose_engine(n_control=n_control, n_arm=n_arm, pessimistic_rate=rate)
    assert asked(choice) == codes
    assert choice.engine == ("exact" if codes else "z")
    assert choice.sentence.startswith(choice.engine)
    assert len(choice.reasons) == 3


def test_reason_carries_value_and_limit() -> None:
    choice = choose_engine(n_control=[1000], n_arm=[1000], pessimistic_rate=0.02)
    reason = choice.reasons[0]
    assert (reason.value, reason.limit) == (20.0, 50)
    assert reason.sentence in choice.sentence


def test_recheck_goes_from_z_to_exact_only() -> None:
    z = choose_engine(n_control=[5000], n_arm=[5000], pessimistic_rate=0.02)
    rare = recheck_engine(z, n_control=[5000], n_arm=[5000], successes=60)
    assert (rare.engine, rare.switched) == ("exact", True)
    back = recheck_engine(rare, n_control=[5000], n_arm=[5000], successes=4000)
    assert back == rare
    same = recheck_engine(z, n_control=[5000], n_arm=[5000], successes=400)
    assert same == z


def test_recheck_judges_the_present_look_by_pooled_counts() -> None:
    z = choose_engine(n_control=[5000, 10000], n_arm=[5000, 10000], pessimistic_rate=0.01)
    # 0.9 % pooled: the first look had 45 expected, the present one has 90.
    seen = recheck_engine(z, n_control=[5000, 10000], n_arm=[5000, 10000], successes=180)
    assert seen.engine == "z"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"n_control": []}, "n_arm"),
        ({"n_control": [10, 20]}, "n_arm"),
        ({"n_control": [0]}, "n_control[0]"),
        ({"n_arm": [math.nan]}, "n_arm[0]"),
        ({"n_control": [20, 10], "n_arm": [10, 20]}, "n_control"),
        ({"pessimistic_rate": 1.2}, "pessimistic_rate"),
        ({"pessimistic_rate": math.nan}, "pessimistic_rate"),
    ],
)
def test_bad_input_is_named(arguments, field) -> None:
    given = {"n_control": [10], "n_arm": [10], "pessimistic_rate": 0.5, **arguments}
    with pytest.raises(InputError) as error:
        choose_engine(**given)
    assert error.value.field == field


def test_pooled_successes_cannot_exceed_units() -> None:
    z = choose_engine(n_control=[5000], n_arm=[5000], pessimistic_rate=0.02)
    with pytest.raises(InputError) as error:
        recheck_engine(z, n_control=[10], n_arm=[10], successes=21)
    assert error.value.field == "successes"


@pytest.mark.parametrize("looks", [1, 10])
def test_three_to_one_with_one_person_of_rounding_per_look_is_three_to_one(looks: int) -> None:
    def engine(large: int, small: int) -> str:
        sizes = ([large * k for k in range(1, looks + 1)], [small * k for k in range(1, looks + 1)])
        there = choose_engine(n_control=sizes[0], n_arm=sizes[1], pessimistic_rate=0.25)
        back = choose_engine(n_control=sizes[1], n_arm=sizes[0], pessimistic_rate=0.25)
        seen = recheck_engine(
            there, n_control=sizes[0], n_arm=sizes[1], successes=(large + small) * looks // 4
        )
        assert there.engine == back.engine == seen.engine
        return there.engine

    assert engine(751, 250) == "z"
    assert engine(7504, 2500) == "z"  # one moved from the large arm to the small: 7503 to 2501
    assert engine(7505, 2500) == "exact"
