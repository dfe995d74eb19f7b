"""A change of the rules needs a second yes, from a role that the governance chain names (A19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web_world import Office, moved_in

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = "chains/rapid-response.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("gov") / "ws")
    office.run("init", str(office.folder), "--org-model", "communications")
    office.run("adopt", "charter.yaml", person="rosa")
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def change(office: Office, name: str = CHAIN) -> None:
    path = office.folder / name
    path.write_text(f"{path.read_text('utf-8')}# changed\n", "utf-8")


@pytest.mark.parametrize("name", [CHAIN, "people.yaml"])
@pytest.mark.parametrize("second", ["sam", "alex", "pat", "max", "bo"])
def test_a_role_without_authority_does_not_confirm_a_change_of_the_rules(
    office: Office, name: str, second: str
) -> None:
    change(office, name)
    waits = office.json("adopt", name, person="kim")
    assert waits["state"] == "waiting"
    assert waits["ask"] == ["Jo (digital director)", "Rosa (executive director)",
                            "Lee (deputy director)"]  # fmt: skip
    said = office.run("adopt", name, person=second, code=5)
    assert "confirmed by ed or deputy_ed or digital_director or comms_lead" in said
    assert "ask Jo (digital director) or Rosa (executive director)" in said
    assert office.json("adopt", name, person="jo")["state"] == "adopted"


def test_anybody_here_may_propose_and_the_proposer_never_confirms(office: Office) -> None:
    change(office)
    told = office.run("adopt", CHAIN, person="sam")
    assert "waits for a second role: Kim (comms lead) or Jo (digital director)" in told
    office.run("adopt", CHAIN, person="sam", code=5)
    assert office.json("adopt", CHAIN, person="kim")["state"] == "adopted"
    assert office.json("ledger", "verify")["whole"]


def test_who_signs_a_charter_confirms_it_too(office: Office) -> None:
    change(office, "charter.yaml")
    office.run("adopt", "charter.yaml", person="kim")
    assert "is signed by" in office.run("adopt", "charter.yaml", person="sam", code=5)
    assert office.json("adopt", "charter.yaml", person="bo")["state"] == "adopted"


def test_an_adopted_governance_chain_says_who_confirms(office: Office) -> None:
    own = office.folder / "chains/governance.yaml"
    own.write_text(
        "chain: governance\nabout: The board chair and policy confirm.\nmaterial: [text]\n"
        "options: {different_role: true}\nexpire: 14d\nstages:\n"
        "  - {id: second-role, from: [board_chair, policy]}\n",
        "utf-8",
    )
    office.run("adopt", "chains/governance.yaml", person="sam")
    office.run("adopt", "chains/governance.yaml", person="bo", code=5)  # ours is still asked
    office.run("adopt", "chains/governance.yaml", person="rosa")
    change(office)
    office.run("adopt", CHAIN, person="sam")
    office.run("adopt", CHAIN, person="rosa", code=5)
    assert office.json("adopt", CHAIN, person="bo")["state"] == "adopted"


def test_a_second_holder_of_the_proposers_role_does_not_confirm(office: Office) -> None:
    people = office.folder / "people.yaml"
    text = people.read_text("utf-8").replace("roles: [digital]", "roles: [digital, comms_lead]")
    people.write_text(text, "utf-8")
    office.run("adopt", "people", person="sam")
    office.run("adopt", "people", person="rosa")
    change(office)
    office.run("adopt", CHAIN, person="kim")
    office.run("adopt", CHAIN, person="sam", code=5)  # comms_lead is Kim's own role
    office.run("adopt", CHAIN, person="lee")


def test_an_office_of_two_changes_its_rules_with_the_other_ones_yes(tmp_path: Path) -> None:
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder), "--org-model", "solo")
    office.run("adopt", "charter.yaml", person="sam")
    change(office)
    assert office.json("adopt", CHAIN, person="sam")["ask"] == ["Rae (board)"]
    office.run("adopt", CHAIN, person="sam", code=5)
    assert office.json("adopt", CHAIN, person="rae")["state"] == "adopted"
