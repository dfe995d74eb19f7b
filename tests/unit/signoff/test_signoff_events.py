"""Events and their plain form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from testkit.errors import InputError
from testkit.kernel.digest import canonical_json
from testkit.signoff import events as ev
from testkit.signoff.events import EVENTS, event_from_dict, event_to_dict
from testkit.signoff.model import Decision
from tests.signoff_world import T0

FULL = {
    "stage": "comms",
    "decision": Decision.APPROVE_WITH_NITS,
    "reason": "hoax",
    "template": "t1",
    "of": ("override",),
    "by": "rq_2",
    "as_request": "rq_3",
}


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_every_kind_goes_to_json_and_back(kind):
    cls = EVENTS[kind]
    needed = {k: v for k, v in FULL.items() if k in cls.__dataclass_fields__}
    event = cls(at=T0, actor="ana", via="cli", auth="link", revision="r1", digest="ab", **needed)
    plain = json.loads(canonical_json(event_to_dict(event)))
    assert plain["kind"] == kind
    assert event_from_dict(plain) == event


def test_facts_moments_and_lists_survive():
    event = ev.Submitted(
        at=T0,
        actor="ana",
        request="rq_1",
        facts={"risk": "low", "topic": ["a", "b"], "spend_cents": 5},
        publish_at=T0 + timedelta(microseconds=1),
    )
    assert event_from_dict(json.loads(json.dumps(event_to_dict(event)))) == event


def test_defaults_are_left_out_of_the_plain_form():
    assert event_to_dict(ev.FactsChanged(at=T0, actor="system")) == {
        "kind": "facts_changed",
        "at": "2026-11-03T14:00:00.000000Z",
        "actor": "system",
    }


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 3, 14),  # no zone
        datetime(2026, 11, 3, 14, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_moment_that_is_not_utc_is_refused(moment):
    with pytest.raises(InputError, match="UTC"):
        ev.FactsChanged(at=moment, actor="ana")


def test_an_equal_zone_by_another_name_is_utc():
    moment = datetime(2026, 11, 3, 14, tzinfo=timezone(timedelta(0)))
    assert ev.FactsChanged(at=moment, actor="ana").at == datetime(2026, 11, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "sighed"}, "no event is of kind 'sighed'"),
        ({"kind": None}, "no event is of kind None"),
        ({"mood": "good"}, "unknown field 'mood'"),
        ({"at": "yesterday"}, "cannot be read"),
        ({"at": "2026-11-03T14:00:00"}, "names no zone"),
        ({"groups": "all"}, "not a list of texts"),
        ({"decision": "maybe"}, "cannot be read"),
        ({"stage": 7}, "not text"),
    ],
)
def test_a_log_that_is_not_ours_is_refused_by_name(change, words):
    plain = event_to_dict(
        ev.Signed(at=T0, actor="ben", stage="comms", decision=Decision.BLOCK, groups=("g",))
    )
    with pytest.raises(InputError, match=words):
        event_from_dict({**plain, **change})


def test_a_missing_field_is_named():
    with pytest.raises(InputError, match="lacks the field 'decision'"):
        event_from_dict(
            {"kind": "signed", "at": "2026-11-03T14:00:00Z", "actor": "a", "stage": "s"}
        )
