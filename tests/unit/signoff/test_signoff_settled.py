"""What the design settles beside its rows, and what reviews of the code found."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from testkit.errors import (
    KitError,
    NotAuthorisedError,
    StateError,
)
from testkit.signoff import events as ev
from testkit.signoff.conditions import Compare
from testkit.signoff.model import (
    ChainDef,
    GroupDef,
    Options,
    ReviewRule,
    StageDef,
)
from testkit.signoff.standins import delegates
from testkit.signoff.table import State
from tests.signoff_world import (
    HIGH,
    LOW,
    OFFICE,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    Desk,
    delegation,
    hours,
    minutes,
    with_delegations,
    words,
)

LEAD_FIVE = replace(TWO_STAGES, options=Options(lead_minutes=5))


# -- settled ----------------------------------------------------------------------------------

SOLO = ChainDef(
    id="solo",
    version="s1",
    material=("body",),
    options=Options(author_may_approve=True, editor_may_approve=True),
    stages=(StageDef(id="yes", groups=(GroupDef(id="staff", roles=("writer",)),)),),
    post_review=ReviewRule(roles=("writer",), self_after=hours(12)),
)


def test_solo_releases_on_the_authors_own_yes_and_owes_a_review_until_done():
    desk = Desk(chain=SOLO)
    desk.submit()
    desk.approve("ana")
    (debt,) = desk.release().debts
    assert (debt.of, debt.hands, debt.due_at) == ("own", ("ana",), T0 + hours(24))
    with pytest.raises(NotAuthorisedError, match="may look again themselves from"):
        desk.here(ev.Reviewed, "ana", of=("own",))
    desk.later(hours(12))
    assert desk.here(ev.Reviewed, "ana", of=("own",)).debts[0].outcome == "accepted"


def test_solo_owes_nothing_when_the_other_one_signed():
    desk = Desk(chain=SOLO)
    desk.submit("ana")
    desk.approve("hal")
    assert desk.release().debts == ()


def test_facts_changed_since_approval_hold_the_release_until_an_approver_looked():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    assert desk.here(ev.FactsChanged, "system", reason="story rewritten").state is State.HELD
    with pytest.raises(StateError, match="facts changed since approval"):
        desk.release()
    with pytest.raises(NotAuthorisedError):
        desk.here(ev.FactsChecked, "ana")
    assert desk.here(ev.FactsChecked, "cho").state is State.CLEARED


def test_facts_changed_during_review_hold_it_once_everybody_signed():
    desk = Desk()
    desk.submit()
    desk.here(ev.FactsChanged, "system")
    assert desk.approve("ben").state is State.HELD


def test_every_refusal_says_what_to_do():
    desk = Desk()
    desk.submit()
    tries = (
        lambda: desk.approve("ana"),
        lambda: desk.approve("zed"),
        desk.release,
        desk.submit,
        lambda: desk.approve("ben", revision="r9"),
        lambda: desk.override("ben"),
        lambda: desk.later(-hours(2)).approve("ben"),
    )
    for step in tries:
        with pytest.raises(KitError) as caught:
            step()
        assert caught.value.hint, str(caught.value)


def test_a_clock_that_goes_back_is_refused_and_a_little_skew_is_not():
    desk = Desk()
    desk.submit()
    desk.later(-minutes(5))
    assert desk.approve("ben").state is State.CLEARED
    desk.later(-minutes(1))
    with pytest.raises(StateError, match="the clock says"):
        desk.release()


def test_a_person_who_left_is_told_so_and_their_old_sign_off_stands():
    desk = Desk()
    desk.submit(facts=HIGH)
    desk.approve("ben")
    gone = tuple(
        replace(m, left=T0 + hours(1)) if m.id in ("ben", "dee") else m for m in OFFICE.members
    )
    desk.roster = replace(OFFICE, members=gone)
    desk.later(hours(1))
    with pytest.raises(NotAuthorisedError, match=r"Dee left at 3 Nov 2026 15:00 UTC"):
        desk.approve("dee")
    assert desk.approve("eli").state is State.CLEARED


def test_a_stage_may_ask_for_a_proof_of_identity():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="session"),))
    desk = Desk(chain=strict)
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="asks for session, and this came with link"):
        desk.approve("ben", auth="link")
    assert desk.approve("ben", auth="session").state is State.CLEARED


EDGE = {
    "acts.py",
    "cleared.py",
    "comments.py",
    "declared.py",
    "governance.py",
    "kinds.py",
    "office.py",
    "owed.py",
    "record.py",
    "rules.py",
    "service.py",
    "store.py",
}
"""The thin edge of the room: these may touch the workspace."""


def test_nothing_in_the_room_reads_a_clock_a_file_or_chance():
    import testkit.signoff

    room = Path(testkit.signoff.__file__).parent
    banned = r"utc_now|datetime\.now|\btime\.time\(|import random|(?<![\w.])open\(|sqlite"
    found = {
        (path.name, word)
        for path in room.glob("*.py")
        if path.name not in EDGE
        for word in re.findall(banned, path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_condition_on_a_group_asks_it_only_when_it_matters():
    chain = replace(
        TWO_STAGES,
        stages=(
            StageDef(
                id="expert",
                groups=(
                    GroupDef(id="policy", roles=("policy",)),
                    GroupDef(
                        id="legal",
                        roles=("legal",),
                        when=Compare(fact="names_candidate", op="eq", value=True),
                    ),
                ),
            ),
        ),
    )
    plain, named = Desk(chain=chain), Desk(chain=chain)
    assert [g.id for g in plain.submit(facts=LOW).stage("expert").groups] == ["policy"]
    state = named.submit(facts={**LOW, "names_candidate": True})
    assert [g.id for g in state.stage("expert").groups] == ["policy", "legal"]


def test_replacing_a_roster_leaves_the_old_one_as_it_was():
    gone = replace(OFFICE, members=(replace(OFFICE.members[0], name="Anna"),))
    assert (gone.name("ana"), OFFICE.name("ana")) == ("Anna", "Ana")


def test_a_yes_that_stopped_counting_is_not_taken_for_a_second_click():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    desk.edit("ben", body="Call before noon.")
    desk.edit("ana", body=words()["body"])
    with pytest.raises(NotAuthorisedError, match="Ben changed these words"):
        desk.approve("ben")


def test_lifting_a_block_asks_for_the_same_proof_as_signing_and_a_yes_is_taken_back_without():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="link"),))
    desk = Desk(chain=strict)
    desk.submit()
    desk.say("ben", "block", auth="link")
    with pytest.raises(NotAuthorisedError, match="asks for link, and this came with none"):
        desk.say("ben", "withdraw")
    desk.say("ben", "withdraw", auth="link")
    desk.approve("ben", auth="link")
    assert desk.say("ben", "withdraw").state is State.IN_REVIEW


def test_looking_at_changed_facts_asks_for_the_proof_of_a_stage():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="link"),))
    desk = Desk(chain=strict)
    desk.submit()
    desk.approve("ben", auth="link")
    desk.here(ev.FactsChanged, "system")
    with pytest.raises(NotAuthorisedError, match="asks for link"):
        desk.here(ev.FactsChecked, "cho")
    assert desk.here(ev.FactsChecked, "cho", auth="link").state is State.CLEARED


def test_the_record_of_a_lifted_block_shows_the_whole_path():
    desk = Desk(roster=with_delegations(delegation("ben", "hal"), delegation("hal", "fay")))
    desk.submit()
    desk.say("ben", "block")
    desk.say("fay", "withdraw")
    said = desk.state.signoffs[-1].said
    assert (said.seat, said.path) == ("ben", ("ben", "hal", "fay"))


def test_an_override_settles_changed_facts_since_whoever_overrides_has_looked():
    desk = Desk()
    desk.submit()
    desk.here(ev.FactsChanged, "system")
    assert desk.override().state is State.CLEARED


CHECKED = replace(
    TWO_STAGES, stages=(StageDef(id="facts", auto=("length_ok", "sources")), TWO_STAGES.stages[0])
)


def test_a_stage_of_checks_passes_when_all_passed_on_these_words_and_none_failed():
    desk = Desk(chain=CHECKED)
    desk.submit()
    state = desk.here(ev.Checked, "system", stage="facts", passed=("length_ok",))
    assert (state.waiting, state.stages[0].checks_missing) == ("facts", ("sources",))
    both = ("length_ok", "sources")
    state = desk.here(ev.Checked, "system", stage="facts", passed=both, failed=("sources",))
    assert (state.waiting, state.stages[0].checks_failed) == ("facts", ("sources",))
    with pytest.raises(StateError, match="is done by a machine"):
        desk.approve("ben", stage="facts")
    assert desk.here(ev.Checked, "system", stage="facts", passed=both).waiting == "comms"
    assert desk.edit("ana", body="Call.").waiting == "facts"  # other words, other checks


def test_only_machines_record_checks_and_only_on_current_words():
    desk = Desk(chain=CHECKED)
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="only the clock and the checks"):
        desk.here(ev.Checked, "ana", stage="facts", passed=("length_ok", "sources"))
    old = ev.Checked(at=T0, actor="system", stage="facts", revision="r1", digest="0" * 64)
    assert desk.refusal(old).code == "stale"


def test_a_stand_in_who_takes_their_yes_back_leaves_the_other_stand_ins():
    roster = with_delegations(delegation("ben", "hal"), delegation("ben", "fay"))
    two = replace(TWO_STAGES.stages[0].groups[0], need=2)
    stage = replace(TWO_STAGES.stages[0], groups=(two,))
    desk = Desk(chain=replace(TWO_STAGES, stages=(stage,)), roster=roster)
    desk.submit()
    desk.approve("hal")
    desk.approve("fay")
    assert desk.state.stage("comms").groups[0].have == 1  # one seat, however many sit in it
    state = desk.say("hal", "withdraw")
    assert [s.standing for s in state.signoffs] == ["gone", "counts", "gone"]
    assert desk.approve("cho").state is State.CLEARED


def test_a_yes_to_a_full_group_is_refused_while_another_group_still_waits():
    desk = Desk(chain=TWO_OF_THREE)
    desk.submit()
    desk.approve("fay")
    desk.approve("ben")
    with pytest.raises(StateError, match=r"is already decided for policy by Ben at"):
        desk.approve("cho")
    assert desk.approve("gus").state is State.CLEARED


def test_a_delegate_who_left_cannot_stand_in_but_can_have_passed_it_on():
    gone = tuple(replace(m, left=T0) if m.id == "hal" else m for m in OFFICE.members)
    roster = with_delegations(delegation("ben", "hal"), delegation("hal", "fay"))
    roster = replace(roster, members=gone)
    assert delegates(roster, "ben", T0) == (("ben", "hal", "fay"),)


def test_an_escalation_at_the_moment_of_an_edit_happens_again_for_the_new_words():
    desk = Desk()
    desk.submit()
    desk.later(hours(2)).tick()
    desk.edit("ana", body="Call.")
    assert desk.later(hours(2)).tick() == ["due", "escalate"]
