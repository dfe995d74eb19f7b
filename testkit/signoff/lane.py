"""The fast lane: words that are a pre-cleared template, with nothing changed but its slots.

A template was cleared before, with all of its fields. It may be used again without the stages as
long as every material field is either the template's text with its slots filled, or a field that
those who cleared the template left free. What stands in a slot is linted: a slot is for a number or
a name, not for a message.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import DefinitionError
from testkit.kernel.digest import digest
from testkit.kernel.findings import Finding
from testkit.signoff.admission import admissible
from testkit.signoff.events import LaneEntered
from testkit.signoff.model import SYSTEM, material_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.signoff.model import ChainDef, RosterView
    from testkit.signoff.state import RequestState

__all__ = ["ClearedTemplate", "SlotRule", "enter_lane", "lane_findings"]

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LINK: Final = re.compile(r"(?:https?:|www\.|\b[a-z0-9-]+\.[a-z]{2,}/)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRule:
    """What a slot may hold.

    Attributes:
        most: Longest text, in characters.
        choices: Only these, when given.
    """

    most: int = 40
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedTemplate:
    """Words that were signed off with holes in them.

    Attributes:
        id: As the chain's ``fast_lane.templates`` names it.
        fields: Field name to text with ``{slot}`` holes.
        slots: Slot name to what it may hold.
        free: Material fields that may differ altogether.
    """

    id: str
    fields: Mapping[str, str]
    slots: Mapping[str, SlotRule] = field(default_factory=dict)
    free: tuple[str, ...] = ()


def lane_findings(
    template: ClearedTemplate,
    chain: ChainDef,
    *,
    slots: Mapping[str, str],
    words: Mapping[str, Any],
) -> tuple[Finding, ...]:
    """Why these words are not the template with its slots filled; empty when they are.

    Args:
        template: The pre-cleared template.
        chain: The chain, for its material fields.
        slots: What was put into its slots.
        words: Every field of the revision.

    Returns:
        SO201 a slot is missing or unknown, SO202 a slot's text is not allowed, SO203 a field
        differs outside of the slots, SO204 a material field is not the template's.
    """
    found: list[Finding] = []

    def bad(code: str, message: str, where: str) -> None:
        found.append(Finding(code=code, severity="error", message=message, where=where))

    for name in sorted(set(slots) ^ set(template.slots)):
        state = "not a slot of the template" if name in slots else "not filled"
        bad("SO201", f"{name!r} is {state}", f"slots.{name}")
    for name, rule in template.slots.items():
        for problem in _slot_problems(slots.get(name, ""), rule) if name in slots else ():
            bad("SO202", f"slot {name!r} {problem}", f"slots.{name}")
    for name, text in template.fields.items():
        wanted = _SLOT.sub(lambda m: slots.get(m[1], m[0]), text)
        given = words.get(name)
        if not isinstance(given, str) or _nfc(given) != _nfc(wanted):
            bad("SO203", _difference(name, wanted, given), name)
    for name in chain.material:
        if name not in template.fields and name not in template.free:
            bad("SO204", f"{name!r} is material, and the template does not cover it", name)
    return tuple(found)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _slot_problems(text: str, rule: SlotRule) -> list[str]:
    problems = []
    if not text.strip():
        problems.append("is empty")
    if len(text) > rule.most:
        problems.append(f"has {len(text)} characters, and {rule.most} are allowed")
    if rule.choices and text not in rule.choices:
        problems.append(f"holds {text!r}, and only {', '.join(rule.choices)} are allowed")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
        problems.append("holds a line break or an invisible character")
    if "{" in text or "}" in text or "<" in text:
        problems.append("holds a placeholder or markup")
    if _LINK.search(text):
        problems.append("holds a link")
    return problems


def _difference(name: str, wanted: str, given: object) -> str:
    if not isinstance(given, str):
        return f"{name} is not text"
    ours, theirs = wanted.split(), given.split()
    for index, word in enumerate(theirs):
        if index >= len(ours) or word != ours[index]:
            instead = f" instead of {ours[index]!r}" if index < len(ours) else ""
            return f"{name} differs from the template: {word!r}{instead} is word {index + 1}"
    if len(ours) > len(theirs):
        return f"{name} differs from the template: {ours[len(theirs)]!r} is missing at its end"
    return f"{name} differs from the template in its spacing"


def enter_lane(
    state: RequestState,
    template: ClearedTemplate,
    *,
    slots: Mapping[str, str],
    words: Mapping[str, Any],
    roster: RosterView,
    now: datetime,
    actor: str = SYSTEM,
    zone_name: str = "UTC",
) -> LaneEntered:
    """The event that takes a request through the fast lane.

    Args:
        state: The request, in review.
        template: The pre-cleared template.
        slots: What was put into its slots.
        words: Every field of the current revision.
        roster: The people.
        now: The moment, aware and in UTC.
        actor: Who asks for it.
        zone_name: IANA zone in which moments are named in messages.

    Raises:
        DefinitionError: The words are not the template with its slots filled, or not the
            request's current words; carries all findings.
        StateError: The lane is closed, or the risk or spend is too high, or not stated.
    """
    findings = lane_findings(template, state.chain, slots=slots, words=words)
    if material_digest(words, state.chain.material) != state.digest:
        other = Finding(
            code="SO203", severity="error", message=f"these are not the words of {state.revision}"
        )
        findings = (*findings, other)
    if findings:
        raise DefinitionError(findings, path=f"template {template.id}")
    event = LaneEntered(
        at=now,
        actor=actor,
        revision=state.revision,
        digest=state.digest,
        template=template.id,
        template_digest=digest({"fields": dict(template.fields), "free": list(template.free)}),
    )
    refusal = admissible(state, event, roster, now, zone_name=zone_name)
    if refusal is not None:
        raise refusal.error()
    return event
