"""The bundled readings of Karlan & List (2007): published figures, played through the commands."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from experiments.catalogue import example, names
from experiments.people import gifts, made_up


def play(shell, name):
    played = shell.json("example", "play", name)
    shell.ok("experiment", "lock", name)
    listed, results = str(shell.folder / played["list"]), str(shell.folder / played["results"])
    shell.ok("experiment", "assign", name, listed, "--arm-column", "version")
    shell.ok("experiment", "sent", name, "--wave", "1", "--at", "5 days ago")
    shell.ok("experiment", "intake", name, results)
    return shell.json("experiment", "look", name)["look"]


def test_every_example_tells_its_source_and_adds_up():
    for name in names():
        found = example(name)
        assert "American Economic Review" in found.source
        for arm, (units, outcomes) in found.counts.items():
            groups = [g for g in found.people if g.arm == arm]
            if found.people:
                assert sum(g.units for g in groups) == units
                assert sum(g.outcomes for g in groups) == outcomes


def test_made_up_gifts_have_the_published_mean_and_standard_error():
    found = example("karlan-list-2007-gifts")
    listed, results = (list(csv.DictReader(io.StringIO(t))) for t in made_up(found, seed=1))
    arm_of = {row["donor_id"]: row["version"] for row in listed}
    # Table 2A, dollars given, unconditional: mean and standard error.
    for arm, mean, error in (("control", 0.813, 0.063), ("match", 0.967, 0.049)):
        given = np.array([float(r["dollars"]) for r in results if arm_of[r["donor_id"]] == arm])
        assert given.mean() == pytest.approx(mean, abs=5e-5)
        assert given.std(ddof=1) / np.sqrt(len(given)) == pytest.approx(error, abs=5e-5)
    assert all((r["gave"] == "1") == (float(r["dollars"]) > 0) for r in results)


def test_gifts_of_a_spread_that_no_gifts_can_have_are_refused():
    from testkit.errors import InputError

    with pytest.raises(InputError):
        gifts(units=1000, givers=500, mean=1.0, standard_error=0.001)


def test_response_is_proven_dollars_are_not_and_the_reason_is_told(shell):
    look = play(shell, "karlan-list-2007-gifts")
    gave, dollars = look["comparisons"]
    assert gave["verdict"] == "crossed-up"
    assert dollars["verdict"] == "ended"
    # The paper's own standard errors: sqrt(0.063^2 + 0.049^2) = 0.0798, and 1.96 of them.
    assert dollars["difference"] == pytest.approx(0.154, abs=1e-4)
    assert dollars["high"] - dollars["difference"] == pytest.approx(1.96 * 0.0798, abs=1e-3)
    (segment,) = look["segments"]
    assert segment["verdict"] == "differ"
    effects = {level["name"]: level["effect"] for level in segment["levels"]}
    assert effects["red"] > effects["blue"]
    shown = shell.ok("experiment", "look", "karlan-list-2007-gifts").out
    assert "gave is shown in match and dollars is not, and both are right" in shown
    assert "amounts vary more than yes or no" in shown
    assert "  red: +0.7" in shown
    for form in ("md", "html"):
        shell.ok("experiment", "report", "karlan-list-2007-gifts", "--format", form)
        page = (shell.folder / "reports" / f"karlan-list-2007-gifts.{form}").read_text("utf-8")
        assert "Not shown does not mean none" in page


def test_three_ratios_share_the_error_and_the_lowest_is_not_proven(shell):
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportions_ztest

    look = play(shell, "karlan-list-2007-ratios")
    found = {c["arm"]: c for c in look["comparisons"]}
    counts = example("karlan-list-2007-ratios").counts
    base, base_gave = counts.pop("control")
    raw = [proportions_ztest([k, base_gave], [n, base])[1] for n, k in counts.values()]
    holm = multipletests(raw, method="holm")[1]
    for arm, adjusted in zip(counts, holm, strict=True):
        assert found[arm]["p_adjusted"] == pytest.approx(adjusted, rel=1e-3)
        assert (found[arm]["verdict"] == "crossed-up") == (arm != "one-to-one")
