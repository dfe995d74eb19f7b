"""The charter beside the chain: it can only ask for more."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from testkit.errors import DefinitionError, KitError, NotAuthorisedError
from testkit.kernel.hours import hours_of
from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold
from testkit.signoff.charter import Charter, Grant, parse_charter
from testkit.signoff.charter_check import check_charter, check_coverage
from testkit.signoff.conditions import AllOf, Compare
from testkit.signoff.model import Decision, Delegation, Options, ReviewRule, material_digest
from testkit.signoff.table import State
from tests.signoff_world import OFFICE, T0, TWO_OF_THREE, TWO_STAGES, with_delegations

NOW = datetime(2026, 11, 3, 15, tzinfo=UTC)
LOW = {"risk": "low", "spend_cents": 0}
HIGH = {"risk": "high", "spend_cents": 0}
SMALL = AllOf((Compare(fact="risk", op="le", value="medium"),))
OURS = Charter(
    id="ours",
    signed_by=("ed",),
    grants=(Grant(roles=("comms_lead",), when=SMALL), Grant(roles=("ed",))),
    max_spend_cents=1000,
    override=("digital_director",),
    stand_ins={"ed": ("deputy_ed",)},
)


def submitted(facts, chain=TWO_STAGES):
    return ev.Submitted(
        at=NOW, actor="ana", request="req_1", chain=chain.id, chain_version=chain.version,
        revision="r1", digest=material_digest({"body": "x"}, chain.material), facts=facts,
    )  # fmt: skip


def in_review(facts=LOW, chain=TWO_STAGES, *more):
    return fold(chain, [submitted(facts, chain), *more])


def yes(state, person, charter=OURS, roster=OFFICE):
    return decide(state, person, Decision.APPROVE, roster, NOW, charter=charter)


def then(state, *events, chain=TWO_STAGES, facts=LOW):
    return in_review(facts, chain, *events)


def test_without_a_charter_the_chain_alone_decides():
    assert yes(in_review({**LOW, "spend_cents": 10**9, "risk": "low"}), "ben", charter=None)


def test_words_above_the_spending_limit_are_not_put_before_a_chain():
    state = fold(TWO_STAGES, [])
    for spend, code in ((1000, None), (1001, "charter"), (None, "charter"), (True, "charter")):
        event = submitted({"risk": "low", "spend_cents": spend})
        refusal = admissible(state, event, OFFICE, NOW, charter=OURS)
        assert (refusal.code if refusal else None) == code


def test_the_last_yes_must_be_enough_or_follow_one_that_is():
    # Without a grant for high risk below the executive, the chain asks comms, then the executive.
    state = in_review(HIGH)
    first = yes(state, "ben")  # not the last: taken though it covers nothing
    state = then(state, first, facts=HIGH)
    assert yes(state, "dee")  # ed
    with pytest.raises(NotAuthorisedError) as caught:
        yes(state, "eli")  # deputy_ed may sign the stage; the charter does not know the role
    assert "ask ed" in caught.value.hint


def test_a_yes_that_was_enough_lets_anybody_of_the_chain_be_the_last():
    charter = replace(OURS, grants=(Grant(roles=("comms_lead",)),))
    state = in_review(HIGH)
    state = then(state, yes(state, "ben", charter), facts=HIGH)
    assert yes(state, "eli", charter)


def test_a_fact_that_nobody_stated_covers_nothing():
    assert OURS.covering({"spend_cents": 0}) == ("ed",)
    assert OURS.covering(LOW) == ("comms_lead", "ed")


def test_in_a_stage_of_several_only_the_one_that_completes_it_is_refused():
    charter = replace(OURS, grants=(Grant(roles=("ed",)),))
    chain = TWO_OF_THREE
    state = in_review(LOW, chain)
    events = []
    for person in ("ben", "fay"):
        events.append(yes(state, person, charter))
        state = in_review(LOW, chain, *events)
    with pytest.raises(NotAuthorisedError):
        yes(state, "gus", charter)


def test_one_yes_that_fills_two_groups_is_the_last_unless_seats_are_kept_apart():
    charter = replace(OURS, grants=(Grant(roles=("ed",)),))
    chain = TWO_OF_THREE
    state = in_review(LOW, chain, yes(in_review(LOW, chain), "ben", charter))
    with pytest.raises(NotAuthorisedError):
        yes(state, "gus", charter)  # legal and policy: both groups would be full
    apart = replace(chain, stages=(replace(chain.stages[0], distinct=True),))
    state = in_review(LOW, apart, yes(in_review(LOW, apart), "ben", charter))
    assert yes(state, "gus", charter)


def test_a_release_is_asked_again_because_the_charter_may_have_changed():
    state = in_review(LOW)
    state = then(state, yes(state, "ben"))
    assert state.state.value == "cleared"
    out = ev.Released(at=NOW, actor="ana", revision="r1", digest=state.digest, release="rel_1")
    assert admissible(state, out, OFFICE, NOW, charter=OURS) is None
    narrower = replace(OURS, grants=(Grant(roles=("ed",)),))
    assert admissible(state, out, OFFICE, NOW, charter=narrower).code == "charter"


def test_nothing_goes_out_outside_the_charters_hours_and_the_refusal_names_the_next():
    state = in_review(LOW)
    state = then(state, yes(state, "ben"))
    hours = replace(OURS, release_hours=hours_of({"mon-fri": "09:00-17:00"}))
    saturday = datetime(2026, 11, 7, 12, tzinfo=UTC)
    out = ev.Released(at=saturday, actor="ana", revision="r1", digest=state.digest, release="r")
    refusal = admissible(state, out, OFFICE, saturday, charter=hours, zone_name="America/New_York")
    assert refusal.code == "too_early"
    assert refusal.at == datetime(2026, 11, 9, 14, tzinfo=UTC)  # Monday 09:00 in New York
    inside = admissible(state, out, OFFICE, refusal.at, charter=hours, zone_name="America/New_York")
    assert inside is None


def test_an_override_needs_both_the_chains_and_the_charters_role():
    state = in_review(HIGH)
    over = ev.Overridden(at=NOW, actor="eli", revision="r1", digest=state.digest, reason="now")
    assert admissible(state, over, OFFICE, NOW, charter=OURS) is None
    nobody = replace(OURS, override=())
    assert admissible(state, over, OFFICE, NOW, charter=nobody).code == "charter"


def test_a_stand_in_needs_a_role_that_the_charter_allows():
    def office(delegate):
        return with_delegations(
            Delegation(principal="dee", delegate=delegate, starts=NOW - timedelta(hours=1))
        )

    state = in_review(HIGH)
    state = then(state, yes(state, "ben"), facts=HIGH)
    signed = decide(
        state, "eli", Decision.APPROVE, office("eli"), NOW, charter=OURS, principal="dee"
    )
    assert (signed.principal, signed.path) == ("dee", ("dee", "eli"))
    with pytest.raises(NotAuthorisedError, match="stood in for by deputy_ed"):
        yes(state, "fay", roster=office("fay"))


def test_a_charter_file_is_taken_whole_or_not_and_every_problem_is_told():
    with pytest.raises(DefinitionError) as caught:
        parse_charter(
            {
                "charter": "Ours!",
                "signed_by": [],
                "may_say_yes": [{"from": ["ed"], "whenn": {}}, {"when": {"risk": {"lte": 1}}}],
                "max_spend_cents": -1,
                "release_hours": {"funday": "09:00-17:00"},
                "valid_until": "soon",
                "stand_ins": ["ed"],
            }
        )
    wrong = {f.where for f in caught.value.findings}
    assert {
        "charter", "signed_by", "may_say_yes.0.whenn", "may_say_yes.1.from", "max_spend_cents",
        "release_hours", "valid_until", "stand_ins",
    } <= wrong  # fmt: skip


def test_a_date_until_which_it_is_valid_counts_to_its_end():
    charter = parse_charter(
        {
            "charter": "ours",
            "signed_by": ["ed"],
            "may_say_yes": [{"from": ["ed"]}],
            "valid_until": "2026-12-31",
        },
        zone_name="America/New_York",
    )
    assert charter.valid_until == datetime(2027, 1, 1, 5, tzinfo=UTC)


def test_the_check_names_the_facts_for_which_nobody_asked_may_say_yes():
    strict = replace(OURS, grants=(Grant(roles=("legal",)),))
    found = check_coverage(strict, TWO_STAGES, OFFICE, NOW)
    assert {f.code for f in found} == {"CH002"}
    assert any("risk high" in f.message for f in found)
    both = replace(
        OURS, grants=(Grant(roles=("comms_lead",), when=SMALL), Grant(roles=("ed", "deputy_ed")))
    )
    assert check_coverage(both, TWO_STAGES, OFFICE, NOW) == ()


def test_ch008_names_the_author_and_the_facts_for_which_nobody_is_left_to_say_yes():
    only = Charter(
        id="ours",
        signed_by=("ed",),
        grants=(
            Grant(roles=("comms_lead",), when=Compare(fact="risk", op="le", value="medium")),
            Grant(roles=("ed",)),  # Dee alone: Eli is the deputy
        ),
    )
    (found,) = [f for f in check_coverage(only, TWO_STAGES, OFFICE, T0) if f.code == "CH008"]
    assert found.severity == "error"
    assert "risk high" in found.message
    assert "when Dee writes, nobody is left whose yes is enough (ed)" in found.message
    both = replace(only, grants=(only.grants[0], Grant(roles=("ed", "deputy_ed"))))
    assert "CH008" not in {f.code for f in check_coverage(both, TWO_STAGES, OFFICE, T0)}
    own = replace(
        TWO_STAGES,
        options=Options(author_may_approve=True),
        post_review=ReviewRule(roles=("deputy_ed",)),
    )
    assert "CH008" not in {f.code for f in check_coverage(only, own, OFFICE, T0)}


@pytest.mark.parametrize("high", [("ed",), ("deputy_ed",), ("ed", "deputy_ed"), ("comms_lead",)])
def test_ch008_names_exactly_those_for_whom_no_order_of_yeses_clears_the_words(high):
    charter = Charter(id="ours", signed_by=("ed",), grants=(Grant(roles=high),))
    stuck = set()
    for author in OFFICE.members:
        events = [replace(submitted(HIGH), actor=author.id, author=author.id)]
        for member in OFFICE.members * 2:
            state = fold(TWO_STAGES, events)
            with contextlib.suppress(KitError):
                events.append(decide(state, member.id, Decision.APPROVE, OFFICE, NOW,
                                     charter=charter))  # fmt: skip
        if fold(TWO_STAGES, events).state is not State.CLEARED:
            stuck.add(author.name)
    found = [f for f in check_coverage(charter, TWO_STAGES, OFFICE, T0) if f.code == "CH008"]
    named = {m.name for m in OFFICE.members for f in found if f"when {m.name} writes" in f.message}
    assert named == stuck


def test_the_check_warns_where_a_quorum_can_be_reached_without_those_who_may():
    # The executive stage takes ed or deputy_ed, and only the former has a grant: which also leaves
    # nobody for what that one person writes (CH008).
    found = check_coverage(OURS, TWO_STAGES, OFFICE, NOW)
    assert {f.code for f in found} == {"CH006", "CH008"}


def test_the_check_finds_roles_that_nobody_has_and_a_charter_that_is_over():
    charter = replace(OURS, signed_by=("president",), valid_until=NOW - timedelta(days=1))
    codes = {(f.code, f.severity) for f in check_charter(charter, OFFICE, [], NOW)}
    assert {("CH001", "error"), ("CH003", "error")} <= codes


def test_a_yes_is_enough_in_the_roles_in_which_it_was_given_and_no_others():
    state = in_review(LOW)
    given = yes(state, "ben")
    assert given.roles == ("comms_lead",)
    state = then(state, given)
    demoted = replace(
        OFFICE,
        members=tuple(
            replace(m, roles=frozenset({"writer"})) if m.id == "ben" else m for m in OFFICE.members
        ),
    )
    release = ev.Released(
        at=NOW, actor="ana", revision="r1", digest=state.digest, release="rel_1"
    )  # fmt: skip
    assert admissible(state, release, demoted, NOW, charter=OURS) is None
    # A log from before roles were written down is asked of the people of now.
    old = then(in_review(LOW), replace(given, roles=()))
    assert admissible(old, release, OFFICE, NOW, charter=OURS) is None
    assert admissible(old, release, demoted, NOW, charter=OURS).code == "charter"
    # Nobody claims roles that they have not got.
    claimed = replace(given, roles=("comms_lead", "ed"))
    refusal = admissible(in_review(LOW), claimed, OFFICE, NOW, charter=OURS)
    assert refusal.message == "Ben is not ed"
