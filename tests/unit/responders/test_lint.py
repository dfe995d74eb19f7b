"""Lint: each rule speaks on its case and is silent on its neighbour, and the page explains each."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from responders.drafting.compose import compose
from responders.drafting.diff import mark, word_diff
from responders.drafting.lint import RULES, LintRules, lint_draft
from responders.drafting.readability import reading_grade, syllables
from responders.model.draft import (
    Draft,
    MatchReason,
    Organisation,
    Quote,
    StoryEntry,
    StoryFacts,
)
from responders.model.issue_file import issue_from_mapping
from responders.starter import starter_issues

NOW = datetime(2026, 5, 12, 11, 0, tzinfo=UTC)
ORG = Organisation(
    name="Four Rivers",
    link="https://go.fourrivers.org",
    phone="555-0142",
    signer="Maya Ortiz",
    address="14 Mill Street",
    email_opt_out="Leave: {{unsubscribe_url}}",
    disclaimer="Paid for by Four Rivers.",
)
LABOR = replace(
    issue_from_mapping(yaml.safe_load(starter_issues()["labor"])),
    channels=("email", "sms", "post", "call"),
)
# A fact for the moment of the story below, so that its expiry can be tested.
LABOR = replace(
    LABOR,
    talking_points=tuple(
        replace(p, moments=(*p.moments, "strike-vote")) if p.name == "section-7" else p
        for p in LABOR.talking_points
    ),
)
STORY = StoryFacts(
    id="st_1",
    title="Northfield workers vote to strike over 5% offer",
    url="https://courier.org/strike",
    source="The Harbor Courier",
    published_at=NOW - timedelta(hours=2),
    summary="Workers voted 412 to 61 to authorize a strike at the Northfield plant on Monday.",
    quotes=(Quote(text="We gave them every chance to talk", speaker="Ana Ruiz"),),
    entries=(
        StoryEntry(
            title="Strike vote in Northfield", url="https://b.org", source="Radio Four Rivers"
        ),
    ),
)
REASON = MatchReason(issue="labor", issue_title="safe work")


def composed(story: StoryFacts = STORY, **options: object) -> Draft:
    return compose(story, LABOR, REASON, ORG, as_of=NOW, **options)


BASE = composed()


def edited(channel: str, *, draft: Draft = BASE, **fields: str) -> Draft:
    """The draft with other words in variant a of a channel."""
    variants = tuple(
        replace(v, text=replace(v.text, **fields)) if (v.channel, v.key) == (channel, "a") else v
        for v in draft.variants
    )
    return replace(draft, variants=variants)


def codes(draft: Draft, *, key: str = "a", channel: str = "email", **options: object) -> set[str]:
    options = {"issue": LABOR, "org": ORG, "as_of": NOW} | options
    issue, org = options.pop("issue"), options.pop("org")
    checked = lint_draft(draft, issue, org, **options)  # type: ignore[arg-type]
    return {f.code for v in checked.on(channel) if v.key == key for f in v.findings}  # type: ignore[arg-type]


def whole(draft: Draft, **options: object) -> set[str]:
    options = {"issue": LABOR, "org": ORG, "as_of": NOW} | options
    issue, org = options.pop("issue"), options.pop("org")
    return {f.code for f in lint_draft(draft, issue, org, **options).findings}  # type: ignore[arg-type]


def body(extra: str, channel: str = "email") -> Draft:
    text = BASE.on(channel)[0].text.body  # type: ignore[arg-type]
    return edited(channel, body=f"{text}\n\n{extra}")


def test_a_fresh_draft_is_clean() -> None:
    assert whole(BASE) == set()
    for variant in BASE.variants:
        assert variant.findings == ()


CASES: list[tuple[str, str, str]] = [
    # code, words that break the rule, words beside them that do not
    ("RS010", "“We gave them every chance to talk” is how it is.",
     "“We gave them every chance to talk,” said Ana Ruiz."),
    ("RS010", "It says: “Northfield workers vote to strike over 5% offer”",
     "The Harbor Courier: “Northfield workers vote to strike over 5% offer”"),
    ("RS011", "The Harbor Courier: “Northfield workers are winning big today”",
     "The Harbor Courier: “Northfield workers vote to strike...”"),
    ("RS011", "“They lied to us about it,” said Ana Ruiz.", "They call it a “final offer” again."),
    ("RS012", "They voted 431 to 61.", "They voted 412 to 61, over 5%."),
    ("RS012", "It costs $2,000.", "Call 555-0142, or see https://go.fourrivers.org/2026/99."),
    ("RS024", "Tell them to reject the offer.", "Tell them that you stand with them."),
    ("RS054", "Dear [first name],", "Dear friend,"),
    ("RS054", "It happened in TK.", "It happened in Northfield."),
    ("RS055", "Click here.", "Come on Friday."),
    ("RS062", "THIS CANNOT STAND", "The NLRB decides."),
    ("RS062", "Enough!!", "Enough!"),
    ("RS051", "See http://a.org/x", "See https://a.org/x"),
    ("RS052", "See https://example.org/x", "See https://a.org/x"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "bad", "good"), CASES, ids=lambda t: str(t)[:28])
def test_a_rule_speaks_on_its_case_and_not_on_its_neighbour(code: str, bad: str, good: str) -> None:
    assert code in codes(body(bad))
    assert code not in codes(body(good))


def test_shortener_counts_in_sms_only() -> None:
    text = BASE.on("sms")[0].text.body
    assert "RS053" in codes(edited("sms", body=f"{text} https://bit.ly/x"), channel="sms")
    assert "RS053" not in codes(body("https://bit.ly/x"))


def test_subject_must_keep_what_it_promises() -> None:
    assert "RS013" in codes(edited("email", subject="They asked Governor Hale"))
    assert "RS013" in codes(edited("email", subject="Day 9 of the strike"))
    assert "RS013" not in codes(edited("email", subject="All 412 of them"))
    setback = composed(replace(STORY, title="Plant to cut 300 jobs, layoffs begin", summary=""))
    assert setback.moment == "layoffs"
    assert "RS013" in codes(edited("email", draft=setback, subject="A victory for all of us"))
    assert "RS013" not in codes(edited("email", draft=setback, subject="When jobs are cut"))


def test_old_undated_lone_and_opinion_sources_are_said() -> None:
    late = NOW + timedelta(hours=40)
    assert "RS014" in whole(BASE, as_of=late)
    assert "RS014" not in whole(BASE, as_of=late, rules=LintRules(stale_hours=72))
    undated = composed(replace(STORY, published_at=None))
    assert "RS014" in whole(undated)
    assert "RS015" in whole(composed(replace(STORY, title="Opinion | Why workers strike")))
    assert "RS015" not in whole(composed(replace(STORY, title="Opinions split as workers strike")))
    assert "RS016" in whole(composed(replace(STORY, lang="es")))
    assert "RS017" in whole(composed(replace(STORY, entries=())))


def test_death_in_the_headline_blocks_an_ask() -> None:
    shot = composed(replace(STORY, title="Striking worker shot outside plant", summary=""))
    found = [f for f in shot.findings if f.code == "RS021"]
    assert [f.severity for f in found] == ["error"]
    below = composed(
        replace(STORY, summary="The strike follows the funeral of a worker on Monday.")
    )
    assert [f.severity for f in below.findings if f.code == "RS021"] == ["warning"]
    hold = composed(replace(STORY, title="Worker killed at Dalton plant", summary=""))
    assert {"RS020"} == {f.code for f in hold.findings}


@pytest.mark.parametrize(
    "title",
    ["Senate kills bill on overtime for workers", "Overtime bill dies in committee, workers say",
     "Election worker receives death threats", "Workers in dead heat with management"],
)  # fmt: skip
def test_political_deaths_are_no_deaths(title: str) -> None:
    assert "RS021" not in whole(composed(replace(STORY, title=title, summary="")))


def test_sensitive_words_ask_for_a_reader_and_some_block() -> None:
    raid = composed(replace(STORY, title="Workers strike after ICE raid"))
    assert [f.severity for f in raid.findings if f.code == "RS022"] == ["warning"]
    grave = composed(replace(STORY, summary="The suicide of a driver led to the walkout."))
    assert "error" in [f.severity for f in grave.findings if f.code == "RS022"]


def test_unclear_news_is_said() -> None:
    both = composed(replace(STORY, title="Layoffs announced, contract ratified", summary=""))
    assert "RS023" in whole(both)
    assert "RS023" not in whole(BASE)


def test_expired_facts_and_asks_in_a_text_are_errors() -> None:
    point = next(p for p in LABOR.talking_points if p.name == "section-7")
    old = replace(LABOR, talking_points=(replace(point, expires_on=date(2026, 5, 11)),))
    assert "RS030" in codes(BASE, issue=old)
    ask = next(a for a in LABOR.asks if a.name == "solidarity")
    assert "RS032" in codes(
        BASE, issue=replace(LABOR, asks=(replace(ask, expires_on=date(2026, 5, 11)),))
    )
    assert "RS030" not in codes(BASE)
    assert "RS032" not in codes(BASE)


def test_law_lines_must_be_there() -> None:
    text = BASE.on("email")[0].text.body
    for line, code in (
        (ORG.disclaimer, "RS040"),
        (ORG.email_opt_out, "RS041"),
        (ORG.address, "RS042"),
    ):
        assert code in codes(edited("email", body=text.replace(line, "")))
    assert "RS041" in codes(BASE, org=replace(ORG, email_opt_out=""))
    sms = BASE.on("sms")[0].text.body
    cut = sms.replace(ORG.sms_opt_out, "").strip()
    assert "RS041" in codes(edited("sms", body=cut), channel="sms")
    assert "RS041" not in codes(edited("sms", body=f"{cut} Text STOP to quit"), channel="sms")


def test_there_must_be_a_way_to_act() -> None:
    post = "“Strike vote in Northfield” (Radio Four Rivers)"
    assert "RS050" in codes(edited("post", body=f"{post} Stand with them."), channel="post")
    assert "RS050" not in codes(edited("post", body=f"{post} Call 555-0142"), channel="post")


def test_lengths_are_judged_as_the_channel_counts() -> None:
    post = BASE.on("post")[0].text.body
    assert "RS070" in codes(edited("post", body=f"{post} {'a' * 200}"), channel="post")
    sms = BASE.on("sms")[0].text.body
    assert "RS072" in codes(edited("sms", body=sms.replace("'", "’") + "’"), channel="sms")
    assert "RS071" in codes(edited("sms", body=f"{sms} {'a ' * 60}"), channel="sms")
    assert "RS071" in codes(edited("email", subject="a " * 31 + "b"))
    # 250 wide characters are 500 on X; 290 plain ones with a long address fit X and not Bluesky.
    long_link = f"{'a' * 230} https://go.fourrivers.org/{'b' * 90}"
    found = codes(edited("post", body=long_link), channel="post")
    assert "RS073" in found
    assert "RS070" not in found


def test_hard_sentences_are_graded_and_other_languages_are_not() -> None:
    heavy = (
        "The administrative determination regarding compensation methodologies necessitates "
        "comprehensive organizational participation in deliberative proceedings concerning "
        "occupational classification and remuneration standardization across jurisdictions. "
    )
    text = BASE.on("email")[0].text.body
    assert "RS060" in codes(edited("email", body=text + "\n\n" + heavy * 3))
    assert "RS060" not in codes(BASE)
    spanish = replace(BASE, lang="es")
    assert "RS061" in codes(spanish)


def test_arms_that_differ_elsewhere_are_no_experiment() -> None:
    assert "RS080" not in whole(BASE)
    assert "RS080" in whole(edited("email", subject="Another subject"))
    assert "RS080" in whole(body("One more line."))
    twin = tuple(replace(v, blocks=BASE.on(v.channel)[0].blocks, text=BASE.on(v.channel)[0].text)
                 for v in BASE.variants)  # fmt: skip
    assert "RS080" in whole(replace(BASE, variants=twin))
    assert "RS081" in whole(composed(variants=1))


def test_lint_twice_is_lint_once() -> None:
    once = lint_draft(body("Enough!!"), LABOR, ORG, as_of=NOW)
    assert lint_draft(once, LABOR, ORG, as_of=NOW) == once


def test_a_rule_can_be_switched_off_unless_it_is_an_error() -> None:
    draft = body("Enough!! They voted 431 to 61.")
    assert {"RS012", "RS062"} <= codes(draft)
    left = codes(draft, rules=LintRules(off=frozenset({"RS012", "RS062"})))
    assert "RS062" not in left
    assert "RS012" in left


def test_every_finding_has_a_rule_and_a_place_or_concerns_the_whole() -> None:
    checked = lint_draft(body("Enough!! “Nobody said this ever” 431"), LABOR, ORG, as_of=NOW)
    for variant in checked.variants:
        for finding in variant.findings:
            assert finding.code in RULES
            assert finding.where.startswith(f"{variant.channel}.{variant.key}")


PAGE = Path(__file__).parents[3] / "docs" / "drafting" / "lint.md"


def test_every_rule_is_explained_and_every_explanation_has_a_rule() -> None:
    page = PAGE.read_text(encoding="utf-8")
    sections = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    heads = {section.splitlines()[0][:5]: section for section in sections}
    assert set(heads) == set(RULES)
    for code, section in heads.items():
        first = section.splitlines()[0]
        assert first == f"{code} {RULES[code].title}", first
        assert f"*{RULES[code].severity}*" in section, code
        assert "**Why.**" in section, code
        assert "**Fix.**" in section, code


# Syllable counts as in a dictionary (Merriam-Webster's divisions).
@pytest.mark.parametrize(
    ("word", "count"),
    [("work", 1), ("worker", 2), ("people", 2), ("organize", 3), ("wages", 2), ("asked", 1),
     ("wanted", 2), ("safe", 1), ("employer", 3), ("community", 4), ("rights", 1)],
)  # fmt: skip
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_grade_of_known_counts() -> None:
    # 60 one-syllable words in 6 sentences: 0.39*10 + 11.8*1 - 15.59 = 0.11 (the formula itself).
    text = " ".join(["We all work hard and we want to come home."] * 6)
    assert len(text.split()) == 60
    assert reading_grade(text, lang="en").grade == 0.1
    short = reading_grade("We work.", lang="en")
    assert short.grade is None
    assert "too few" in short.reason


@given(st.text(max_size=80), st.text(max_size=80))
def test_diff_holds_both_texts(before: str, after: str) -> None:
    changes = word_diff(before=before, after=after)
    assert "".join(c.text for c in changes if c.kind != "added") == before
    assert "".join(c.text for c in changes if c.kind != "removed") == after


def test_diff_is_by_word() -> None:
    assert (
        mark(word_diff(before="Sign it now", after="Sign it today")) == "Sign it [-now-]{+today+}"
    )
