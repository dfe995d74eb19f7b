"""What an auditor's unseen stories showed, by class: each failed before its rule was widened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from responders.drafting.contexts import CONTEXTS, check_names
from responders.drafting.language import reads_like
from responders.drafting.moments import read_moment
from responders.drafting.tryout import try_template
from responders.match import Document
from responders.services.rehearse import starter_set

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)
ISSUES = starter_set(today=NOW)


def read(slug, title, summary=""):
    issue, _, _ = ISSUES[slug]
    return read_moment(
        issue.moments, title=title, summary=summary, things=issue.things, lang=issue.lang
    ).moment


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("labor", "Judge says nursing home spied on aides who wanted a union"),
        ("labor", "Governor signs bill on rest breaks for warehouse workers"),
        ("labor", "Furniture chain to close nine stores, costing 600 jobs"),
        ("labor", "Contractor faces manslaughter charge after roofer's fall"),
        ("labor", "Bus crews reject final offer of the county"),
        ("labor", "Silica rule for miners is dropped"),
        ("reproductive-rights", "Charge dropped against woman after stillbirth"),
        ("reproductive-rights", "Pregnant woman died after being turned away"),
        ("reproductive-rights", "County hospital ends obstetrics"),
        ("climate", "Tornado tears through river town"),
        ("climate", "Company must dig up coal ash, judge says"),
        ("climate", "State passes 50% carbon-free power"),
        ("climate", "State sues oil company over plastic recycling claims"),
        ("climate", "Heat illness fills emergency rooms"),
        ("voting", "Board orders hand count in three counties"),
        ("voting", "Sunday voting ends in two counties"),
        ("voting", "Citizens flagged by check must prove they may vote"),
        ("voting", "Man charged over ballot box fire"),
        ("voting", "Robocalls with false voice tell people not to vote"),
        ("housing", "Starter homes out of reach for most, report finds"),
    ],
)
def test_the_starter_queries_find_the_kinds_of_news_that_they_missed(slug, title):
    _, query, _ = ISSUES[slug]
    assert query.holds(Document.of(title=title, summary="", source="x", lang="en"))


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("labor", "Court says agency aides misled judges on surveillance"),
        ("climate", "Carbon fiber bicycle sets record"),
        ("voting", "Viewers vote star off the show"),
        ("housing", "Star buys mansion"),
        ("reproductive-rights", "Pregnant panda greets visitors"),
    ],
)
def test_the_widened_queries_leave_their_neighbours_alone(slug, title):
    _, query, _ = ISSUES[slug]
    assert not query.holds(Document.of(title=title, summary="", source="x", lang="en"))


@pytest.mark.parametrize(
    ("slug", "title", "moment"),
    [
        ("housing", "Rent cap bill dies in state House", "blocked"),
        ("housing", "Landlord of 80 units sued over broken elevators", "conditions"),
        ("housing", "Council delays vote on just cause evictions", "at-risk"),
        ("climate", "EPA to end limits on power plants' carbon pollution", "rollback"),
        ("climate", "Judge orders cleanup of coal ash pond", "court-win"),
        ("climate", "State hits 70% carbon-free electricity", "clean-win"),
        ("climate", "Utility seeks 12% rate increase for data center lines", "bills"),
        ("reproductive-rights", "Judge tosses charge against woman after stillbirth", "court-win"),
        ("voting", "Judge blocks law barring help for blind voters", "win"),
    ],
)
def test_a_headline_is_not_read_the_wrong_way_round_or_by_the_name_of_the_thing(
    slug, title, moment
):
    found = read(slug, title)
    assert found is not None
    assert found.name == moment


@pytest.mark.parametrize(
    "title",
    [
        "Family sues hospital after pregnant woman turned away dies of sepsis",
        "Mother of two was sent home before dying of sepsis, lawsuit says",
        "Patient denied care dies, family says",
    ],
)
def test_grief_holds_whatever_else_the_headline_says(title):
    found = read("reproductive-rights", title)
    assert found is not None
    assert found.hold


def test_a_bill_that_dies_is_no_death():
    found = read("labor", "Bill on warehouse workers' quotas dies in Senate committee")
    assert found is None or not found.hold


def test_undeclared_spanish_reads_like_spanish():
    assert reads_like("Jueza frena desalojo de 45 familias", "La orden es del martes") == "es"
    assert reads_like("Rent strike begins", "More than 100 households did not pay") == "en"


def test_a_template_that_cannot_be_run_is_refused_before_it_is_adopted():
    context = CONTEXTS["sms"]
    endless = "{% for a in range(9999999) %}{% for b in range(9999999) %}x{% endfor %}{% endfor %}"
    assert try_template(endless, context, "sms/response")
    assert not try_template("{{ org.name }}: {{ story.title }}", context, "sms/response")
    assert [f.code for f in check_names("{{ self }}", context)] == ["RS004"]


def test_every_starter_issue_drafts_for_whatever_channel_is_on():
    assert all({"push", "ad"} <= set(issue.channels) for issue, _, _ in ISSUES.values())
