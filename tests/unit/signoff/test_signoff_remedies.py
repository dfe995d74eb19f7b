"""A refusal advises only what would be taken: everybody whom it names can do what it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from testkit.errors import KitError, NotAuthorisedError
from testkit.signoff.charter import Charter, Grant
from testkit.signoff.model import Decision, Member, RosterView
from tests.signoff_world import (
    HIGH,
    OFFICE,
    TWO_OF_THREE,
    TWO_STAGES,
    Desk,
    delegation,
    with_delegations,
)

ID_OF = {member.name: member.id for member in OFFICE.members}
EVERYBODY = sorted(ID_OF.values())
CHARTER = Charter(
    id="ours",
    grants=(Grant(roles=("comms_lead", "ed", "policy", "legal")),),
    stand_ins={"comms_lead": ("policy",), "ed": ("deputy_ed",)},
)
CHAINS = {
    "plain": TWO_STAGES,
    "groups": TWO_OF_THREE,
    "another person each": replace(
        TWO_STAGES, options=replace(TWO_STAGES.options, repeat_signers=False)
    ),
    "another role": replace(
        TWO_STAGES, options=replace(TWO_STAGES.options, different_role=True)
    ),
}  # fmt: skip


def said(desk: Desk, person: str, decision: str = "approve", **more) -> str:
    with pytest.raises(KitError) as caught:
        desk.say(person, decision, **more)
    return caught.value.hint


def named(hint: str, what: str) -> list[str]:
    """The people of ``Ben or Cho can delegate to them``."""
    found = re.search(rf"([A-Z][\w ]*) can {what}", hint)
    return [ID_OF[name] for name in found[1].split(" or ")] if found else []


def begun(chain: str, author: str, editor: str) -> Desk:
    desk = Desk(chain=CHAINS[chain])
    desk.submit(author, facts=HIGH)
    if editor:
        desk.edit(editor, body="Call before noon.")
    return desk


@pytest.mark.parametrize("charter", [None, CHARTER], ids=["practice", "charter"])
@pytest.mark.parametrize("chain", CHAINS)
def test_whoever_is_told_who_can_delegate_or_sign_can_then_sign(chain, charter):
    advised = 0
    for author in ("ana", "cho"):
        for editor in ("", "ben", "fay"):
            for person in EVERYBODY:
                desk = begun(chain, author, editor)
                try:
                    desk.approve(person, charter=charter)
                except KitError as cause:
                    hint = cause.hint
                else:
                    continue
                for principal in named(hint, "delegate to them"):
                    after = replace(desk, roster=with_delegations(delegation(principal, person)))
                    after.events = list(desk.events)
                    after.approve(person, charter=charter)
                    advised += 1
                for other in named(hint, "sign"):
                    after = replace(desk, events=list(desk.events))
                    after.approve(other, charter=charter)
                    advised += 1
    assert advised


def test_the_author_is_not_told_that_somebody_can_delegate_to_them():
    desk = Desk()
    desk.submit("ana")
    assert "delegate" in said(desk, "hal")
    assert said(desk, "ana") == (
        "it asks for comms_lead; Ana wrote these words and cannot say yes in anybody's place"
    )


def test_an_editor_may_stand_in_to_return_but_not_to_approve():
    desk = Desk()
    desk.submit("ana")
    desk.edit("hal", body="Call before noon.")
    assert "cannot say yes" in said(desk, "hal")
    assert named(said(desk, "hal", "return"), "delegate to them") == ["ben", "cho"]


def test_where_only_those_who_wrote_the_words_hold_the_role_the_override_is_named():
    alone = RosterView(members=tuple(m for m in OFFICE.members if m.id != "ben"))
    desk = Desk(roster=alone)
    desk.submit("cho")
    assert said(desk, "cho") == "nobody else can sign stage comms now; Eli can override"
    desk = Desk(roster=alone, chain=replace(TWO_STAGES, override=None))
    desk.submit("cho")
    assert said(desk, "cho") == "nobody else can sign stage comms now"
    # Nor does it help to be stood for by somebody whose own yes would not count.
    assert said(desk, "fay") == "it asks for comms_lead"


def test_a_charter_that_forbids_the_stand_in_is_named_in_place_of_the_delegation():
    desk = Desk()
    desk.submit("ana")
    hint = said(desk, "gus", charter=replace(CHARTER, stand_ins={"comms_lead": ("ed",)}))
    assert hint == "it asks for comms_lead; under the charter comms_lead is stood in for by ed"
    assert "delegate" in said(desk, "gus", charter=CHARTER)


def test_who_signed_another_stage_is_told_that_it_takes_somebody_else():
    desk = Desk(chain=CHAINS["another person each"])
    desk.submit("ana", facts=HIGH)
    desk.approve("ben")
    assert "Ben signed stage comms, so no delegation would help" in said(desk, "ben", stage="exec")
    assert named(said(desk, "fay"), "delegate to them") == ["dee", "eli"]


def test_a_crowd_is_counted_not_listed():
    crowd = tuple(
        Member(id=f"p{i}", name=f"P{i}", roles=frozenset({"comms_lead"})) for i in range(9)
    )
    desk = Desk(roster=replace(OFFICE, members=(*OFFICE.members, *crowd)))
    desk.submit("ana")
    with pytest.raises(NotAuthorisedError, match="Ben or Cho or P0 or P1 or 7 more can delegate"):
        desk.say("hal", Decision.APPROVE)


def test_a_stand_in_of_the_author_is_not_named_as_somebody_who_can_sign():
    alone = RosterView(members=tuple(m for m in OFFICE.members if m.id != "ben"))
    desk = Desk(roster=with_delegations(delegation("cho", "hal"), roster=alone))
    desk.submit("cho")
    assert said(desk, "cho").startswith("nobody else can sign stage comms now")
