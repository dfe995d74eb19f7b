"""What the check of a chain finds, by code."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from testkit.signoff.check import check_chain, roles_of
from testkit.signoff.conditions import AllOf, AnyOf, Compare, Not
from testkit.signoff.model import (
    ChainDef,
    GroupDef,
    Member,
    Options,
    OverrideRule,
    ReviewRule,
    RosterView,
    StageDef,
)
from testkit.signoff.roster_check import check_roster
from testkit.signoff.routes import outcomes, routes
from tests.signoff_world import (
    OFFICE,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    delegation,
    hours,
    with_delegations,
)


def office(**people: str) -> RosterView:
    return RosterView(
        members=tuple(
            Member(id=name, name=name.title(), roles=frozenset(roles.split()))
            for name, roles in people.items()
        )
    )


def stage(name: str, *roles: str, need: int = 1, **more) -> StageDef:
    return StageDef(id=name, groups=(GroupDef(id="+".join(roles), need=need, roles=roles),), **more)


def chain(*stages: StageDef, **more) -> ChainDef:
    rule = OverrideRule(roles=("director",), review=ReviewRule(roles=("board",)))
    return ChainDef(
        id="c", version="v", material=("body",), stages=stages, **{"override": rule, **more}
    )


FULL = office(ana="lead", ben="lead", cho="director", dee="board", eli="writer")


def found(what: ChainDef, roster: RosterView = FULL, **more) -> dict[str, str]:
    """Code to message; a code that comes twice fails the test that did not expect it."""
    findings = check_chain(what, roster, T0, **more)
    codes = [f.code for f in findings]
    assert len(set(codes)) == len(codes), findings
    return {f.code: f"{f.severity}: {f.message} ({f.hint}) @{f.where}" for f in findings}


def test_a_chain_that_everybody_can_complete_has_no_findings():
    assert found(chain(stage("one", "lead"))) == {}
    assert check_chain(TWO_STAGES, OFFICE, T0) == ()


def test_so001_an_unknown_role_comes_with_the_nearest_known_one():
    got = found(chain(stage("one", "lead", "led")))
    assert got["SO001"] == (
        "error: no one has the role 'led' (did you mean 'lead'?) @stages.0.from"
    )


def test_so001_a_role_without_a_holder_beside_one_with_is_a_warning():
    got = found(chain(stage("one", "lead", "deputy_of_communications")))
    assert got["SO001"].startswith("warning: no one has the role 'deputy_of_communications'")


def test_so002_a_fact_that_nobody_states_and_a_level_that_does_not_exist():
    got = found(
        chain(
            stage("one", "lead"), stage("two", "lead", when=Compare(fact="rsk", op="eq", value=1))
        )
    )
    assert got["SO002"].startswith("warning: nobody states the fact 'rsk' (did you mean 'risk'?)")
    when = AnyOf(
        (
            Compare(fact="risk", op="eq", value="hihg"),
            Compare(fact="risk", op="eq", value="high"),
        )
    )
    got = found(chain(stage("one", "lead"), stage("two", "director", "board", when=when)))
    assert got["SO002"].startswith("error: risk has no value 'hihg' (did you mean 'high'?)")


def test_so003_an_unknown_person():
    one = StageDef(id="one", groups=(GroupDef(id="g", roles=("lead",), people=("annn",)),))
    assert found(chain(one))["SO003"].startswith("error: no person is called 'annn'")


def test_so004_a_condition_that_no_facts_meet():
    never = AllOf(
        (Compare(fact="risk", op="eq", value="high"), Compare(fact="risk", op="eq", value="low"))
    )
    got = found(chain(stage("one", "lead"), stage("two", "lead", when=never)))
    assert "stage 'two' is never asked" in got["SO004"]
    assert got["SO004"].endswith("@stages.1.when")


def test_so005_a_condition_that_is_never_false():
    always = Not(Compare(fact="risk", op="gt", value="high"))
    got = found(chain(stage("one", "lead", when=always)))
    assert got["SO005"].startswith("note: stage 'one' is always asked")


def test_so006_facts_for_which_nobody_is_asked():
    when = Compare(fact="spend_cents", op="gt", value=100)
    got = found(chain(stage("one", "lead", when=when)))
    assert got["SO006"].startswith("warning: no person is asked when spend_cents 99")


def test_so006_is_an_error_when_no_person_is_ever_asked():
    never = Compare(fact="risk", op="gt", value="high")
    got = found(chain(stage("one", "lead", when=never)))
    assert got["SO006"].startswith("error")


def test_so007_a_quorum_above_the_size_of_its_group_is_said_once_not_for_every_author():
    got = found(chain(stage("one", "lead", need=3)))
    assert set(got) == {"SO007"}
    assert "needs 3 of lead, and there are 2" in got["SO007"]
    assert got["SO007"].endswith("@stages.0.need")


def test_so008_names_the_author_for_whom_the_chain_cannot_complete():
    two = chain(stage("one", "lead", need=2))
    findings = [f for f in check_chain(two, FULL, T0) if f.code == "SO008"]
    assert [f.message.split(":")[0] for f in findings] == [
        "the chain cannot complete when Ana writes",
        "the chain cannot complete when Ben writes",
    ]
    assert all("then has" in f.message for f in findings)
    assert found(replace(two, options=Options(author_may_approve=True))).keys() == {"SO009"}


def test_so008_says_with_which_facts():
    when = Compare(fact="risk", op="eq", value="high")
    got = found(chain(stage("one", "lead"), stage("two", "director", when=when)))
    assert "when Cho writes: stage 'two' then has nobody to sign (when risk high)" in got["SO008"]


def test_so008_an_author_with_the_only_other_role_cannot_change_the_rules():
    rules = chain(stage("one", "lead", "board"), options=Options(different_role=True))
    roster = office(ana="lead", ben="lead", dee="board lead", cho="director", eli="writer")
    findings = [f for f in check_chain(rules, roster, T0) if f.code == "SO008"]
    assert [f.message[:43] for f in findings] == ["the chain cannot complete when Dee writes: "]


def test_so008_one_person_cannot_fill_two_seats_of_a_distinct_stage():
    groups = (GroupDef(id="a", roles=("lead",)), GroupDef(id="b", roles=("lead", "board")))
    apart = StageDef(id="one", groups=groups, distinct=True)
    roster = office(ana="lead", ben="lead", cho="director", dee="board", eli="writer")
    assert found(chain(apart), roster) == {}
    fewer = office(ana="lead", cho="director", dee="board director", eli="lead", fay="board")
    assert found(chain(apart), fewer) == {}
    alone = office(ana="lead board", cho="director", eli="writer", fay="board writer")
    codes = [f.code for f in check_chain(chain(apart), alone, T0)]
    assert "SO008" in codes  # ana writes: nobody is left for group a


def test_so008_fresh_eyes_at_each_stage_need_enough_people():
    twice = chain(stage("one", "lead"), stage("two", "lead"), options=Options(repeat_signers=False))
    messages = [f.message for f in check_chain(twice, FULL, T0) if f.code == "SO008"]
    assert len(messages) == 2  # ana and ben; any other author leaves both of them


def test_so009_no_deputy_unless_somebody_stands_in():
    one = chain(stage("one", "director"), options=Options(author_may_approve=True))
    assert "stops when Cho is away" in found(one)["SO009"]
    covered = with_delegations(delegation("cho", "ana"), roster=FULL)
    assert "SO009" not in found(one, covered)


def test_so010_without_an_override_a_block_may_never_be_lifted():
    assert found(chain(stage("one", "lead"), override=None))["SO010"].startswith("note")


def test_so011_one_person_who_alone_signs_and_alone_overrides_can_lock_the_chain():
    roster = office(ana="lead director", dee="board", eli="writer", fay="board")
    got = found(chain(stage("one", "lead")), roster)
    assert got["SO011"].startswith("error: Ana alone can sign a stage and alone can override")


def test_so012_a_review_that_nobody_else_can_do():
    roster = office(ana="lead", ben="lead", cho="director board")
    assert "stays due for ever" in found(chain(stage("one", "lead")), roster)["SO012"]
    nobody = office(ana="lead", ben="lead", dee="board")
    codes = {f.code: f for f in check_chain(chain(stage("one", "lead")), nobody, T0)}
    assert codes["SO012"].message == "nobody may override"


def test_so013_to_015_delegations():
    circle = with_delegations(delegation("ben", "hal"), delegation("hal", "ben"))
    assert {f.code for f in check_roster(circle, T0)} == {"SO013"}
    backwards = with_delegations(delegation("ben", "hal", ends=T0 - hours(2)))
    assert [f.code for f in check_roster(backwards, T0)] == ["SO014"]
    line = ["ben", "hal", "fay", "gus", "dee"]
    steps = [delegation(a, b) for a, b in pairwise(line)]
    assert [f.code for f in check_roster(with_delegations(*steps), T0)] == ["SO015"]
    stranger = with_delegations(delegation("ben", "hall"))
    assert "did you mean 'hal'?" in str(check_roster(stranger, T0)[0])


def test_so016_one_person_who_can_pass_every_stage_alone():
    roster = office(ana="lead board", ben="lead", cho="director", dee="board", eli="writer")
    both = chain(stage("one", "lead"), stage("two", "board"))
    assert "Ana can pass all 2 stages alone" in found(both, roster)["SO016"]


def test_so019_is_said_when_not_all_facts_were_tried(monkeypatch):
    monkeypatch.setattr("testkit.signoff.routes.MOST", 50)
    when = AllOf(tuple(Compare(fact=f"f{i}", op="gt", value=0) for i in range(4)))
    two = chain(stage("one", "lead"), stage("two", "board", "director", when=when))
    assert found(two, known_facts=None)["SO019"].startswith("note")


def test_findings_carry_the_place_that_the_caller_knows():
    findings = check_chain(
        chain(stage("one", "led")), FULL, T0, place=lambda key: f"chain.yml:7: {len(key)}"
    )
    assert {f.where for f in findings if f.code == "SO001"} == {"chain.yml:7: 3"}


def test_all_ways_through_a_chain_are_found():
    ways, whole = routes(TWO_STAGES)
    assert whole
    assert [[s.id for s in way.asked] for way in ways] == [["comms"], ["comms", "exec"]]


@pytest.mark.parametrize(
    "condition",
    [
        AllOf((Compare(fact="n", op="gt", value=5), Compare(fact="n", op="lt", value=7))),
        AllOf((Compare(fact="n", op="gt", value=0.2), Compare(fact="n", op="lt", value=0.7))),
        AllOf((Compare(fact="t", op="eq", value="a"), Compare(fact="t", op="eq", value="b"))),
        Not(Compare(fact="t", op="in", value=("a", "b"))),
        AllOf((Compare(fact="n", op="ne", value=5), Compare(fact="n", op="ge", value=5))),
    ],
)
def test_the_tried_facts_reach_both_outcomes_where_both_exist(condition):
    assert outcomes(TWO_STAGES, condition) == {True, False}


def test_the_roles_that_a_roster_should_fill():
    assert roles_of(TWO_STAGES) == ("comms_lead", "deputy_ed", "digital_director", "ed")
    assert roles_of(TWO_OF_THREE)[-1] == "policy"
