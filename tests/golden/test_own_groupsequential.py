"""The project's own golden set: each case names the book or the program that it comes from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testkit.stats.boundaries import spending_bounds
from testkit.stats.classic import haybittle_peto, obrien_fleming, pocock, wang_tsiatis
from testkit.stats.conditional import conditional_power
from testkit.stats.futility import futility_design, harm_design
from testkit.stats.inference import sequential_p_value, stagewise
from testkit.stats.sizing import characteristics
from testkit.stats.spending import spending_by_name

FILE = Path(__file__).with_name("own_groupsequential.json")
CASES = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
CALLS = {
    function.__name__: function
    for function in (
        conditional_power,
        futility_design,
        harm_design,
        haybittle_peto,
        obrien_fleming,
        pocock,
        sequential_p_value,
        spending_bounds,
        stagewise,
        wang_tsiatis,
    )
}
READ = {
    "value": lambda x: x,
    "upper": lambda x: x.upper,
    "lower": lambda x: x.lower,
    "last_bound": lambda x: x.upper[-1],
    "inflation": lambda x: x.inflation,
    "inflation_90": lambda x: characteristics(x, power=0.9).inflation,
    "share_null_90": lambda x: characteristics(x, power=0.9).share_null,
    "share_effect_90": lambda x: characteristics(x, power=0.9).share_effect,
    "p_upper": lambda x: x.p_upper,
    "interval": lambda x: (x.low, x.high),
    "estimate": lambda x: x.estimate,
}


def arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The case's arguments, with names turned into functions and null into no bound."""
    out = dict(given)
    for name in ("spending", "harm_spending"):
        if name in out:
            out[name] = spending_by_name(out[name])
    if "lower" in out:
        out["lower"] = [-math.inf if b is None else b for b in out["lower"]]
    return out


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{i}-{c['call']}-{c['what']}" for i, c in enumerate(CASES)]
)
def test_agrees_with_its_source(case: dict[str, Any]) -> None:
    result = CALLS[case["call"]](**arguments(case["arguments"]))
    np.testing.assert_allclose(
        READ[case["what"]](result), case["value"], rtol=0.0, atol=case["tolerance"]
    )


def test_every_case_names_its_source() -> None:
    assert all(case["source"] for case in CASES)
