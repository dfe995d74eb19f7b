"""What thumbs weigh, in hours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from responders.rank import lift
from responders.store.labels import Thumb

TRAITS = ('"strike"', '"union"', "Herald", "Post")


def thumb(story, *traits, up=True, issue="labor"):
    return Thumb(issue=issue, story=story, up=up, traits=traits, by="kim")


def test_without_thumbs_nothing_moves():
    found = lift("s", "labor", TRAITS, [])
    assert (found.hours, found.own, found.reasons) == (0.0, None, ())


def test_one_thumb_moves_what_shares_its_words_by_a_third_of_half_a_day():
    found = lift("s", "labor", ['"strike"', "Post"], [thumb("t", '"strike"', "Herald")])
    assert found.hours == 12 / 3
    assert found.reasons == (('"strike"', 1 / 3),)


def test_a_thumb_up_and_one_down_cancel():
    said = [thumb("t", '"strike"'), thumb("u", '"strike"', up=False)]
    assert lift("s", "labor", ['"strike"'], said).hours == 0


def test_a_thumb_on_another_issue_says_nothing():
    assert lift("s", "labor", TRAITS, [thumb("s", *TRAITS, issue="climate")]).hours == 0


def test_its_own_thumb_beats_what_others_taught():
    said = [thumb(f"t{n}", *TRAITS, up=False) for n in range(50)]
    assert lift("s", "labor", TRAITS, [*said, thumb("s", *TRAITS)]).hours == 24


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from(TRAITS))), max_size=30))
def test_nothing_moves_by_more_than_a_day_and_turning_all_thumbs_turns_the_lift(said):
    thumbs = [thumb(f"t{n}", *sorted(t), up=up) for n, (up, t) in enumerate(said)]
    turned = [thumb(f"t{n}", *sorted(t), up=not up) for n, (up, t) in enumerate(said)]
    hours = lift("s", "labor", TRAITS, thumbs).hours
    assert -24 < hours < 24
    assert lift("s", "labor", TRAITS, turned).hours == -hours
