"""Composing: the arms differ in one block, every text fits, nothing is said that nobody said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.drafting.compose import bundled_templates, compose
from responders.drafting.facts import clean_headline, clean_line, first_sentence
from responders.drafting.lengths import measure
from responders.drafting.moments import find_phrase, read_moment
from responders.drafting.quotes import quotes_in
from responders.model.draft import (
    Draft,
    MatchedWord,
    MatchReason,
    Organisation,
    Quote,
    StoryEntry,
    StoryFacts,
)
from responders.model.issue import Moment
from responders.model.issue_file import issue_from_mapping
from responders.starter import starter_issues
from testkit.errors import InputError, NotFoundError
from testkit.kernel.findings import has_errors

NOW = datetime(2026, 5, 12, 11, 0, tzinfo=UTC)
ORG = Organisation(
    name="Four Rivers Workers' Alliance",
    short_name="Four Rivers",
    link="https://go.fourrivers.org",
    phone="555-0142",
    signer="Maya Ortiz, Organizing Director",
    address="14 Mill Street, Northfield",
    email_opt_out="Leave this list: {{unsubscribe_url}}",
    disclaimer="Paid for by Four Rivers Workers' Alliance.",
)
# The channels of a new workspace; a test that asks for another one names it.
ISSUES = {
    name: replace(
        issue_from_mapping(yaml.safe_load(text)), channels=("email", "sms", "post", "call")
    )
    for name, text in starter_issues().items()
}
SUMMARY = (
    "Workers at the Northfield distribution center voted 412 to 61 on Monday to authorize a "
    "strike. Talks resume Thursday."
)


def story(
    title: str = "Northfield warehouse workers vote to strike", **changes: object
) -> StoryFacts:
    facts = StoryFacts(
        id="st_1",
        title=title,
        url="https://courier.org/2026/strike",
        source="The Harbor Courier",
        published_at=NOW,
        first_seen_at=NOW,
        summary=SUMMARY,
    )
    return replace(facts, **changes)


def draft(facts: StoryFacts | None = None, issue: str = "labor", **options: object) -> Draft:
    found = ISSUES[issue]
    facts = facts or story()
    reason = MatchReason(
        issue=found.slug,
        issue_title=found.title,
        owner=found.owner,
        matched=(MatchedWord(text="vote to strike"),),
        outlets=facts.outlets,
        first_seen_at=facts.first_seen_at,
    )
    return compose(facts, found, reason, ORG, as_of=NOW, **options)


def test_two_arms_per_channel_differ_in_the_named_block_only() -> None:
    result = draft()
    for channel in ("email", "sms", "post", "call"):
        a, b = result.on(channel)
        assert (a.key, b.key) == ("a", "b")
        assert a.varied == b.varied == "problem"
        assert a.alternative != b.alternative
        before = {block.name: block.text for block in a.blocks}
        after = {block.name: block.text for block in b.blocks}
        assert {name for name in before if before[name] != after[name]} == {"problem"}
        assert a.text.body.replace(before["problem"], "") == b.text.body.replace(
            after["problem"], ""
        )
    assert not has_errors(result.findings)


@pytest.mark.parametrize("vary", ["value", "action", "subject"])
def test_another_block_can_be_varied(vary: str) -> None:
    a, b = draft(vary=vary).on("email")
    assert a.varied == vary
    changed = [x.name for x, y in zip(a.blocks, b.blocks, strict=True) if x.text != y.text]
    assert changed == [vary]


def test_a_block_without_alternatives_hands_over_to_one_that_has_them() -> None:
    # The strike moment has one solution of its own and the general one; SMS has no subject.
    (a, _b) = draft(vary="subject").on("sms")
    assert a.varied == "problem"


def test_more_arms_use_more_alternatives_and_never_invent_one() -> None:
    assert len(draft(variants=4).on("email")) == 4
    assert len(draft(variants=1).on("email")) == 1
    assert len({v.alternative for v in draft(variants=4).on("email")}) == 4


TITLES = {
    "labor": """Nurses vote to strike
Worker killed at plant
Bus drivers reach tentative agreement
Mill to close, 1,200 jobs lost
Company accused of wage theft
A quiet day in labor""",
    "housing": """Rents jump 11 percent
Council passes rent cap
Mayor orders encampment swept
Two killed in apartment fire
Housing authority meets""",
    "reproductive-rights": """Judge blocks state's six-week abortion ban
Court upholds abortion ban
Woman dies after being denied abortion care
Last abortion clinic closes""",
    "climate": """EPA rolls back limits on emissions
County rejects pipeline
Death toll from flood rises
Utility seeks rate hike of 14 percent
Wildfire forces evacuation""",
    "voting": """State purges 90,000 from voter rolls
Judge blocks voter ID law
Registration deadline is Monday
Lawmakers redraw congressional map""",
    "vivienda": """Suben los alquileres
Concejo aprueba tope a la renta
Mueren dos en incendio""",
}


@pytest.mark.parametrize(
    ("issue", "title"), [(i, t) for i, ts in TITLES.items() for t in ts.splitlines()]
)
def test_a_starter_draft_has_no_error_fits_and_names_its_source(issue: str, title: str) -> None:
    facts = story(title, summary="", lang=ISSUES[issue].lang)
    result = draft(facts, issue=issue)
    assert result.variants
    assert not has_errors(result.findings), result.findings
    for variant in result.variants:
        assert not has_errors(variant.findings), variant.findings
        assert "The Harbor Courier" in variant.text.body
        assert "{" not in variant.text.body.replace(ORG.email_opt_out, "")
        assert "  " not in variant.text.body
        if variant.channel in {"sms", "post"}:
            assert measure(variant.text.body, variant.channel).comfortable
        if not result.hold and variant.channel != "call":
            assert ORG.link in variant.text.body


def test_a_death_is_answered_with_care_and_without_an_ask() -> None:
    result = draft(story("Worker killed at Dalton plant", summary=""))
    assert result.hold
    assert result.risk == "high"
    assert {v.channel for v in result.variants} == {"email", "post"}
    for variant in result.variants:
        assert ORG.link not in variant.text.body
        assert "Sign" not in variant.text.body


def test_a_win_is_not_answered_with_a_complaint() -> None:
    result = draft(story("Nurses ratify contract with raises", summary=""))
    assert result.moment == "deal"
    assert "thank" in result.on("email")[0].text.subject.lower()


def test_a_person_may_overrule_the_reading() -> None:
    assert draft(moment="deal").moment == "deal"
    assert draft(moment="").moment == ""
    with pytest.raises(NotFoundError, match="strike"):
        draft(moment="strik")


def test_reason_says_issue_words_and_outlets() -> None:
    entries = tuple(
        StoryEntry(title="t", url=f"https://o{n}.org", source=f"Outlet {n}") for n in range(3)
    )
    copied = StoryEntry(title="t", url="https://c.org", source="Copycat", copy_of="https://o1.org")
    result = draft(story(entries=(*entries, copied)))
    words = result.reason.in_words()
    assert "safe work and fair pay" in words
    assert "“vote to strike”" in words
    assert "4 outlets" in words
    assert "Copycat" not in words  # a syndicated copy is reach, not another voice
    assert "Three other outlets have the story too." in result.on("email")[0].text.body
    assert "strike" in result.reading


def test_a_quotation_enters_only_when_chosen_and_with_its_speaker() -> None:
    quote = Quote(text="We want to come home safe", speaker="Ana Ruiz", source="The Harbor Courier")
    facts = story(quotes=(quote,))
    assert "Ana Ruiz" not in draft(facts).on("email")[0].text.body
    chosen = draft(facts, quote=quote).on("email")[0]
    assert "“We want to come home safe.” That is Ana Ruiz" in chosen.text.body
    assert not has_errors(chosen.findings)
    with pytest.raises(InputError, match="speaker"):
        draft(facts, quote=replace(quote, speaker=" "))


def test_an_expired_talking_point_is_left_out_and_said() -> None:
    issue = ISSUES["labor"]
    points = tuple(replace(p, moments=()) for p in issue.talking_points if p.name == "section-7")
    issue = replace(issue, talking_points=points)
    old = tuple(replace(p, expires_on=date(2026, 5, 11)) for p in issue.talking_points)
    found = replace(issue, talking_points=old)
    reason = MatchReason(issue="labor", issue_title="x")
    result = compose(story(), found, reason, ORG, as_of=NOW)
    assert "National Labor Relations Board" not in result.on("email")[0].text.body
    assert "RS031" in {f.code for f in result.findings}
    # The last day itself still counts.
    last = tuple(replace(p, expires_on=NOW.date()) for p in issue.talking_points)
    kept = compose(story(), replace(issue, talking_points=last), reason, ORG, as_of=NOW)
    assert "National Labor Relations Board" in kept.on("email")[0].text.body


def test_the_day_is_the_readers_day() -> None:
    facts = story(published_at=datetime(2026, 5, 12, 3, 0, tzinfo=UTC))
    assert "on May 11:" in draft(facts, zone=ZoneInfo("America/Chicago")).on("email")[0].text.body
    assert "on May 12:" in draft(facts).on("email")[0].text.body


def test_a_missing_template_and_a_broken_one_end_in_findings() -> None:
    templates = {**bundled_templates(), ("sms", "response", "en"): "{{ story.headline }}"}
    del templates["post", "response", "en"]
    result = draft(templates=templates)
    codes = {f.code for f in result.findings}
    assert {"RS004", "RS005"} <= codes
    assert {v.channel for v in result.variants} == {"email", "call"}


def test_a_template_that_loops_ends_in_a_finding_and_the_others_are_made() -> None:
    loop = "{% for a in story.title %}" * 5 + "x" + "{% endfor %}" * 5
    result = draft(templates={**bundled_templates(), ("sms", "response", "en"): loop})
    assert "RS003" in {f.code for f in result.findings}
    assert len(result.on("email")) == 2


@pytest.mark.parametrize(
    "options", [{"variants": 0}, {"variants": 5}, {"audience": "nobody"}, {"moment": "x"}]
)
def test_wrong_arguments_are_refused(options: dict[str, object]) -> None:
    with pytest.raises((InputError, NotFoundError)):
        draft(**options)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(InputError, match="time zone"):
        compose(
            story(), ISSUES["labor"], MatchReason(issue="x", issue_title="x"), ORG,
            as_of=datetime(2026, 5, 12, 11, 0),
        )  # fmt: skip


def test_the_same_input_gives_the_same_draft() -> None:
    assert draft() == draft()


HOSTILE = [
    "{{ org.phone }} {% for a in b %}",
    "A\u202egnp.exe\u200b strike\x00",
    "“Nested “quotes” and 'more'”",
    "x" * 5000,
    "Subject: injected\nPreheader: injected\n\nbody",
    "<script>alert(1)</script>",
    "",
]


@pytest.mark.parametrize("title", HOSTILE, ids=lambda t: repr(t[:12]))
def test_hostile_headlines_stay_data_on_one_line(title: str) -> None:
    result = draft(story(title, summary=title))
    for variant in result.variants:
        text = variant.text
        assert "\u202e" not in text.body
        assert "\x00" not in text.body
        assert len(text.body) < 4000
        assert "\n" not in text.subject + text.preheader
        assert not text.subject.startswith("injected")
        if "org.phone" in title:
            assert "{{ org.phone }}" in text.body


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_the_feed_says_a_draft_comes_out(title: str, summary: str) -> None:
    result = draft(story(title, summary=summary), channels=("sms", "post"))
    assert result.variants


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("Nurses strike - The Harbor Courier", "Nurses strike"),
     ("Nurses strike | THE HARBOR COURIER", "Nurses strike"),
     ("Nurses strike.", "Nurses strike"),
     ("Nurses strike...", "Nurses strike..."),
     ('Nurse: "We are done"', "Nurse: 'We are done'"),
     ("  Two\n lines ", "Two lines")],
)  # fmt: skip
def test_headlines_are_cleaned(raw: str, clean: str) -> None:
    assert clean_headline(raw, outlet="The Harbor Courier") == clean


@pytest.mark.parametrize(
    "summary",
    ["Workers at the plant have been waiting for a contract since last...",
     "Read more about the strike at the Northfield plant on our site.",
     "and then the workers walked out of the plant in Northfield on Monday.",
     "Short one.", "", "He said “we will strike at the plant in Northfield. The rest is cut"],
)  # fmt: skip
def test_a_teaser_that_cannot_be_quoted_whole_is_left_out(summary: str) -> None:
    assert first_sentence(summary) == ""


def test_a_sentence_does_not_end_at_a_title_or_an_initial() -> None:
    text = "Gov. J. B. Lee and Dr. Ruiz met the workers of Acme Inc. on Monday in Dover. They left."
    assert first_sentence(text) == text.removesuffix(" They left.")


@given(st.text(max_size=300))
def test_a_clean_line_is_one_visible_line_and_stays_so(text: str) -> None:
    line = clean_line(text)
    assert clean_line(line) == line
    assert line == line.strip()
    assert not any(char in line for char in "\n\r\t\u202e\u200b\u2066")


@pytest.mark.parametrize(
    ("cue", "text", "found"),
    [("vote* to strike", "Nurses voted to strike", "voted to strike"),
     ("call* off ... strike", "Union calls off rail strike", "calls off rail strike"),
     ("block* ... ban", "Judge blocks Gov. Lee's ban", "blocks Gov. Lee's ban"),
     ("block* ... ban", "Judge blocks law. A ban follows", None),  # not across a sentence
     ("strike", "Strikebreakers arrive", None),
     ("short-staffed", "Short staffed wards", "Short staffed"),
     ("worker's", "The worker’s day", "worker’s"),
     ("a ... b", "a 1 2 3 4 5 6 7 8 9 b", None),  # more than eight words between
     ("", "anything", None), ("...", "anything", None)],
)  # fmt: skip
def test_cues(cue: str, text: str, found: str | None) -> None:
    spans = find_phrase(cue, text)
    assert (text[spans[0][0] : spans[0][1]] if spans else None) == found


def test_a_cue_inside_another_moments_cue_does_not_count() -> None:
    # By weight alone "strike" and "rail strike" would tie with "calls off ... strike" and, being
    # first, win.
    strike = Moment(name="strike", label="x", stance="neutral", cues=("strike", "rail strike"))
    deal = Moment(name="deal", label="y", stance="progress", cues=("call* off ... strike",))
    reading = read_moment((strike, deal), title="Union calls off rail strike")
    assert reading.moment == deal


def test_equal_signs_of_good_and_bad_news_choose_nothing() -> None:
    reading = read_moment(ISSUES["labor"].moments, title="Layoffs announced, contract ratified")
    assert reading.moment is None
    assert reading.unclear
    assert "Unclear" in reading.in_words()


def test_a_death_outweighs_everything_else_in_the_headline() -> None:
    reading = read_moment(
        ISSUES["labor"].moments, title="Workers vote to strike after worker killed on the job"
    )
    assert reading.moment is not None
    assert reading.moment.hold


@pytest.mark.parametrize(
    ("text", "expected"),
    [("“We want to come home,” said Ana Ruiz, a packer.", [("We want to come home", "Ana Ruiz")]),
     ('"No one told us anything," Ruiz said.', [("No one told us anything", "Ruiz")]),
     ("Ana de la Cruz dijo: «Nadie nos dijo nada».", [("Nadie nos dijo nada", "Ana de la Cruz")]),
     ("“We want to come home safe,” he said.", []),
     ("“We want to come home safe.” Nobody answered.", []),
     ("“Enough,” said Ana Ruiz.", [])],
)  # fmt: skip
def test_quotations_are_taken_only_with_a_named_speaker(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(q.text, q.speaker) for q in quotes_in(text)] == expected


def test_a_push_message_and_an_ad_have_a_title_a_link_and_one_varied_block() -> None:
    for channel in ("push", "ad"):
        drafted = draft(channels=(channel,))
        assert {v.key for v in drafted.variants} == {"a", "b"}
        for variant in drafted.variants:
            assert variant.text.subject
            assert variant.text.body.splitlines()[-1].startswith("Link: https://")
            assert variant.length.count(" of ") == 2
            assert not [f for f in variant.findings if f.code in {"RS050", "RS070"}]
        assert not [f for f in drafted.findings if f.code == "RS080"]
