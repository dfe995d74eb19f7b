"""A chain as the plain mapping that would define it: what is shown, stored and digested."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from testkit.kernel.clock import to_text
from testkit.signoff.conditions import LEVELS, AllOf, AnyOf, Compare, Condition, Not
from testkit.signoff.model import Options

if TYPE_CHECKING:
    from datetime import timedelta

    from testkit.signoff.model import ChainDef, GroupDef, ReviewRule, StageDef

__all__ = ["chain_to_dict", "duration_text"]


def duration_text(length: timedelta) -> str:
    """A length of time as :func:`testkit.signoff.reader.parse_duration` reads it: ``1h30m``."""
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((length.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def chain_to_dict(chain: ChainDef) -> dict[str, Any]:
    """The mapping that :func:`parse_chain` reads, everything at its default left out.

    The version is not part of it: it is pinned beside the content.
    """
    out: dict[str, Any] = {"chain": chain.id}
    if chain.about:
        out["about"] = chain.about
    out["material"] = list(chain.material)
    options = {
        item.name: getattr(chain.options, item.name)
        for item in fields(Options)
        if getattr(chain.options, item.name) != item.default
    }
    extra = {fact: list(v) for fact, v in chain.levels.items() if LEVELS.get(fact) != v}
    out["stages"] = [_stage_dict(stage) for stage in chain.stages]
    more: dict[str, Any] = {
        "options": options,
        "levels": extra,
        "expire": _length(chain.expire),
        "cleared_for": _length(chain.cleared_for),
        "post_review": _review_dict(chain.post_review),
        "stop": {"from": list(chain.stop.roles)} if chain.stop.roles else None,
        "checklist": list(chain.checklist),
    }
    if chain.override is not None:
        more["override"] = {
            "from": list(chain.override.roles),
            "post_review": _review_dict(chain.override.review),
            **({"min_auth": chain.override.min_auth} if chain.override.min_auth != "none" else {}),
        }
    if chain.fast_lane is not None:
        lane = chain.fast_lane
        more["fast_lane"] = _filled(
            templates=list(lane.templates),
            cleared_by=list(lane.cleared_by) or None,
            max_risk=lane.max_risk,
            max_spend_cents=lane.max_spend_cents,
            valid_until=to_text(lane.valid_until) if lane.valid_until else None,
            post_review=_review_dict(lane.review),
        )
    return {**out, **{name: value for name, value in more.items() if value}}


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _length(value: timedelta | None) -> str | None:
    return None if value is None else duration_text(value)


def _review_dict(rule: ReviewRule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return _filled(
        **{"from": list(rule.roles)},
        within=_length(rule.within),
        self_after=_length(rule.self_after),
    )


def _stage_dict(stage: StageDef) -> dict[str, Any]:
    sla = _filled(
        remind=_length(stage.sla.remind),
        due=_length(stage.sla.due),
        escalate=list(stage.sla.escalate_to) or None,
        escalate_after=_length(stage.sla.escalate_after),
        expire=_length(stage.sla.expire),
        hours="working" if stage.sla.working else None,
    )
    return {
        "id": stage.id,
        **_filled(
            auto=list(stage.auto) or None,
            all_of=[_group_dict(group) for group in stage.groups] or None,
            when=_when_dict(stage.when),
            sla=sla or None,
            min_auth=stage.min_auth if stage.min_auth != "none" else None,
            distinct=None if stage.distinct == (len(stage.groups) > 1) else stage.distinct,
        ),
    }


def _group_dict(group: GroupDef) -> dict[str, Any]:
    return _filled(
        id=group.id,
        need=group.need,
        **{"from": list(group.roles) or None},
        people=list(group.people) or None,
        when=_when_dict(group.when),
    )


def _when_dict(condition: Condition | None) -> dict[str, Any] | None:
    match condition:
        case None:
            return None
        case Compare(fact=fact, op=op, value=value):
            return {fact: {op: list(value) if isinstance(value, tuple) else value}}
        case Not(of=part):
            return {"not": _when_dict(part)}
        case AllOf(of=parts):
            return {"all": [_when_dict(part) for part in parts]}
        case AnyOf(of=parts):
            return {"any": [_when_dict(part) for part in parts]}
