"""Seats and signatures: the count is a largest matching, against brute force."""

from __future__ import annotations

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.signoff.model import GroupDef
from testkit.signoff.quorum import Supposed, complete, fill

GROUPS = ("a", "b")
SIGNATURES = st.lists(
    st.builds(
        Supposed,
        st.sampled_from("pqrs"),
        st.sampled_from("pqrs"),
        st.sets(st.sampled_from(GROUPS), min_size=1).map(lambda s: tuple(sorted(s))),
    ),
    max_size=6,
)


def apart(chosen) -> bool:
    return len({s.actor for s in chosen}) == len({s.seat for s in chosen}) == len(chosen)


@settings(max_examples=120, deadline=None)
@given(SIGNATURES)
def test_a_group_counts_the_most_signatures_with_people_and_seats_apart(signatures):
    group = GroupDef(id="a", need=1, roles=("r",))
    mine = [s for s in signatures if "a" in s.groups]
    most = max(k for k in range(7) if any(apart(c) for c in combinations(mine, k)))
    chosen = [signatures[i] for i in fill([group], signatures)["a"]]
    assert apart(chosen)
    assert all("a" in s.groups for s in chosen)
    assert len(chosen) == most


@settings(max_examples=120, deadline=None)
@given(SIGNATURES, st.integers(1, 2), st.integers(1, 2), st.booleans())
def test_a_distinct_stage_fills_as_many_seats_as_can_be_filled(signatures, first, second, own):
    if own:
        signatures = [Supposed(s.actor, s.actor, s.groups) for s in signatures]
        signatures = list({s.actor: s for s in signatures}.values())
    groups = [GroupDef(id="a", need=first, roles=("r",)), GroupDef(id="b", need=second)]
    seats = [g.id for g in groups for _ in range(g.need)]
    most = 0
    for k in range(1, len(seats) + 1):
        for where in combinations(seats, k):
            for chosen in permutations(signatures, k):
                fits = all(g in s.groups for g, s in zip(where, chosen, strict=True))
                if fits and apart(chosen):
                    most = k
    filled = fill(groups, signatures, distinct=True)
    taken = [i for chosen in filled.values() for i in chosen]
    assert apart([signatures[i] for i in taken])
    assert len(taken) == most
    assert complete(groups, filled) is (most == len(seats))
