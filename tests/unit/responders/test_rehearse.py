"""The bundled stories through the bundled issues: every one is read, and none against its sense."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
import yaml

from responders.drafting.compose import compose
from responders.drafting.moments import read_moment
from responders.model.draft import MatchReason, Organisation, StoryEntry, StoryFacts
from responders.model.issue import BLOCKS
from responders.model.issue_file import issue_from_mapping
from responders.services.rehearsal_page import marks_from, shares
from responders.services.rehearse import rehearse, replayed_stories, starter_set
from responders.starter import starter_issues
from testkit.errors import InputError

ORG = Organisation(
    name="Harbor Workers United", short_name="Harbor", link="https://harbor.org/go",
    phone="555-0142", signer="Dana", address="1 Pier Road", email_opt_out="Leave: {{link}}",
)  # fmt: skip
# Kinds of development that are good or bad for the cause by their name.
SIGN = {"victory": {"progress", "neutral"}, "setback": {"setback"}, "disaster": {"setback"}}


@pytest.fixture(scope="module")
def issues():
    return starter_set(today=datetime(2026, 10, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def done(issues):
    return rehearse(ORG, issues=issues)


def test_twenty_stories_for_each_cause_and_a_few_in_spanish():
    count = Counter(story.cause for story in replayed_stories())
    assert {cause: n for cause, n in count.items() if cause != "vivienda"} == dict.fromkeys(
        ["climate", "housing", "labor", "reproductive-rights", "voting"], 20
    )
    assert count["vivienda"] == 5
    assert len({story.kind for story in replayed_stories()}) >= 10


def test_every_story_has_two_outlets_and_no_address_that_could_be_real():
    for story in replayed_stories():
        assert len({outlet for _, outlet in story.entries}) >= 2, story.name
        assert all(entry.url.split("/")[2].endswith(".example") for entry, _ in story.entries)


def test_every_story_is_drafted_and_its_draft_quotes_its_own_headline(done):
    for item in done:
        assert item.draft is not None, item.story.name
        assert item.draft.story.title in {entry.title for entry, _ in item.story.entries}
        assert item.draft.on("email"), item.story.name


def test_no_news_is_answered_with_the_opposite_mood(done, issues):
    for item in done:
        wanted = SIGN.get(item.story.kind)
        if wanted is None or not item.draft.moment:
            continue
        moment = issues[item.story.cause][0].moment(item.draft.moment)
        assert moment.stance in wanted, (item.story.name, item.draft.moment)


def test_where_somebody_died_nothing_is_asked(done):
    held = {item.story.name for item in done if item.draft.hold}
    assert {"warehouse-death", "apartment-fire", "flood-deaths", "woman-dies"} <= held
    for item in done:
        if item.draft.hold:
            assert {v.channel for v in item.draft.variants} <= {"email", "post"}


def test_a_sentence_of_another_story_is_never_quoted(done):
    for item in done:
        own = " ".join(f"{e.title} {e.summary_text}" for e, _ in item.story.entries)
        for sentence in ("1.1 million renters", "Teachers ratify", "84,000"):
            texts = " ".join(v.text.body for v in item.draft.variants)
            assert sentence not in texts or sentence in own, item.story.name


@pytest.mark.parametrize(
    ("issue", "title"),
    [
        ("housing", "Judge blocks sweep of river encampment"),
        ("labor", "Court rejects back pay for laundry workers"),
        ("voting", "Senate repeals automatic voter registration"),
        ("climate", "Council withdraws record solar plan"),
        ("vivienda", "Juez suspende desalojo de diez familias"),
    ],
)
def test_a_headline_that_turns_the_news_around_is_not_read_by_the_rest(issues, issue, title):
    chosen = issues[issue][0]
    reading = read_moment(chosen.moments, title=title)
    assert reading.unclear or reading.moment is None or reading.moment.stance == "neutral" or any(
        word in " ".join(cue.text.casefold() for cue in reading.cues)
        for word in ("block", "reject", "repeal", "withdraw", "suspende")
    )  # fmt: skip


def test_marks_are_counted_with_an_interval_and_bad_ones_are_refused():
    text = "story,cause,mark,note\na,labor,send,\nb,labor,small edit,place\nc,labor,rewrite,\n"
    shown = shares(marks_from(text))
    assert "| send | 1 | 33% |" in shown
    assert "| send or small edit | 2 | 67% | 21% to 94% |" in shown  # Wilson, 2 of 3
    for bad in (
        "story,cause\na,labor\n",
        "story,cause,mark\na,labor,fine\n",
        text + "a,labor,send,\n",
    ):
        with pytest.raises(InputError):
            marks_from(bad)
    assert shares(()) == "Not marked yet.\n"


def test_one_accent_in_a_headline_does_not_double_the_cost_of_a_text_message(done):
    item = next(item for item in done if item.story.name == "sin-calefaccion")
    for variant in item.draft.on("sms"):
        assert "calefaccion" in variant.text.body
        assert "GSM-7" in variant.length
        assert not {f.code for f in variant.findings} & {"RS011", "RS071", "RS072"}
    assert "RS006" in {f.code for f in item.draft.findings}
    assert "calefacción" in item.draft.on("email")[0].text.body


def own_blocks(issue):
    """How many frames each moment has of its own, by block."""
    return {
        moment.name: {
            block: sum(f.block == block and moment.name in f.moments for f in issue.frames)
            for block in BLOCKS
        }
        for moment in issue.moments
    }


def test_the_spanish_file_knows_every_moment_of_the_english_one(issues):
    english, spanish = issues["housing"][0], issues["vivienda"][0]
    assert {m.name: m.stance for m in english.moments} == {
        m.name: m.stance for m in spanish.moments
    }
    there = own_blocks(spanish)
    for moment, blocks in own_blocks(english).items():
        for block, count in blocks.items():
            assert bool(count) <= bool(there[moment][block]), (moment, block)
    assert {t.name for t in spanish.things}
    assert all(t.wanted in {True, False} for t in spanish.things)


def spanish_moments():
    issue = issue_from_mapping(yaml.safe_load(starter_issues()["vivienda"]))
    return [moment.name for moment in issue.moments] + [""]


@pytest.mark.parametrize("moment", spanish_moments())
def test_every_spanish_moment_renders_clean_and_fits(issues, moment):
    issue = issues["vivienda"][0]
    story = StoryFacts(
        id="s", title="El concejo de Arroyo Seco habla de la vivienda", lang="es",
        url="https://lavoz.example/vivienda", source="La Voz del Valle",
        published_at=datetime(2026, 10, 12, 9, tzinfo=UTC),
        summary="El concejo municipal de Arroyo Seco habló el lunes de la vivienda.",
        entries=(StoryEntry(title="Vivienda", url="https://b.example", source="Radio Puente"),),
    )  # fmt: skip
    reason = MatchReason(issue="vivienda", issue_title=issue.title)
    draft = compose(
        story, issue, reason, ORG, as_of=datetime(2026, 10, 12, 12, tzinfo=UTC), moment=moment,
        channels=("email", "post", *(() if moment == "death" else ("sms", "call", "push", "ad"))),
    )  # fmt: skip
    assert not [f for f in draft.findings if f.severity == "error"], draft.findings
    assert draft.on("email")
    assert moment == "death" or len(draft.on("sms")) >= 2
    for variant in draft.variants:
        left = {f.code for f in variant.findings} - {"RS061"}  # no reading grade in Spanish
        assert not left, (variant.channel, variant.findings)
