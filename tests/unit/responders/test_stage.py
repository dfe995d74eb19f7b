"""Who decides next, and on which day: read from the outlets' words or left empty."""

from __future__ import annotations

import pytest

from responders.drafting.stage import is_decisive, read_stage
from responders.drafting.told import deciding_sentence, telling_passage


@pytest.mark.parametrize(
    ("texts", "decider", "step"),
    [
        (["Senate passes ban", "Gov. Mark Hale said that he will sign it."], "Gov. Hale", "sign"),
        (["Wage bill goes to governor"], "the governor", "sign"),
        (["House passes voter ID bill", "It moves to the Senate."], "your senator", "vote"),
        (["Senate approves fines", "The bill heads to House."], "your House member", "vote"),
        (["Lobby attacks leave", "The committee votes next Tuesday."], "your lawmaker", "vote"),
        (["Duplexes", "The city council votes on May 12."], "the city council", "vote"),
        (["Governor signs shield law", "It went to the governor in May."], "", ""),
        (["Porter vetoes wage bill", "The Senate voted 27 to 22."], "", ""),
        (["Court blocks pipeline permit", "Construction must stop."], "", ""),
    ],
)  # fmt: skip
def test_the_next_to_decide_is_named_and_nobody_after_the_decision(texts, decider, step):
    stage = read_stage(texts)
    assert (stage.decider, stage.step) == (decider, step)


@pytest.mark.parametrize(
    ("text", "day", "starts"),
    [
        ("The council votes on November 12.", "November 12", ""),
        ("The election is on Tuesday, November 3.", "November 3", ""),
        ("The public can comment until Friday at midnight.", "Friday at midnight", ""),
        ("They need 60,000 more signatures by June 30.", "June 30", ""),
        ("It covers 52,000 people and takes effect on January 1.", "", "January 1"),
        ("The House voted 61 to 44 on Wednesday.", "", ""),
        ("It won 57 percent of the vote on Tuesday.", "", ""),
        ("The court let it take effect on Wednesday.", "", ""),
        ("La medida entra en vigor el 1 de marzo.", "", "1 de marzo"),
    ],
)
def test_a_day_that_is_over_is_no_deadline(text, day, starts):
    stage = read_stage([text])
    assert (stage.day, stage.starts) == (day, starts)


def test_where_somebody_died_nobody_is_wished_a_recovery():
    assert read_stage(["Four workers were hurt."]).hurt
    assert not read_stage(["The union loses a vote."]).hurt
    assert not read_stage(["Three people died and nine were hurt."]).hurt


def test_an_appeal_is_told_and_a_plan_of_the_other_side_is_not():
    first = "A jury ordered Brightgate Properties on Friday to pay 31 families in Millbrook."
    assert telling_passage(f"{first} The company said it would appeal.").endswith("appeal.")
    plan = "The company says it has a plan to keep the building open all winter."
    assert telling_passage(f"{first} {plan}") == first


def test_a_denial_is_passed_on_where_somebody_is_accused():
    teasers = [("An attorney for the owner said the books had been misread.", "Post")]
    assert deciding_sentence(teasers, around="State accuses owner of wage theft")[1] == "Post"


def test_an_ordinary_sentence_decides_nothing():
    assert not is_decisive("The fire near Carver has burned 90,000 acres.")
    assert not is_decisive("An appeals court heard the case.")
    assert not is_decisive("The limits were to begin in January.")
