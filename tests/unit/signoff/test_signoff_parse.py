"""From a plain mapping to a chain: all problems at once, and back again."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import DefinitionError, InputError
from testkit.signoff.conditions import AllOf, AnyOf, Compare, Not
from testkit.signoff.model import (
    ChainDef,
    FastLane,
    GroupDef,
    Options,
    OverrideRule,
    ReviewRule,
    Sla,
    StageDef,
    StopRule,
)
from testkit.signoff.parse import parse_chain
from testkit.signoff.reader import parse_duration
from testkit.signoff.spelling import chain_to_dict

GOOD = {
    "chain": "rapid-response",
    "material": ["subject", "body"],
    "options": {"lead_minutes": 5},
    "stages": [
        {"id": "facts", "auto": ["sources_present"]},
        {
            "id": "comms",
            "need": 1,
            "from": ["comms_lead"],
            "sla": {"remind": "20m", "due": "45m", "escalate": "digital_director"},
        },
        {
            "id": "expert",
            "all_of": [
                {"need": 1, "from": ["policy"]},
                {
                    "from": "legal",
                    "when": {"any": [{"names_candidate": True}, {"spend_cents": {"gt": 500000}}]},
                },
            ],
        },
        {
            "id": "exec",
            "from": ["ed", "deputy_ed"],
            "when": {"risk": "high", "channel": ["ad", "post"]},
        },
    ],
    "expire": "6h",
    "fast_lane": {
        "templates": ["vote_result_v3"],
        "max_risk": "low",
        "max_spend_cents": 25000,
        "valid_until": "2026-12-31",
        "post_review": {"from": ["comms_lead"], "within": "24h"},
    },
    "override": {
        "from": ["digital_director"],
        "post_review": {"from": ["ed"], "within": "24h"},
        "min_auth": "session",
    },
}


def problems(value: object) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        parse_chain(value)
    return [(f.code, f.where) for f in caught.value.findings]


def changed(*path: str | int, to: object) -> dict:
    out = deepcopy(GOOD)
    inner = out
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = to
    return out


def test_a_definition_becomes_the_chain_that_it_says():
    chain = parse_chain(GOOD, zone_name="Europe/Paris")
    assert [s.id for s in chain.stages] == ["facts", "comms", "expert", "exec"]
    assert chain.stages[1].sla == Sla(
        remind=timedelta(minutes=20),
        due=timedelta(minutes=45),
        escalate_to=("digital_director",),
    )
    assert chain.stages[2].groups[1] == GroupDef(
        id="legal",
        roles=("legal",),
        when=AnyOf(
            (
                Compare(fact="names_candidate", op="eq", value=True),
                Compare(fact="spend_cents", op="gt", value=500000),
            )
        ),
    )
    assert chain.stages[3].groups[0].id == "ed+deputy_ed"
    assert chain.stages[3].when == AllOf(
        (
            Compare(fact="risk", op="eq", value="high"),
            Compare(fact="channel", op="in", value=("ad", "post")),
        )
    )
    assert chain.fast_lane.valid_until == datetime(
        2026, 12, 31, 23, tzinfo=UTC
    )  # a date counts whole
    assert chain.override.min_auth == "session"
    assert chain.options == Options(lead_minutes=5)


def test_two_seats_of_a_stage_are_two_people_unless_the_file_says_otherwise():
    stages = {stage.id: stage.distinct for stage in parse_chain(GOOD).stages}
    assert stages == {"facts": False, "comms": False, "expert": True, "exec": False}
    assert not parse_chain(changed("stages", 2, "distinct", to=False)).stages[2].distinct
    assert parse_chain(changed("stages", 1, "distinct", to=True)).stages[1].distinct


def test_the_version_is_the_content_unless_one_is_given():
    one = parse_chain(GOOD)
    reordered = dict(reversed(GOOD.items()))
    assert one.version == parse_chain(reordered).version
    assert one.version != parse_chain(changed("expire", to="7h")).version
    assert parse_chain(GOOD, version="rapid/3").version == "rapid/3"


def test_all_problems_are_told_at_once_each_with_its_place():
    bad = changed("stages", 1, "sla", "due", to="soon")
    bad["materiel"] = bad.pop("material")
    bad["stages"][2]["all_of"][0]["need"] = 0
    assert problems(bad) == [
        ("SO101", "materiel"),
        ("SO102", "material"),
        ("SO103", "stages.1.sla.due"),
        ("SO103", "stages.2.all_of.0.need"),
    ]


@pytest.mark.parametrize(
    ("path", "to", "code", "where"),
    [
        (("stages",), [], "SO103", "stages"),
        (("stages",), "comms", "SO103", "stages"),
        (("stages", 0), "comms", "SO103", "stages.0"),
        (("chain",), "Rapid Response", "SO103", "chain"),
        (("chain",), None, "SO102", "chain"),
        (("material",), [], "SO103", "material"),
        (("material",), ["body", "body"], "SO104", "material.1"),
        (("material",), [1], "SO103", "material.0"),
        (("expire",), 6, "SO103", "expire"),
        (("expire",), "0h", "SO103", "expire"),
        (("options",), {"lead_minutes": True}, "SO103", "options.lead_minutes"),
        (("options",), {"author_may_aprove": True}, "SO101", "options.author_may_aprove"),
        (("options",), {"author_may_approve": True}, "SO105", "options.author_may_approve"),
        (("stages", 1, "need"), "two", "SO103", "stages.1.need"),
        (("stages", 1, "min_auth"), "sesion", "SO103", "stages.1.min_auth"),
        (("stages", 1, "distinct"), "yes", "SO103", "stages.1.distinct"),
        (("stages", 1, "id"), "facts", "SO104", "stages.1.id"),
        (("stages", 1, "auto"), ["x"], "SO105", "stages.1"),
        (("stages", 0), {"id": "facts"}, "SO105", "stages.0"),
        (("stages", 1, "from"), None, "SO102", "stages.1.from"),
        (("stages", 2, "all_of"), [], "SO103", "stages.2.all_of"),
        (("stages", 2, "all_of"), [{"from": "a"}, {"from": "a"}], "SO104", "stages.2.all_of.1"),
        (
            ("stages", 2, "all_of", 0),
            {"people": ["ana"], "need": 2},
            "SO105",
            "stages.2.all_of.0.need",
        ),
        (("stages", 1, "sla", "remind"), "2h", "SO105", "stages.1.sla.due"),
        (("stages", 1, "sla", "due"), None, "SO105", "stages.1.sla.escalate"),
        (("stages", 1, "sla", "escalate"), None, None, None),
        (("stages", 1, "sla", "hours"), "office", "SO103", "stages.1.sla.hours"),
        (("stages", 3, "when"), "risk > high", "SO103", "stages.3.when"),
        (("stages", 3, "when"), {"any": {"risk": "high"}}, "SO103", "stages.3.when.any"),
        (("stages", 3, "when"), {"risk": {"above": "low"}}, "SO101", "stages.3.when.risk.above"),
        (("stages", 3, "when"), {"risk": {"gt": "hihg"}}, "SO103", "stages.3.when.risk.gt"),
        (
            ("stages", 3, "when"),
            {"spend_cents": {"gt": "5"}},
            "SO103",
            "stages.3.when.spend_cents.gt",
        ),
        (("stages", 3, "when"), {"spend_cents": {}}, "SO103", "stages.3.when.spend_cents"),
        (("stages", 3, "when"), {"risk": None}, "SO103", "stages.3.when.risk"),
        (("stages", 3, "when"), {"risk": []}, "SO103", "stages.3.when.risk"),
        (("stages", 3, "when"), {"not": "x"}, "SO103", "stages.3.when.not"),
        (("fast_lane", "max_risk"), "tiny", "SO103", "fast_lane.max_risk"),
        (("fast_lane", "valid_until"), "soon", "SO103", "fast_lane.valid_until"),
        (("fast_lane", "post_review"), None, "SO102", "fast_lane.post_review"),
        (("override", "post_review"), None, "SO102", "override.post_review"),
        (("override", "from"), None, "SO102", "override.from"),
        (("override", "reason"), "none", "SO101", "override.reason"),
    ],
)
def test_each_problem_has_its_code_and_place(path, to, code, where):
    if code is None:
        parse_chain(changed(*path, to=to))
    else:
        assert (code, where) in problems(changed(*path, to=to))


@pytest.mark.parametrize("value", [None, [], "chain", {}, 7])
def test_a_file_without_a_chain_says_so(value):
    assert problems(value)[-1] == ("SO102", "")


def test_machines_alone_are_no_chain():
    assert ("SO105", "stages") in problems(changed("stages", to=[GOOD["stages"][0]]))


def test_the_caller_knows_the_place():
    with pytest.raises(DefinitionError) as caught:
        parse_chain({**GOOD, "expire": "x"}, place=lambda key: f"c.yml:9: {key}", path="c.yml")
    assert caught.value.findings[0].where == "c.yml:9: ('expire',)"
    assert str(caught.value).startswith("c.yml: 1 error")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20m", 1200), ("1h30m", 5400), ("3d", 259200), ("90s", 90), (" 2h ", 7200)],
)
def test_lengths_of_time(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2h1d", "2 h", "1.5h", "0m"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(InputError, match="write it like 20m"):
        parse_duration(text)


# -- round trip -------------------------------------------------------------------------------

names = st.sampled_from(["ana", "ben", "lead", "ed", "legal"])
name_lists = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
lengths = st.integers(1, 10**6).map(lambda s: timedelta(seconds=s))
compares = st.one_of(
    st.builds(Compare, fact=st.just("risk"), op=st.sampled_from(["eq", "ge", "lt"]),
              value=st.sampled_from(["low", "high"])),
    st.builds(Compare, fact=st.just("spend_cents"), op=st.sampled_from(["gt", "le", "ne"]),
              value=st.integers(0, 10**6)),
    st.builds(Compare, fact=st.just("topic"), op=st.sampled_from(["in", "not_in"]),
              value=name_lists),
)  # fmt: skip
conditions = st.recursive(
    compares,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
whens = st.none() | conditions
reviews = st.builds(ReviewRule, roles=name_lists, within=lengths, self_after=st.none() | lengths)
groups = st.builds(
    GroupDef, id=st.sampled_from(["g1", "g2"]), need=st.integers(1, 3), roles=name_lists, when=whens
)
slas = st.one_of(
    st.just(Sla()),
    st.builds(Sla, due=lengths, escalate_to=name_lists, escalate_after=st.none() | lengths,
              working=st.booleans()),
)  # fmt: skip
stages = st.builds(
    StageDef,
    id=st.sampled_from(["s1", "s2", "s3"]),
    groups=st.lists(groups, min_size=1, max_size=2, unique_by=lambda g: g.id).map(tuple),
    when=whens,
    sla=slas,
    min_auth=st.sampled_from(["none", "os-login", "link", "session"]),
    distinct=st.booleans(),
)
chains = st.builds(
    ChainDef,
    id=st.just("c"),
    about=st.sampled_from(["", "What it is for."]),
    material=name_lists,
    stages=st.lists(stages, min_size=1, max_size=3, unique_by=lambda s: s.id).map(tuple),
    options=st.builds(Options, lead_minutes=st.integers(0, 60), different_role=st.booleans()),
    expire=st.none() | lengths,
    cleared_for=st.none() | lengths,
    post_review=st.none() | reviews,
    stop=st.builds(StopRule, roles=name_lists) | st.just(StopRule()),
    override=st.none()
    | st.builds(OverrideRule, roles=name_lists, review=reviews, min_auth=st.just("link")),
    fast_lane=st.none()
    | st.builds(
        FastLane,
        templates=name_lists,
        max_risk=st.sampled_from(["low", "high"]),
        max_spend_cents=st.none() | st.integers(0, 100),
        valid_until=st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC)),
        review=reviews,
    ),
    checklist=st.just(()) | name_lists,
)


@settings(max_examples=80, deadline=None)
@given(chains)
def test_a_chain_reads_back_as_it_was_written(chain):
    again = parse_chain(chain_to_dict(chain))
    assert replace(again, version="") == chain
    assert parse_chain(chain_to_dict(again)).version == again.version
