"""The fast lane: words that are a pre-cleared template, with nothing changed but its slots.

A template was cleared before, with all of its fields. It may be used again without the stages as
long as every material field is either the template's text with its slots filled, or a field that
those who cleared the template left free. What stands in a slot is linted: a slot is for a number or
a name, not for a message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import DefinitionError
from testkit.kernel.digest import digest
from testkit.kernel.findings import Finding
from testkit.signoff.admission import admissible
from testkit.signoff.events import LaneEntered
from testkit.signoff.model import SYSTEM, material_digest

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.signoff.model import Auth, ChainDef, RosterView
    from testkit.signoff.state import RequestState

__all__ = [
    "ClearedTemplate",
    "SlotRule",
    "enter_lane",
    "holes_in",
    "lane_event",
    "lane_findings",
    "refuse_words",
    "texts_of",
]

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_LINK: Final = re.compile(r"(?:https?:|www\.|\b[a-z0-9-]+\.[a-z]{2,}/)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRule:
    """What a slot may hold.

    Attributes:
        most: Longest text, in characters.
        choices: Only these, when given.
        number: Digits only, with commas and points between them.
    """

    most: int = 40
    choices: tuple[str, ...] = ()
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedTemplate:
    """Words that were signed off with holes in them.

    Attributes:
        id: As the chain's ``fast_lane.templates`` names it.
        fields: Path of a text (``subject``, ``arms/sms/a/body``) to its words, with ``{slot}``
            holes.
        slots: Slot name to what it may hold. A hole that is no slot stands for itself.
        free: Material fields that may differ altogether.
        digest: Of the text that was adopted; of the content if empty.
    """

    id: str
    fields: Mapping[str, str]
    slots: Mapping[str, SlotRule] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    digest: str = ""

    def used_in(self, words: Mapping[str, Any]) -> ClearedTemplate:
        """The part of it that is about these words: variants that they do not have are left out.

        Words were cleared variant by variant, so any choice of variants is cleared.
        """
        there = {path.rpartition("/")[0] for path in texts_of(words)}
        fields = {p: text for p, text in self.fields.items() if p.rpartition("/")[0] in there}
        holes = {name for text in fields.values() for name in holes_in(text)}
        slots = {name: rule for name, rule in self.slots.items() if name in holes}
        return replace(self, fields=fields, slots=slots)

    def filled(self, slots: Mapping[str, str]) -> dict[str, str]:
        """Its texts with the slots filled, by path.

        Examples:
            >>> thanks = ClearedTemplate(
            ...     id="thanks", fields={"body": "{bill} passed."}, slots={"bill": SlotRule()}
            ... )
            >>> thanks.filled({"bill": "HR 12"})
            {'body': 'HR 12 passed.'}
        """
        known = {name: text for name, text in slots.items() if name in self.slots}
        return {
            path: _SLOT.sub(lambda hole: known.get(hole[1], hole[0]), text)
            for path, text in self.fields.items()
        }


def holes_in(text: str) -> tuple[str, ...]:
    """Names of the ``{holes}`` in a text, in order."""
    return tuple(match[1] for match in _SLOT.finditer(text))


def texts_of(words: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a revision by its path.

    Examples:
        >>> texts_of({"spend_cents": 0, "arms": {"sms": {"a": {"body": "Call now"}}}})
        {'spend_cents': 0, 'arms/sms/a/body': 'Call now'}
    """
    found: dict[str, Any] = {}
    for name, value in words.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{inner}": text for inner, text in texts_of(value).items()}
        else:
            found[name] = value
    return found


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
    texts = texts_of(words)
    for path, wanted in template.filled(slots).items():
        given = texts.get(path)
        if not isinstance(given, str) or _same(given) != _same(wanted):
            bad("SO203", _difference(wanted, given), path.removeprefix("arms/"))
    for path, text in texts.items():
        name = path.partition("/")[0]
        material = name in chain.material and name not in template.free
        # A field without anything in it counts as one that is not there.
        if material and path not in template.fields and text not in (None, ""):
            message = (
                f"the words of {template.id} do not cover it, and a sign-off would be about it"
            )
            bad("SO204", message, path.removeprefix("arms/"))
    return tuple(found)


def _same(text: str) -> str:
    """Texts are the same that nobody can tell apart: by composition, or by what trails them."""
    return unicodedata.normalize("NFC", text).rstrip()


def _slot_problems(text: str, rule: SlotRule) -> list[str]:
    problems = []
    if not text.strip():
        problems.append("is empty")
    if len(text) > rule.most:
        problems.append(f"has {len(text)} characters, and {rule.most} are allowed")
    if rule.choices and text not in rule.choices:
        problems.append(f"holds {text!r}, and only {', '.join(rule.choices)} are allowed")
    if rule.number and not _NUMBER.fullmatch(text):
        problems.append(f"holds {text!r}, and only a number is allowed")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
        problems.append("holds a line break or an invisible character")
    if "{" in text or "}" in text or "<" in text:
        problems.append("holds a placeholder or markup")
    if any(mark in text for mark in "!?;"):
        problems.append("holds a sentence, and a slot is for a number or a name")
    if _LINK.search(text):
        problems.append("holds a link")
    return problems


def _difference(wanted: str, given: object) -> str:
    if not isinstance(given, str):
        return "it is missing" if given is None else "it is not text"
    ours, theirs = wanted.split(), given.split()
    for index, word in enumerate(theirs):
        if index >= len(ours):
            return (
                f"{word!r} is too much, word {index + 1}: outside of the slots nothing may change"
            )
        if word != ours[index]:
            return (
                f"{word!r} instead of {ours[index]!r} is word {index + 1}: outside of the slots"
                " nothing may change"
            )
    if len(ours) > len(theirs):
        return f"{ours[len(theirs)]!r} is missing at its end"
    return "its spacing differs"


def lane_event(
    state: RequestState,
    template: ClearedTemplate,
    *,
    now: datetime,
    actor: str,
    via: str = "",
    auth: Auth = "none",
) -> LaneEntered:
    """The event that takes a request through the lane with its current words; nothing is asked."""
    content = {"fields": dict(template.fields), "free": list(template.free)}
    return LaneEntered(
        at=now,
        actor=actor,
        via=via,
        auth=auth,
        revision=state.revision,
        digest=state.digest,
        template=template.id,
        template_digest=template.digest or digest(content),
    )


def refuse_words(
    state: RequestState,
    template: ClearedTemplate,
    *,
    slots: Mapping[str, str],
    words: Mapping[str, Any],
) -> None:
    """Raise when these are not the template's words, or not the request's.

    Raises:
        DefinitionError: With all findings of :func:`lane_findings`.
    """
    findings = lane_findings(template, state.chain, slots=slots, words=words)
    if material_digest(words, state.chain.material) != state.digest:
        other = Finding(
            code="SO203", severity="error", message=f"these are not the words of {state.revision}"
        )
        findings = (*findings, other)
    if findings:
        raise DefinitionError(findings, path=f"fast lane {template.id}")


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
    """The event that takes a request through the fast lane, when it may.

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
    refuse_words(state, template, slots=slots, words=words)
    event = lane_event(state, template, now=now, actor=actor)
    refusal = admissible(state, event, roster, now, zone_name=zone_name)
    if refusal is not None:
        raise refusal.error()
    return event
