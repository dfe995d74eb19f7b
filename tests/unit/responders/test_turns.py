"""Reading a headline: turning words cancel in pairs, what is open is not told as done."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.drafting.moments import read_moment
from responders.drafting.turns import is_open, read_turn, turning_words, without_may
from responders.model.issue import Moment, Thing
from responders.model.issue_file import issue_from_mapping
from testkit.errors import DefinitionError
from tests.reading_marks import headlines, issues, mark, read_all

CAP = Thing(
    name="cap",
    wanted=True,
    words=("rent cap*",),
    moments={"won": "win", "won-in-court": "court-win", "lost": "loss", "refused": "no",
             "feared": "risk"},
)  # fmt: skip
SWEEP = Thing(name="sweep", wanted=False, words=("sweep*", "eviction*"))
MOMENTS = tuple(
    Moment(name=name, label=name, stance=stance, cues=("never said",))
    for name, stance in (
        ("win", "progress"), ("court-win", "progress"), ("loss", "setback"), ("no", "setback"),
        ("risk", "setback"),
    )
)  # fmt: skip
TURNING = ("veto of", "challenge to", "repeal of", "limits on", "injunction against")


def way(title: str, *things: Thing, lang: str = "en") -> int:
    turn = read_turn(things or (CAP, SWEEP), title, lang=lang)
    return 0 if turn is None else 1 if turn.good else -1


@given(
    st.lists(st.sampled_from(TURNING), max_size=5),
    st.sampled_from([("Court upholds", 1), ("Court rejects", -1), ("Board approves", 1)]),
    st.booleans(),
)
def test_each_turning_word_turns_the_news_once(nouns, verb, wanted):
    words, sign = verb
    thing = Thing(name="x", wanted=wanted, words=("rent cap",))
    title = " ".join([words, *nouns, "rent cap"])
    assert way(title, thing) == sign * (1 if wanted else -1) * (-1) ** len(nouns)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Council passes rent cap", 1),
        ("Rent cap blocked by judge", -1),
        ("Judge refuses to block rent cap", 1),
        ("Senate fails to override veto of rent cap", -1),
        ("Effort to repeal rent cap fails", 1),
        ("Judge blocks sweep of river camp", 1),
        ("Council passes rent cap as landlords vow to repeal", 1),
        ("Law protects renters from eviction", 1),
        ("Court declines to revive canceled rent cap", -1),
        ("Rent cap is the talk of the town", 0),
        ("Council passes rent cap, evictions", 0),  # two that turn opposite ways
    ],
)
def test_the_way_a_headline_turns(title, expected):
    assert way(title) == expected


@pytest.mark.parametrize(
    ("title", "moment"),
    [
        ("Council passes rent cap", "win"),
        ("Court upholds rent cap", "court-win"),
        ("Court voids rent cap", "loss"),
        ("Mayor vetoes rent cap", "no"),
        ("Council repeals rent cap", "loss"),
        ("Council weighs repeal of rent cap", "risk"),
        ("Landlords sue to block rent cap", "risk"),
        ("House votes to gut rent cap", "risk"),  # one chamber decides nothing alone
        ("Rent cap proposal dies without a vote", "no"),  # what is over is not open
        ("Council weighs approving rent cap", None),
        ("Police plan sweep", None),
    ],
)
def test_the_moment_that_an_outcome_names(title, moment):
    reading = read_moment(MOMENTS, title=title, things=(CAP, SWEEP))
    assert (reading.moment.name if reading.moment else None) == moment


def test_a_cue_that_does_not_see_the_turning_word_is_overruled():
    cue = Moment(name="no", label="no", stance="setback", cues=("reject* ... rent cap",))
    title = "Senate rejects repeal of rent cap"
    assert read_moment((cue,), title=title).moment == cue
    reading = read_moment((cue, *MOMENTS[:1]), title=title, things=(CAP,))
    assert reading.moment is not None
    assert reading.moment.name == "win"


def test_what_is_open_or_has_no_words_is_said_in_the_reading():
    asked = read_moment(MOMENTS, title="Council weighs approving rent cap", things=(CAP,))
    assert asked.in_words().startswith("Not decided yet (")
    good = read_moment(MOMENTS, title="Judge blocks sweep of camp", things=(SWEEP,))
    assert good.moment is None
    assert good.in_words().startswith("Read as good news (")
    bare = Moment(name="w", label="w", stance="progress", cues=("rent cap",))
    assert read_moment((bare,), title="Town may get rent cap").doubt == "open"
    assert read_moment((bare,), title="Town gets rent cap in May").moment == bare


def test_the_month_and_the_permission_are_not_the_doubt():
    assert is_open("Voters may decide")
    assert not is_open("Vote comes in May")
    assert not is_open("Court rules that boxes may return")
    assert without_may("Nurses may now prescribe") == "Nurses --- now prescribe"


def test_words_are_taken_by_language_and_unknown_ones_fall_back():
    assert turning_words("Juez anula tope", lang="es-MX") == ((5, 10),)
    assert turning_words("Judge voids cap", lang="fr") == turning_words("Judge voids cap")


def test_a_death_of_a_bill_is_no_death():
    death = Moment(name="d", label="d", stance="setback", cues=("kill*",), hold=True)
    assert read_moment((death,), title="Senate kills clean air bill").moment is None
    assert read_moment((death,), title="Blast at state plant kills two").moment == death


def test_a_thing_is_read_with_all_its_problems_at_once():
    with pytest.raises(DefinitionError) as caught:
        issue_from_mapping(
            {"issue": "a", "title": "a", "query": "a", "owner": "a", "frames": {},
             "moments": [{"name": "win", "label": "w", "cues": ["x"]}],
             "things": [{"name": "cap", "moments": {"wonn": "win", "lost": "los"}}]}
        )  # fmt: skip
    said = str(caught.value)
    assert "'words' is missing" in said
    assert "'wanted' is missing" in said
    assert "did you mean 'won'" in said
    assert "no 'los' under lost" in said


# What a later change may not make worse. The honest figures for headlines that the rules had not
# seen stand in docs/drafting/stories/README.md; here the words have been added since.
@pytest.mark.parametrize(
    ("name", "right"), [("development", 146), ("fresh", 97), ("second", 67), ("spanish", 20)]
)
def test_stored_headlines_are_read_as_well_as_before_and_none_the_wrong_way_round(name, right):
    done = read_all(name)
    count = Counter(found for _, _, found in done)
    wrong = [(h.title, r.in_words()) for h, r, found in done if found == "wrong way round"]
    early = [(h.title, r.in_words()) for h, r, found in done if found == "too early"]
    assert (wrong, early) == ([], [])
    assert count["right"] >= right


def test_labels_of_headlines_name_moments_that_exist():
    known = issues()
    for name in ("development", "fresh", "second", "spanish"):
        for given_ in headlines(name):
            names = {m.name for m in known[given_.cause].moments} | {"none"}
            assert set(given_.moments) <= names, given_
            assert given_.sign in {"+", "-", "0", "+?", "-?"}, given_
            assert mark(given_, read_moment((), title=given_.title)) in {"right", "neutral"}
