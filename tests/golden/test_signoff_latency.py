"""Latency of three requests whose every figure was worked out by hand (A18)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from testkit.reports.time_chart import COLOURS, time_chart
from testkit.services.signoff_reports import svg
from testkit.signoff.latency import as_data, course_of, latency
from tests.signoff_world import HIGH, LOW, T0, Desk, minutes

GOLDEN = json.loads((Path(__file__).parent / "signoff_latency.json").read_text(encoding="utf-8"))[
    "expected"
]
AS_OF = T0 + timedelta(hours=6)


def three_requests() -> list[Desk]:
    plain = Desk()
    plain.submit(facts=LOW)
    plain.later(minutes(30)).approve("ben")
    plain.later(minutes(30)).release()

    risky = Desk()
    risky.submit(facts=HIGH)
    risky.later(minutes(60)).say("ben", "return", note="name the bill")
    risky.later(minutes(40)).fields["body"] = "Call now about the bill."
    risky.count += 1
    risky.submit()
    risky.later(minutes(180)).approve("ben")
    risky.later(minutes(20)).approve("dee")

    late = Desk(now=T0 + minutes(330))
    late.submit(facts=LOW)
    return [plain, risky, late]


@pytest.fixture(scope="module")
def report():
    courses = [course_of(desk.chain, desk.events, AS_OF) for desk in three_requests()]
    return latency(courses, as_of=AS_OF)


def test_every_figure_is_the_one_worked_out_by_hand(report):
    found = as_data(report)

    def row(one):
        kept = one["promises_kept"]
        return {
            "name": one["name"], "chain": one["chain"], "waits": one["waits"],
            "answered": one["answered"], "lasting": one["lasting"],
            "median": one["median"]["minutes"], "p90": one["p90"]["minutes"],
            "kept": [kept["count"], kept["of"]], "total": one["total_minutes"],
        }  # fmt: skip

    kept = found["stages"][0]["promises_kept"]
    assert {
        **{name: found[name] for name in ("as_of", "requests", "open", "cleared")},
        "stages": [row(one) for one in found["stages"]],
        "roles": [row(one) for one in found["roles"]],
        "spent": {
            " ".join(filter(None, (one["what"], one["stage"]))): one["minutes"]
            for one in found["spent_minutes"]
        },
        "to_clear": [found["to_clear_minutes"][q]["minutes"] for q in ("median", "p90")],
        **{
            name: [found[name]["count"], found[name]["of"]]
            for name in ("executive_asked", "executive_signed")
        },
        "kept_interval": [kept["low"], kept["high"]],
    } == GOLDEN


def test_leaving_out_what_still_waits_would_look_faster(report):
    # Of 30, 60, 180 alone the median is 60 too; but with one more that waits 100 minutes it is 180.
    desks = [*three_requests(), Desk(now=AS_OF - minutes(100))]
    desks[-1].submit(facts=LOW)
    courses = [course_of(desk.chain, desk.events, AS_OF) for desk in desks]
    slower = latency(courses, as_of=AS_OF).stages[0]
    assert (report.stages[0].median.value, slower.median.value) == (60.0, 180.0)


def test_the_chart_tells_in_words_what_it_draws(report):
    drawn = svg(report)
    assert "7 h 30 min in all: waits for comms 67%, cleared, not yet out 20%" in drawn
    assert drawn.count("<rect") == len(report.spent) == 4
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_an_empty_chart_divides_by_nothing():
    assert time_chart([]).words == "No time was spent yet."
