"""people.yaml: dates, hours and people as values."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from testkit.errors import InputError
from testkit.kernel import yamlfile
from testkit.kernel.config import load
from testkit.kernel.hours import Quiet, end_of, hours_of
from testkit.kernel.peoplefile import PeopleFile, roster_of

WHOLE = """
people:
  - {id: kim, name: Kim, roles: [comms_lead], email: kim@example.org, channels: {sms: "+1 555"},
     quiet: {from: "22:00", until: "07:00"}, zone: Europe/Lisbon}
  - {id: max, name: Max, joined: 2026-01-01, left: 2026-06-30}
delegations:
  - {from: kim, to: max, starts: 2026-03-01 09:00, until: 2026-03-07, roles: [comms_lead]}
away:
  - {person: kim, from: 2026-03-01}
hours: {mon-thu: "09:00-12:30, 13:30-18:00", sat: "10:00-24:00"}
holidays: [2026-12-25]
"""


def roster(text: str, zone_name: str = "America/New_York"):
    document = yamlfile.parse(text, name="people.yaml")
    return roster_of(yamlfile.validated(document, PeopleFile), zone_name=zone_name)


def findings(text: str) -> str:
    document = yamlfile.parse(text, name="people.yaml")
    _, found = yamlfile.validate(document, PeopleFile)
    return "\n".join(map(str, found))


def test_a_date_counts_to_its_end_in_the_organisations_zone():
    kim, left = roster(WHOLE).people
    assert left.left == datetime(2026, 7, 1, 4, tzinfo=UTC)  # midnight in New York, summer time
    assert left.here(datetime(2026, 7, 1, 3, 59, tzinfo=UTC))
    assert not left.here(datetime(2026, 7, 1, 4, tzinfo=UTC))
    assert not left.here(datetime(2026, 1, 1, 4, 59, tzinfo=UTC))  # joins at midnight, 05:00 UTC
    assert kim.here(datetime(1999, 1, 1, tzinfo=UTC))
    (delegation,) = roster(WHOLE).delegations
    assert delegation.starts == datetime(2026, 3, 1, 14, tzinfo=UTC)
    assert delegation.ends == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert roster(WHOLE).absences[0].ends is None


def test_a_time_ends_when_it_says():
    assert end_of("2026-03-07 12:00", zone_name="UTC") == datetime(2026, 3, 7, 12, tzinfo=UTC)
    with pytest.raises(InputError):
        end_of("2026-02-30", zone_name="UTC")


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ((2026, 3, 7, 4), (2026, 3, 7, 12)),  # 23:00 in New York, to 07:00 EST
        ((2026, 3, 8, 4), (2026, 3, 8, 11)),  # the night in which clocks go forward: 07:00 EDT
        ((2026, 11, 1, 3), (2026, 11, 1, 12)),  # the night in which they go back: 07:00 EST
        ((2026, 3, 8, 11), None),  # seven sharp
        ((2026, 3, 8, 18), None),
    ],
)
def test_quiet_hours_end_at_their_local_time_whatever_the_night(now, until):
    night = Quiet(starts=time(22), ends=time(7))
    found = night.until(datetime(*now, tzinfo=UTC), zone_name="America/New_York")
    assert found == (None if until is None else datetime(*until, tzinfo=UTC))


def test_quiet_hours_within_a_day_do_not_reach_over_midnight():
    nap = Quiet(starts=time(13), ends=time(14))
    now = datetime(2026, 3, 7, 13, 30, tzinfo=UTC)
    assert nap.until(now, zone_name="UTC") == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert nap.until(now.replace(hour=12), zone_name="UTC") is None


def test_quiet_hours_are_in_the_persons_own_zone():
    kim, other = roster(WHOLE).people
    late = datetime(2026, 1, 7, 23, tzinfo=UTC)  # 23:00 in Lisbon, 18:00 in New York
    assert kim.quiet_until(late, zone_name="America/New_York") == datetime(
        2026, 1, 8, 7, tzinfo=UTC
    )
    assert other.quiet_until(late, zone_name="America/New_York") is None


def test_hours_name_days_and_spans_and_the_end_of_a_day():
    hours = roster(WHOLE).hours
    assert hours.days[0] == ((time(9), time(12, 30)), (time(13, 30), time(18)))
    assert hours.days[3] == hours.days[0]
    assert 4 not in hours.days
    assert hours.days[5] == ((time(10), time.max),)


@pytest.mark.parametrize(
    "week",
    [
        {"mon-fri": "9-17"},
        {"mon": "17:00-09:00"},
        {"mon": "09:00-12:00, 11:00-13:00"},
        {"mon-fri": "09:00-17:00", "wed": "10:00-11:00"},
        {"fri-mon": "09:00-17:00"},
        {"monday": "09:00-17:00"},
        {"mon": "25:00-26:00"},
    ],
)
def test_hours_that_cannot_be_are_refused(week):
    with pytest.raises(ValueError, match=r"\w"):
        hours_of(week)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('{sms: "+1 555"}', "{sms: +1555}", "write it in quotes"),
        ("id: max", "id: kim", "stands for two people"),
        ("until: 2026-03-07", "until: March", "not a date and time"),
        ("Europe/Lisbon", "Europe/Lisbonne", "did you mean"),
        ('from: "22:00"', 'from: "29:00"', "hour"),
        ("left: 2026", "leftt: 2026", "did you mean 'left'"),
        ("hours: {", "hourz: {", "did you mean 'hours'"),
        ("holidays: [2026-12-25]", "holidays: [christmas]", "holidays"),
    ],
)  # fmt: skip
def test_a_problem_is_told_with_its_place_and_a_way_out(before, after, said):
    assert before in WHOLE
    found = findings(WHOLE.replace(before, after))
    assert said in found
    assert "people.yaml:" in found


def test_people_in_the_settings_of_an_older_workspace_keep_their_digest():
    # As `adopt people` has written it since the first version.
    text = "organisation: {name: Ours}\npeople:\n  - {id: kim, name: Kim, roles: [ed]}\n"
    config = load(text, name="whistlestop.yaml", environment={})
    assert config.people_text() == (
        "people:\n- email: ''\n  id: kim\n  name: Kim\n  roles:\n  - ed\n"
    )
