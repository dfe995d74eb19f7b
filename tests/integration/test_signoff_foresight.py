"""What ``signoff check`` and ``simulate`` take as facts and files, and what they refuse."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.web_world import Office, moved_in

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = "chains/rapid-response.yaml"
TWO = (
    "people:\n  - {id: ana, name: Ana, roles: [comms_lead, policy, legal, field_lead, ed,"
    " digital_director, board_chair]}\n  - {id: ben, name: Ben, roles: [digital]}\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("org") / "ws")
    office.run("init", str(office.folder), "--org-model", "communications")
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


# --- facts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("risk=banana",), "risk cannot be 'banana' (it is one of low, medium, high)"),
        (("risk=",), "risk cannot be empty"),
        (("risk=[low, high]",), "one of low, medium, high"),
        (("rsik=high",), "no fact 'rsik' (did you mean risk?)"),
        (("weather=fine",), "known: channel, names_candidate"),
        (("spend_cents=abc",), "spend_cents cannot be 'abc' (it is a whole number of cents"),
        (("spend_cents=-1",), "a whole number of cents, 0 or more"),
        (("spend_cents=2.5",), "a whole number of cents, 0 or more"),
        (("spend_cents=true",), "a whole number of cents, 0 or more"),
        (("names_candidate=perhaps",), "it is true or false"),
        (("names_candidate=1",), "it is true or false"),
        (("topic=42",), "it is words"),
        (("channel=[]",), "it is words"),
        (("channel=[email",), "is not FACT=VALUE"),
        (("=high",), "is not FACT=VALUE"),
        (("channel=email", "channel=sms"), '"channel=[email, sms]"'),
    ],
)
def test_a_fact_that_nobody_asks_about_or_that_cannot_be_so_is_refused(
    office: Office, given: tuple[str, ...], said: str
) -> None:
    words = [word for fact in given for word in ("--fact", fact)]
    assert said in office.run("signoff", "simulate", *words, code=2)


def test_a_yes_or_no_is_taken_in_the_words_in_which_it_is_told(office: Office) -> None:
    for value, status in (("yes", "asked"), ("true", "asked"), ("no", "skipped")):
        done = office.json(
            "signoff", "simulate", "--fact", f"position_is_new={value}", "--fact", "risk=low",
            "--author", "sam",
        )  # fmt: skip
        assert done["facts"]["position_is_new"] is (value != "no")
        stages = {stage["stage"]: stage["status"] for stage in done["stages"]}
        assert stages["exec"] == status


def test_a_chain_names_facts_and_orders_of_its_own(office: Office) -> None:
    chain = office.folder / "chains/ours.yaml"
    chain.write_text(
        "chain: ours\nmaterial: [body]\nlevels: {risk: [calm, wild], reach: [town, land]}\n"
        "stages:\n  - {id: comms, from: [comms_lead, deputy_comms]}\n"
        "  - {id: press, from: [ed, deputy_ed], when: {any: [{reach: land}, {outlets: {gt: 3}},"
        " {risk: wild}]}}\n"
    )
    office.run("adopt", "ours")
    wild = office.json("signoff", "simulate", "ours", "--fact", "risk=wild")
    assert wild["stages"][1]["status"] == "asked"
    calm = ("--fact", "risk=calm", "--fact", "reach=town", "--fact", "outlets=3")
    assert office.json("signoff", "simulate", "ours", *calm)["stages"][1]["status"] == "skipped"
    for fact, said in (
        ("risk=high", "calm, wild"),
        ("reach=moon", "town, land"),
        ("outlets=many", "a number"),
    ):
        assert said in office.run("signoff", "simulate", "ours", "--fact", fact, code=2)


# --- files


@pytest.fixture
def elsewhere(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder outside of the workspace, with a chain and people that wait for a look."""
    folder = tmp_path / "desk"
    folder.mkdir()
    shutil.copy(office.folder / CHAIN, folder / "chain.yaml")
    (folder / "two.yaml").write_text(TWO)
    monkeypatch.chdir(folder)
    return folder


def test_a_chain_outside_of_the_workspace_is_checked_all_the_same(
    office: Office, elsewhere: Path
) -> None:
    for given in (str(elsewhere / "chain.yaml"), "chain.yaml", "../desk/chain.yaml"):
        assert office.json("signoff", "check", given)["ok"]
    shutil.copy(office.folder / "charter.yaml", elsewhere / "power.yaml")
    assert office.json("signoff", "check", "power.yaml")["ok"]
    broken = (elsewhere / "chain.yaml").read_text().replace("[comms_lead, ", "[comms_led, ")
    (elsewhere / "chain.yaml").write_text(broken)
    done, printed = office.attempt("signoff", "check", "chain.yaml", "--json")
    assert (done, printed) == (2, "")
    assert office.json("signoff", "check", CHAIN)["ok"]  # not here: the workspace's own


def test_a_path_counts_from_the_current_folder_before_the_workspace(
    office: Office, elsewhere: Path
) -> None:
    (elsewhere / "chains").mkdir()
    (elsewhere / CHAIN).write_text("chain: rapid-response\n")
    office.run("signoff", "check", CHAIN, code=2)
    (elsewhere / CHAIN).unlink()
    office.run("signoff", "check", CHAIN)


def test_people_to_suppose_are_looked_up_like_the_chain(office: Office, elsewhere: Path) -> None:
    for given in ("two.yaml", str(elsewhere / "two.yaml")):
        office.run("signoff", "check", CHAIN, "--roster", given, code=2)
    office.run("signoff", "check", "chain.yaml", "--roster", "people.yaml")  # the workspace's
    shutil.move(elsewhere / "two.yaml", elsewhere / "people.yaml")
    office.run("signoff", "check", "chain.yaml", "--roster", "people.yaml", code=2)


def test_a_file_that_is_in_neither_place_is_told_with_both(office: Office, elsewhere: Path) -> None:
    for words in (("chians/x.yaml",), (CHAIN, "--roster", "chians/x.yaml")):
        said = office.run("signoff", "check", *words, code=4)
        assert str(elsewhere / "chians/x.yaml") in said
        assert str(office.folder / "chians/x.yaml") in said
    assert "did you mean rapid-response" in office.run("signoff", "check", "rapid-respons", code=4)


def test_a_file_of_another_kind_is_told_what_is_checked_here(
    office: Office, elsewhere: Path
) -> None:
    said = office.run("signoff", "check", "two.yaml", code=2)
    assert "two.yaml holds no chain, charter or lane" in said
    assert "--roster" in said
    (elsewhere / "torn.yaml").write_text("chain: [ours\n")
    said = office.run("signoff", "check", "torn.yaml", code=2)
    assert "YM001" in said
    assert "torn.yaml:2" in said
