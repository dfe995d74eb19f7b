"""Stories: what joins, what stays apart, what keeps its name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.cluster import Clusterer, ClusterParams, StoryEntry
from testkit.errors import InputError, NotFoundError

START = datetime(2026, 5, 4, 9, tzinfo=UTC)

# Titles by event, written for this test.
EVENTS = {
    "mercy": [
        "Nurses at Mercy Hospital vote to strike over staffing",
        "Mercy Hospital nurses set strike date",
        "Strike looms at Mercy as nurses demand safe staffing",
        "Mercy Hospital braces for a nurses strike",
    ],
    "dam": [
        "Evacuation ordered below Orrin Lake dam",
        "Orrin Lake dam could fail, officials warn",
        "Thousands flee as Orrin Lake dam weakens",
        "Governor visits Orrin Lake dam",
    ],
    "ballot": [
        "Court strikes down county ballot drop box limit",
        "Ballot drop boxes return after court ruling",
        "County must restore ballot drop boxes, court says",
        "What the ballot drop box ruling means",
    ],
}


def entry(number, title, *, hours=0.0, owner="", summary=""):
    return StoryEntry(
        id=f"e{number}",
        at=START + timedelta(hours=hours),
        title=title,
        summary=summary,
        owner=owner,
    )


def news():
    """Entries of three events, interleaved, one every half hour, each from another owner."""
    rows = [
        (event, title)
        for wave in zip(*EVENTS.values(), strict=True)
        for event, title in zip(EVENTS, wave, strict=True)
    ]
    return [
        (event, entry(n, title, hours=n / 2, owner=f"outlet {n}"))
        for n, (event, title) in enumerate(rows)
    ]


def grown():
    clusterer = Clusterer()
    for _, item in news():
        clusterer.add(item)
    return clusterer


def groups(clusterer):
    return {frozenset(story.entries) for story in clusterer.stories()}


def test_each_event_becomes_one_story():
    events = {}
    for event, item in news():
        events.setdefault(event, set()).add(item.id)
    assert groups(grown()) == {frozenset(ids) for ids in events.values()}


def test_a_story_is_named_by_its_first_entry_or_by_the_caller():
    clusterer = Clusterer()
    assert clusterer.add(entry(1, EVENTS["dam"][0])).story_key == "e1"
    assert clusterer.add(entry(2, EVENTS["mercy"][0]), key="story-7").story_key == "story-7"
    joined = clusterer.add(entry(3, EVENTS["mercy"][1]), key="unused")
    assert (joined.story_key, joined.created) == ("story-7", False)
    assert 0.15 <= joined.score <= 1.0


def test_a_name_is_given_once():
    clusterer = Clusterer()
    clusterer.add(entry(1, EVENTS["dam"][0]), key="a")
    with pytest.raises(InputError, match="already"):
        clusterer.add(entry(2, EVENTS["mercy"][0]), key="a")


def test_adding_an_entry_twice_changes_nothing():
    clusterer = grown()
    before = clusterer.export()
    again = clusterer.add(news()[4][1])
    assert (again.created, again.merges) == (False, ())
    assert clusterer.export() == before


def test_one_owner_is_a_report_and_two_are_a_story():
    clusterer = Clusterer()
    titles = EVENTS["mercy"]
    clusterer.add(entry(1, titles[0], owner="Herald", hours=0))
    clusterer.add(entry(2, titles[1], owner="Herald", hours=1))
    clusterer.add(entry(3, titles[2], owner="", hours=2))
    assert not clusterer.story("e1").corroborated
    clusterer.add(entry(4, titles[3], owner="Post", hours=3))
    story = clusterer.story("e1")
    assert story.corroborated
    assert [(v.owner, v.at - START) for v in story.voices] == [
        ("Herald", timedelta(0)),
        ("Post", timedelta(hours=3)),
    ]
    assert (story.first_at, story.last_at) == (START, START + timedelta(hours=3))
    assert {"mercy", "nurses"} <= set(story.terms)


def test_nearness_fades_with_silence():
    one, other = EVENTS["dam"][:2]
    for hours, joined in ((1, True), (60, False)):
        clusterer = Clusterer()
        clusterer.add(entry(1, one))
        assert clusterer.add(entry(2, other, hours=hours)).created is not joined


def test_the_same_words_join_within_the_window_and_not_after_it():
    title = EVENTS["dam"][0]
    for hours, joined in ((40, True), (80, False)):
        clusterer = Clusterer(ClusterParams(fade_hours=1e6))
        clusterer.add(entry(1, title))
        assert clusterer.add(entry(2, title, hours=hours)).created is not joined


def test_a_story_that_goes_on_outlives_the_window():
    clusterer = Clusterer()
    keys = {clusterer.add(entry(n, EVENTS["dam"][0], hours=20 * n)).story_key for n in range(6)}
    assert keys == {"e0"}
    assert len(clusterer.story("e0").entries) == 6


def test_what_left_the_window_is_forgotten():
    clusterer = grown()
    clusterer.add(entry(99, "Quiet day", hours=500))
    assert groups(clusterer) == {frozenset({"e99"})}
    with pytest.raises(NotFoundError):
        clusterer.story("e0")


def test_function_words_alone_join_nothing_even_at_the_very_start():
    clusterer = Clusterer()
    clusterer.add(entry(1, "What we know about the day after"))
    assert clusterer.add(entry(2, "The one who was there and is not here")).created
    clusterer = Clusterer()
    clusterer.add(entry(1, "Lo que se sabe de la sequía"))
    assert clusterer.add(entry(2, "Por qué la de los otros no es para todos")).created


def test_an_entry_without_words_is_a_story_of_its_own():
    clusterer = Clusterer()
    assert clusterer.add(entry(1, "…")).created
    assert clusterer.add(entry(2, "")).created
    assert len(clusterer.stories()) == 2


def test_an_outlets_furniture_does_not_make_stories():
    clusterer = Clusterer()
    subjects = [
        "tariffs",
        "lichen",
        "opera",
        "marathon",
        "geyser",
        "budget",
        "orchid",
        "tunnel",
        "comet",
        "bakery",
        "glacier",
        "senate",
        "rugby",
        "vaccine",
        "sculpture",
        "ferry",
        "drought",
        "startup",
        "wildfire",
        "museum",
    ]
    for n, subject in enumerate(subjects):
        tail = "The post appeared first on Daily Example Gazette"
        clusterer.add(entry(n, f"On {subject}", owner="Gazette", summary=tail, hours=n / 10))
    late = [s for s in clusterer.stories() if int(s.entries[-1][1:]) >= 10]
    assert all(len([e for e in s.entries if int(e[1:]) >= 10]) == 1 for s in late)


def test_stories_that_grow_towards_each_other_merge_under_the_older_name():
    # The first two share nothing; what follows speaks of both.
    titles = [
        "Bridge collapse in Port Ellis",
        "Freighter Marigold loses power",
        "Freighter Marigold hits Port Ellis bridge",
        "Marigold freighter crew questioned over Port Ellis bridge collapse",
        "Port Ellis bridge collapse: how freighter Marigold lost power",
        "Bridge collapse: Marigold freighter lost power off Port Ellis",
    ]
    clusterer = Clusterer()
    placed = [clusterer.add(entry(n, t, hours=n / 4)) for n, t in enumerate(titles)]
    assert [p.created for p in placed[:2]] == [True, True]
    merges = [merge for p in placed for merge in p.merges]
    assert [(m.kept, m.gone) for m in merges] == [("e0", "e1")]
    assert merges[0].score >= ClusterParams().merge
    assert groups(clusterer) == {frozenset(f"e{n}" for n in range(len(titles)))}
    with pytest.raises(NotFoundError):
        clusterer.story("e1")


def test_a_merge_by_hand_keeps_the_older_name_whichever_comes_first():
    for pair in (("e0", "e1"), ("e1", "e0")):
        clusterer = grown()
        merge = clusterer.merge(*pair)
        assert (merge.kept, merge.gone, merge.score) == ("e0", "e1", None)
        assert len(clusterer.story("e0").entries) == 8
        # What comes later for either goes to the one.
        assert clusterer.add(entry(50, EVENTS["dam"][1], hours=7)).story_key == "e0"


def test_a_story_cannot_be_merged_with_itself_or_with_nothing():
    clusterer = grown()
    with pytest.raises(InputError):
        clusterer.merge("e0", "e0")
    with pytest.raises(NotFoundError):
        clusterer.merge("e0", "nothing")


def split_out(clusterer):
    """The dam's entries, taken out of a story into which they were merged by hand."""
    clusterer.merge("e0", "e1")
    moving = [item for event, item in news() if event == "dam"]
    return clusterer.split("e0", moving, new_key="dam"), moving


def test_a_split_moves_entries_under_a_new_name():
    clusterer = grown()
    story, moving = split_out(clusterer)
    assert set(story.entries) == {item.id for item in moving}
    assert len(clusterer.story("e0").entries) == 4
    assert not {"orrin", "dam"} & set(clusterer.story("e0").terms)
    assert clusterer.story("e0").last_at == START + timedelta(hours=4.5)
    assert clusterer.add(entry(50, EVENTS["dam"][1], hours=7)).story_key == "dam"
    assert clusterer.add(entry(51, EVENTS["mercy"][1], hours=7)).story_key == "e0"


def test_what_was_split_by_hand_is_never_merged_again_by_itself():
    titles = EVENTS["mercy"]
    items = [entry(n, titles[n % 4], hours=n / 10) for n in range(8)]
    clusterer = Clusterer()
    for item in items:
        clusterer.add(item)
    assert len(clusterer.stories()) == 1
    clusterer.split("e0", items[4:], new_key="second")
    clusterer = Clusterer(state=json.loads(json.dumps(clusterer.export())))
    for n in range(20, 60):
        assert clusterer.add(entry(n, titles[n % 4], hours=1 + n / 100)).merges == ()
    assert len(clusterer.stories()) == 2


def test_a_split_leaves_some_and_moves_some():
    clusterer = grown()
    mercy = [item for event, item in news() if event == "mercy"]
    for moving in ([], mercy):
        with pytest.raises(InputError, match="moves some"):
            clusterer.split("e0", moving, new_key="x")
    with pytest.raises(NotFoundError):
        clusterer.split("e0", [news()[1][1]], new_key="x")
    with pytest.raises(InputError, match="already"):
        clusterer.split("e0", mercy[:1], new_key="e1")
    assert groups(clusterer) == groups(grown())


def test_a_naive_time_is_refused():
    with pytest.raises(InputError, match="no zone"):
        Clusterer().add(StoryEntry(id="x", at=datetime(2026, 5, 4), title="Strike"))


@pytest.mark.parametrize(
    "wrong", [{"join": 1.5}, {"merge": -0.1}, {"fade_hours": 0}, {"window_hours": -1}]
)
def test_parameters_outside_their_domain_are_refused(wrong):
    with pytest.raises(InputError) as caught:
        ClusterParams(**wrong)
    assert caught.value.field == next(iter(wrong))


def test_a_state_of_another_version_is_refused():
    with pytest.raises(InputError, match="version 0"):
        Clusterer(state={"version": 0})


WORDS = "strike nurses dam lake court ballot vote union rent flood tax school".split()  # noqa: SIM905
STREAMS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
        st.integers(0, 30),
        st.sampled_from(["", "Herald", "Post", "Times"]),
    ),
    max_size=30,
)


def stream(rows):
    at = 0
    for n, (title, gap, owner) in enumerate(rows):
        at += gap
        yield entry(n, title, hours=at / 2, owner=owner)


@settings(max_examples=60)
@given(STREAMS, st.integers(0, 30))
def test_going_on_from_an_exported_state_is_going_on(rows, cut):
    items = list(stream(rows))
    through = Clusterer()
    placed = [through.add(item) for item in items]
    first = Clusterer()
    for item in items[:cut]:
        first.add(item)
    second = Clusterer(state=json.loads(json.dumps(first.export())))
    assert [second.add(item) for item in items[cut:]] == placed[cut:]
    assert second.export() == through.export()


@settings(max_examples=60)
@given(STREAMS)
def test_every_entry_within_the_window_is_in_exactly_one_story(rows):
    clusterer, gone, placed = Clusterer(), {}, {}
    for item in stream(rows):
        result = clusterer.add(item)
        placed[item.id] = result.story_key
        gone |= {merge.gone: merge.kept for merge in result.merges}
    told = {id_: story.key for story in clusterer.stories() for id_ in story.entries}
    assert sum(len(story.entries) for story in clusterer.stories()) == len(told)
    for id_, key in told.items():
        followed = placed[id_]
        while followed in gone:
            followed = gone[followed]
        assert followed == key
    assert all(a.first_at <= a.last_at for a in clusterer.stories())
    assert all(v.at <= w.at for s in clusterer.stories() for v, w in pairwise(s.voices))
