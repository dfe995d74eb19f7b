"""A plan for whole groups says how many people it takes when people of a group do alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from testkit.kernel import yamlfile
from testkit.model.analysis import analyse
from testkit.model.checks import check
from testkit.model.definition import Definition
from testkit.model.look import Cell, WaveCounts
from testkit.model.plan import Plan
from testkit.model.resolve import resolve
from testkit.services.templates import TEMPLATES

NOW = datetime(2026, 11, 20, tzinfo=UTC)

TEXT = """\
experiment: x
title: Which letter?
hypothesis: h
what_will_change: w
owner: sam
unit: {unit}
list: {{size: 60000}}
arms: [{{name: control, control: true}}, {{name: new}}]
metrics:
  - {{name: voted, tier: organising, base_rate: 0.45, mde: 0.03, window_hours: 24, owner: sam}}
  - {{name: left, role: guardrail, tier: organising, base_rate: 0.01, margin: 0.01,
     direction: down, window_hours: 24, owner: sam}}
design: {{family: fixed, clock: one-send}}
"""


def read(unit):
    document = yamlfile.parse(TEXT.format(unit=unit), name="experiment.yaml")
    return Definition.model_validate(document.value), document


def plan_of(unit):
    return resolve(read(unit)[0], salt="s")


def codes(unit):
    return {f.code: f for f in check(*read(unit))}


ALONE = "{column: voter_id}"
TWO = "{kind: household, column: voter_id, group: hh, group_size: 2, correlation: 0.5}"


def test_housemates_who_do_alike_make_a_test_larger_by_the_design_effect():
    alone, two = plan_of(ALONE), plan_of(TWO)
    assert (alone.design_effect, two.design_effect) == (1.0, 1.5)
    assert two.needed == pytest.approx(1.5 * alone.needed, abs=1)
    assert two.power_reached == pytest.approx(alone.power_reached, abs=1e-3)
    same = plan_of(TWO.replace("0.5", "1"))
    assert same.needed == pytest.approx(2 * alone.needed, abs=1)
    assert plan_of(TWO.replace("0.5", "0")).needed == alone.needed


def test_a_plan_of_persons_keeps_the_digest_that_it_had():
    alone = plan_of(ALONE)
    assert "design_effect" not in alone.as_dict()
    for plan in (alone, plan_of(TWO)):
        assert Plan.from_dict(plan.as_dict()).digest() == plan.digest()


def test_what_is_assumed_of_households_is_said_and_of_other_groups_asked():
    said = codes("{kind: household, column: voter_id, group: hh}")["EX037"]
    assert said.severity == "warning"
    assert "2 per 'hh', alike by 0.5" in said.message
    asked = codes("{kind: street, column: voter_id, group: road}")["EX037"]
    assert asked.severity == "error"
    known = codes("{kind: street, column: voter_id, group: road, group_size: 30}")["EX037"]
    assert (known.severity, "3.9 of them" in known.message) == ("warning", True)
    assert "EX037" not in codes(TWO)
    assert "EX037" not in codes(ALONE)


@pytest.mark.parametrize("column", ["voter_id", "Voter_ID", "vanid", "supporter_id"])
def test_persons_are_known_by_the_columns_that_templates_and_voter_files_use(column):
    assert "EX024" in codes(f"{{kind: household, column: {column}}}")


def test_every_template_names_persons_by_a_column_that_the_checks_know():
    from testkit.model.checks import PERSON_IDS

    for template in TEMPLATES.values():
        (column,) = [
            line.split("#")[0].split(":")[1].strip()
            for line in template.unit.splitlines()
            if line.strip().startswith("column:")
        ]
        assert column in PERSON_IDS


@pytest.mark.parametrize("tests", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_promised_power_is_there_when_housemates_are_as_alike_as_planned(tests):
    """Households of two; with chance .5 the second does what the first does: correlation .5.

    80 % planned; four standard errors of a share of .8 are allowed.
    """
    plan = plan_of(TWO)
    draw = np.random.default_rng(21)
    count = plan.test_size // 4

    def households(rate):
        one, other = draw.random((2, count)) < rate
        alike = draw.random(count) < 0.5
        return one.astype(float) + np.where(alike, one, other)

    found = 0
    for _ in range(tests):
        totals = {"control": households(0.45), "new": households(0.48)}
        cells = {
            a: Cell.of_counts(outcomes=int(t.sum()), units=2 * count) for a, t in totals.items()
        }
        wave = WaveCounts(
            wave=1,
            sent_at=NOW - timedelta(hours=48),
            units=dict.fromkeys(totals, 2 * count),
            outcomes={a: c.events for a, c in cells.items()},
            rows=dict.fromkeys(totals, 2 * count),
            cells={"voted": cells},
            clusters={"voted": {a: tuple((2.0, v) for v in t.tolist()) for a, t in totals.items()}},
        )
        look = analyse(plan, past=[], waves=[wave], now=NOW, look_id="l", data_digest="d")
        found += look.verdict == "crossed-up"
    assert abs(found / tests - 0.8) <= 4 * (0.16 / tests) ** 0.5
