"""Issue files: all problems at once, and starter files that are fit to be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import pytest
import yaml

from responders.drafting.contexts import CONTEXTS, StoryContext, check_names
from responders.drafting.render import render
from responders.drafting.sms import sms_length
from responders.model.issue import BLOCKS, Issue
from responders.model.issue_file import check_issue, issue_from_mapping
from responders.starter import starter_issues
from testkit.errors import DefinitionError

TODAY = date(2026, 11, 21)
_PLAIN = StoryContext(
    title="", short_title="", url="", outlet="", others=0, others_word="", said="", more="",
    more_outlet="", place="", date="", key="", key_outlet="", decider="", step="", day="",
    starts="", body="", hurt=False, quote=None,
)  # fmt: skip
# Short forms may name who decides and the day: each is filled with long ones.
_STAGES = (
    _PLAIN,
    replace(_PLAIN, decider="Gov. Castellanos", step="sign", hurt=True),
    replace(_PLAIN, decider="your House member", step="vote", starts="September 30"),
    replace(_PLAIN, day="September 30", body="the commissioners", key="They will appeal."),
)
STARTERS = starter_issues()


def minimal() -> dict[str, object]:
    frames = {
        block: [
            {"name": name, "text": f"{block} {name}.", "short": f"{block} {name}."} for name in "ab"
        ]
        for block in BLOCKS
    }
    return {
        "issue": "rent",
        "title": "fair rent",
        "query": "rent*",
        "owner": "ana",
        "frames": frames,
        "asks": [{"name": "sign", "verb": "sign", "label": "Sign", "url": "https://a.org"}],
    }


@cache
def starter(name: str) -> Issue:
    return issue_from_mapping(yaml.safe_load(STARTERS[name]), path=f"{name}.yaml")


def problems(mapping: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        issue_from_mapping(mapping)
    return [(f.code, f.where) for f in caught.value.findings]


def test_a_minimal_issue_is_read_and_has_nothing_to_remark() -> None:
    issue = issue_from_mapping(minimal())
    assert issue.slug == "rent"
    assert issue.vary == "problem"
    assert [f.name for f in issue.frames if f.block == "value"] == ["a", "b"]
    assert check_issue(issue, as_of=TODAY) == ()


def test_every_problem_is_reported_at_once_with_its_place() -> None:
    mapping = minimal() | {
        "titel": "x",
        "owner": "",
        "risk": "extreme",
        "channels": ["email", "fax"],
        "moments": [{"name": "win", "label": "a win", "stance": "good"}],
        "talking_points": [{"name": "p", "text": "t", "expires": "soon"}],
        "asks": [{"name": "a", "verb": "sign", "label": "Sign", "moments": ["wni"]}],
    }
    assert set(problems(mapping)) == {
        ("IS002", "titel"),
        ("IS001", "owner"),
        ("IS004", "risk"),
        ("IS004", "channels.1"),
        ("IS001", "moments.0.cues"),
        ("IS004", "moments.0.stance"),
        ("IS001", "talking_points.0.source"),
        ("IS006", "talking_points.0.expires"),
        ("IS005", "asks.0.moments.0"),
        ("IS007", "asks.0"),
    }


def test_the_callers_line_numbers_stand_in_front_of_the_key() -> None:
    with pytest.raises(DefinitionError) as caught:
        issue_from_mapping(
            minimal() | {"titel": "x"}, locate=lambda at: f"issues/rent.yaml:7:1: {at[0]}"
        )
    assert caught.value.findings[0].where == "issues/rent.yaml:7:1: titel"
    assert "title" in caught.value.findings[0].hint


def test_names_must_be_unique_within_a_block() -> None:
    mapping = minimal()
    frames = {
        **mapping["frames"],
        "value": [{"name": "a", "text": "x"}, {"name": "a", "text": "y"}],
    }  # type: ignore[dict-item]
    assert problems(mapping | {"frames": frames}) == [("IS008", "frames.value")]


@pytest.mark.parametrize(
    "value", [None, [], "text", 3, {"value": "text"}, {"value": [3]}, {"value": [{"name": 3}]}]
)
def test_frames_of_the_wrong_shape_are_a_finding_not_a_crash(value: object) -> None:
    assert problems(minimal() | {"frames": value})


def test_what_will_be_missed_when_a_story_breaks_is_said_beforehand() -> None:
    mapping = minimal()
    mapping["frames"] = {"problem": [{"name": "a", "text": "x"}]}
    mapping["asks"] = []
    mapping["moments"] = [
        {"name": "death", "label": "a death", "stance": "setback", "cues": ["dies"], "hold": True}
    ]
    mapping["talking_points"] = [
        {"name": "old", "text": "t", "source": "s", "expires": "2026-01-01"},
        {"name": "ever", "text": "t", "source": "s"},
    ]
    codes = [f.code for f in check_issue(issue_from_mapping(mapping), as_of=TODAY)]
    assert {"IS010", "IS011", "IS012", "IS013", "IS014", "IS015", "IS016"} <= set(codes)
    assert codes.count("IS016") == 2
    assert codes.index("IS010") < codes.index("IS016")  # worst first


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_issue_has_no_remark(name: str) -> None:
    assert check_issue(starter(name), as_of=TODAY) == ()


@pytest.mark.parametrize("name", STARTERS)
def test_starter_frames_use_documented_names_only(name: str) -> None:
    issue = starter(name)
    for frame in issue.frames:
        for text in (frame.text, frame.short, frame.spoken):
            assert check_names(text, CONTEXTS["frame"], where=frame.name) == ()


@pytest.mark.parametrize("name", STARTERS)
def test_starter_short_forms_fit_a_text_message_in_the_gsm_alphabet(name: str) -> None:
    hold = {moment.name for moment in starter(name).moments if moment.hold}
    for frame in starter(name).frames:
        if not frame.short or hold & set(frame.moments):
            continue  # a moment that holds is never sent as SMS
        for story in _STAGES:
            short = render(frame.short, {"story": story}, name=frame.name).text
            assert short is not None, frame.short
            assert not sms_length(short).offenders, short
            assert len(short) <= 90, short


@pytest.mark.parametrize("name", STARTERS)
def test_every_starter_moment_offers_two_problems_to_test_unless_it_holds(name: str) -> None:
    issue = starter(name)
    for moment in issue.moments:
        written = [f for f in issue.frames if f.block == "problem" and moment.name in f.moments]
        assert len(written) == (0 if moment.hold else 2), moment.name


@pytest.mark.parametrize("name", STARTERS)
def test_every_starter_fact_names_a_source_and_a_day_to_check_it(name: str) -> None:
    for point in starter(name).talking_points:
        assert point.source
        assert point.expires_on is not None


def test_the_spanish_starter_has_the_moments_of_the_english_one() -> None:
    english, spanish = starter("housing"), starter("vivienda")
    assert spanish.translates == english.slug
    assert spanish.lang == "es"
    not_yet = {"bias", "price-fixing"}
    assert {m.name for m in spanish.moments} | not_yet == {m.name for m in english.moments}
