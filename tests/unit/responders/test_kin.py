"""Two reports count as one event only where names, numbers or rare words say so.

Pairs and strangers were written by an auditor who had not seen the rules.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from responders.drafting.kin import APART, ENOUGH, groups, same_event, score, stems, traces
from responders.match import parse_query
from responders.model.feed import Entry
from responders.services.rehearse import starter_set
from responders.services.relint import unused
from responders.services.sources import left_out, other_events, other_stories, story_facts
from responders.store.archive import StoryRow

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)
ISSUES = starter_set(today=NOW)
ROADS = (
    ("Texas county bans use of its roads to travel for abortions",
     "Commissioners in Sutter County voted 4-1 for the ordinance, which lets citizens sue."),
    ("Sutter County commissioners vote to bar abortion travel on local roads",
     "The Texas ordinance, passed 4-1, lets citizens sue anyone who drives a patient."),
)  # fmt: skip
SOLAR = (
    ("County commissioners ban new solar farms on farmland",
     "The 3-2 vote in Madison County stops four projects that were already planned."),
    ("Madison County bans solar farms on farmland in 3-2 vote",
     "Four planned projects cannot go ahead after the commissioners' vote."),
)  # fmt: skip
NEVADA = (
    ("Nevada voters approve abortion rights amendment for second time",
     "With 92% of votes counted, Question 6 led 63% to 37%."),
    ("Abortion rights will be part of Nevada constitution after second vote",
     "Question 6 was ahead 63% to 37% on Wednesday morning."),
)  # fmt: skip
AUSTIN = (
    ("Voters approve $800 million bond for affordable homes in Austin",
     "The measure passed with 58% and will pay for about 6,000 apartments."),
    ("Austin voters pass $800 million affordable housing bond",
     "About 6,000 apartments will be built with the money."),
)  # fmt: skip


def story(*reports, minutes=None):
    entries = tuple(
        (
            Entry(
                id=f"e{n}", feed_id="f", guid=str(n), url=f"https://o.org/{n}",
                canonical_url=None, title=title, summary_text=summary, content_html="",
                published=NOW + timedelta(minutes=(minutes or {}).get(title, n)), updated=None,
                first_seen=NOW + timedelta(minutes=n), language="en",
            ),
            "Daily Ledger" if n % 2 == 0 else "Metro Courier",
        )
        for n, (title, summary) in enumerate(reports)
    )  # fmt: skip
    return StoryRow(id="s", first_at=NOW, last_at=NOW, entries=entries)


def facts(made, slug):
    issue, query, _ = ISSUES[slug]
    return story_facts(made, query=query, issue=issue)


@pytest.mark.parametrize("pair", [ROADS, SOLAR, NEVADA, AUSTIN])
def test_two_reports_of_one_event_are_kin(pair):
    usual = stems([issue.query for issue, _, _ in ISSUES.values()])
    one, other = (traces(*report, usual=usual) for report in pair)
    assert same_event(one, other)
    assert score(one, other) == score(other, one)


def test_the_kind_of_news_the_body_and_the_place_do_not_make_one_event():
    reports = [traces(*report) for report in (*ROADS, *SOLAR, *NEVADA, *AUSTIN)]
    assert groups(reports) == ((0, 1), (2, 3), (4, 5), (6, 7))
    assert score(reports[0], reports[2]) <= APART


def test_two_states_speak_against_words_in_common():
    ours = "Judge blocks clinic inspection rule, Redwood says", "Redwood runs three clinics."
    one = traces(*ours)
    ohio, utah = (traces(ours[0], f"{ours[1]} It is in {state}.") for state in ("Ohio", "Utah"))
    assert score(ohio, utah) <= score(one, utah) - ENOUGH


def test_how_a_vote_or_a_share_is_written_does_not_part_two_reports():
    one = traces("Cap passes in Eastlake, 6-3", "It is 4 percent.")
    other = traces("Eastlake council voted 6 to 3", "It is 4%.")
    assert one.numbers == other.numbers == {"4", "6-3"}


def test_only_reports_of_the_leading_event_are_used_and_the_others_are_named():
    made = story(*SOLAR, *ROADS)
    used = facts(made, "reproductive-rights")
    assert {entry.title for entry in used.entries} == {title for title, _ in ROADS}
    assert len(left_out(made, used)) == 2
    others = other_events(made, used, ISSUES)
    assert len(others) == 2
    (found,) = unused(left_out(made, used), others)
    assert found.severity == "warning"
    assert "may be another story" in found.message
    assert "story split" in found.hint


def test_a_report_in_doubt_is_left_out_as_a_note():
    doubt = "Road travel ordinance draws protest", "Citizens of the county spoke for hours."
    made = story(*ROADS, doubt)
    used = facts(made, "reproductive-rights")
    assert doubt[0] not in {entry.title for entry in used.entries}
    (found,) = unused(left_out(made, used), other_events(made, used, ISSUES))
    assert (found.code, found.severity) == ("RS018", "note")


def test_an_event_with_outlets_of_its_own_is_split_off_and_one_event_never():
    made = story(*AUSTIN, *NEVADA)
    (ids,) = other_stories(made, ISSUES, least=2)
    assert ids == ("e2", "e3")
    assert other_stories(made, ISSUES, least=2, home=NEVADA[0][0]) == [("e0", "e1")]
    assert other_stories(made, ISSUES, least=3) == []
    assert other_stories(story(*AUSTIN), ISSUES, least=1) == []


def test_the_same_reports_give_the_same_lead_in_whatever_order_they_came():
    reports = (*ROADS, *SOLAR)
    minutes = {title: n for n, (title, _) in enumerate(reports)}
    leads = {
        facts(story(*order, minutes=minutes), "reproductive-rights").title
        for order in permutations(reports)
    }
    assert len(leads) == 1


def test_a_headline_that_can_be_read_leads_and_a_death_before_it():
    vague = "Parkside Towers residents mourn after blaze", "Parkside Towers burned on Sunday."
    plain = "Three die in fire at Parkside Towers apartments", "Parkside Towers had no alarms."
    issue, _, _ = ISSUES["housing"]
    made = story(vague, plain)
    used = story_facts(made, query=parse_query("fire OR blaze"), issue=issue)
    assert used.title == plain[0]
