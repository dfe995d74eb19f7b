"""The chains that we ship: they parse, and the people that they are for can complete them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources

import pytest

from testkit.kernel import yamlfile
from testkit.kernel.peoplefile import PeopleFile, roster_of
from testkit.signoff.charter import Charter, parse_charter
from testkit.signoff.check import check_chain, roles_of
from testkit.signoff.model import ChainDef, Member, RosterView
from testkit.signoff.parse import parse_chain
from testkit.signoff.simulate import simulate
from testkit.signoff.spelling import chain_to_dict
from testkit.signoff.starter import MODELS, starter_rules
from testkit.signoff.table import State
from tests.signoff_world import Desk

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
NAMES = ("comms", "embedded", "field", "governance", "rapid-response", "solo")
PLAIN = {
    "risk": "low",
    "names_candidate": False,
    "position_is_new": False,
    "spend_cents": 0,
    "topic": "wages",
    "channel": "email",
}


def template(name: str) -> ChainDef:
    text = (resources.files("testkit.signoff") / "templates" / f"{name}.yaml").read_text("utf-8")
    document = yamlfile.parse(text, name=f"{name}.yaml")
    return parse_chain(document.value, place=document.where)


def two_in_each(*roles: str) -> RosterView:
    """A writer, and two people for every role, none with two roles."""
    members = [Member(id="writer", roles=frozenset({"writer"}))]
    members += [Member(id=f"{role}-{i}", roles=frozenset({role})) for role in roles for i in (1, 2)]
    return RosterView(members=tuple(members))


def test_the_templates_are_those_that_are_named():
    folder = resources.files("testkit.signoff") / "templates"
    assert sorted(p.name for p in folder.iterdir()) == [f"{name}.yaml" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_passes_its_check_with_two_people_in_each_role(name):
    chain = template(name)
    assert chain.id == name
    findings = check_chain(chain, two_in_each(*roles_of(chain)), NOW)
    assert [f for f in findings if f.severity != "note"] == []


SMALL = {
    "comms": "ana=comms_lead ben=deputy_comms cho=ed dee=deputy_ed eli=digital_director,legal"
    " fay=policy,field_lead gus=field_director hal=board_chair"
    " ivy=deputy_policy,deputy_legal",
    "field": "ana=field_director ben=field_lead cho=ed dee=deputy_ed eli=digital_director,legal"
    " fay=comms_lead gus=deputy_comms,deputy_legal hal=board_chair",
    "embedded": "ana=team_lead ben=team_lead cho=ed dee=deputy_ed eli=digital_director,legal"
    " fay=digital_staff gus=digital_staff,deputy_legal hal=board_chair",
    "rapid-response": "ana=comms_lead ben=deputy_comms cho=ed dee=deputy_ed eli=digital_director"
    " hal=board_chair",
    "solo": "ana=staff",
}


def roster(text: str) -> RosterView:
    pairs = (item.split("=") for item in text.split())
    return RosterView(
        members=tuple(Member(id=name, roles=frozenset(roles.split(","))) for name, roles in pairs)
    )


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_template_can_be_completed_by_every_author_of_a_small_office(name):
    findings = check_chain(template(name), roster(SMALL[name]), NOW)
    assert [f for f in findings if f.severity == "error"] == []


def office_of(model: str) -> tuple[ChainDef, RosterView, Charter]:
    """Chain, people and charter of a model, as ``init --org-model`` writes them."""
    values = {p: yamlfile.parse(t, name=p).value for p, t in starter_rules(model).items()}
    people = roster_of(PeopleFile.model_validate(values["people.yaml"]))
    return (
        parse_chain(values["chains/rapid-response.yaml"]),
        RosterView.of(people),
        parse_charter(values["charter.yaml"]),
    )


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_author_of_a_model_can_finish_with_two_people_in_two_seats(model):
    chain, people, _ = office_of(model)
    assert all(stage.distinct for stage in chain.stages if len(stage.groups) > 1)
    thin = {"SO009", "SO010"} if model == "solo" else set()  # one or two people are few
    assert {f.code for f in check_chain(chain, people, NOW)} == thin


def test_one_person_with_two_roles_fills_one_seat_of_a_stage():
    chain, people, _ = office_of("communications")
    chain = replace(chain, stages=tuple(s for s in chain.stages if s.id == "expert"))
    desk = Desk(chain=chain, roster=people)
    desk.submit("sam", facts={**PLAIN, "risk": "medium", "names_candidate": True})
    assert desk.approve("ana").state is State.IN_REVIEW  # deputy of policy and of law
    assert desk.approve("jo").state is State.CLEARED


@pytest.mark.parametrize("name", ["comms", "embedded", "field", "rapid-response"])
def test_a_low_risk_response_never_asks_the_executive_and_ends_within_two_hours(name):
    chain = template(name)
    done = simulate(chain, roster(SMALL[name]), PLAIN, NOW, author="eli")
    asked = {a.person for p in done.stages for ask in p.asks for a in ask.asked}
    assert not asked & {"cho", "dee"}
    assert done.outcome == "clears"
    assert done.promised_hours <= 2


@pytest.mark.parametrize("name", ["comms", "embedded", "field", "rapid-response"])
def test_a_high_risk_response_always_asks_the_executive(name):
    chain = template(name)
    done = simulate(chain, roster(SMALL[name]), {**PLAIN, "risk": "high"}, NOW, author="eli")
    asked = {a.person for p in done.stages for ask in p.asks for a in ask.asked}
    assert {"cho", "dee"} <= asked


def test_one_person_alone_can_complete_the_solo_chain_and_nothing_else_of_ours():
    alone = roster("ana=" + ",".join(r for n in NAMES for r in roles_of(template(n))))
    able = [
        name
        for name in NAMES
        if not any(f.severity == "error" for f in check_chain(template(name), alone, NOW))
    ]
    assert able == ["solo"]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_reads_back_as_it_was_written(name):
    chain = template(name)
    assert parse_chain(chain_to_dict(chain)) == chain
