"""A file of pre-cleared words, ``lanes/NAME.yaml``, as a value; and what is wrong with it.

The words are written as a draft has them, by channel and variant. Findings SO101 to SO105 are
those of every rule file; SO205 to SO207 are listed in ``docs/signoff/chain.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import DefinitionError
from testkit.kernel.digest import digest_bytes
from testkit.kernel.findings import Finding, by_severity
from testkit.signoff.lane import ClearedTemplate, SlotRule, holes_in
from testkit.signoff.reader import Key, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from testkit.kernel.yamlfile import Document
    from testkit.signoff.charter import Charter
    from testkit.signoff.model import ChainDef

__all__ = ["LaneFile", "chains_with", "check_lane", "clearers", "parse_lane"]

_KEYS: Final = ("lane", "about", "words", "slots", "audience", "free", "valid_until")
_IMPLIED: Final = ("channel", "spend_cents")
"""Material fields that no file has to name: the words say the channels, the chain the spend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFile:
    """Words that somebody clears beforehand.

    Attributes:
        template: The words with their holes.
        about: One sentence.
        valid_until: They are not cleared any more from this moment on; None for no end.
    """

    template: ClearedTemplate
    about: str = ""
    valid_until: datetime | None = None


def parse_lane(document: Document, *, zone_name: str = "UTC") -> LaneFile:
    """The pre-cleared words that a file holds.

    Args:
        document: The file as read.
        zone_name: IANA zone of moments that name none.

    Raises:
        DefinitionError: With every problem of the file.
    """
    if document.findings:
        raise DefinitionError(document.findings, path=document.name)
    reader = _Reader(zone_name, document.where)
    found = reader.lane(document.value, digest=digest_bytes(document.text.encode()))
    if reader.findings or found is None:
        raise DefinitionError(by_severity(reader.findings), path=document.name)
    return found


class _Reader(Reader):
    """Reads a file of pre-cleared words."""

    def lane(self, value: object, *, digest: str) -> LaneFile | None:
        top = self.mapping(value, (), _KEYS)
        if not top:
            self.bad("SO102", "the file holds no words", (), "start with `lane: NAME`")
            return None
        slots = self._slots(top.get("slots"))
        fields = self._words(self.needed(top, "words", ()))
        if top.get("audience") is not None:
            fields["audience"] = self.text(top["audience"], ("audience",))
        holes = {name for text in fields.values() for name in holes_in(text)}
        for name in slots:
            if name not in holes:
                message = f"no text has a hole {{{name}}}"
                self.bad("SO205", message, ("slots", name), "remove the slot, or write the hole")
        template = ClearedTemplate(
            id=self.ident(self.needed(top, "lane", ()), ("lane",)),
            fields=fields,
            slots=slots,
            free=(*_IMPLIED, *self.texts(top.get("free"), ("free",))),
            digest=digest,
        )
        return LaneFile(
            template=template,
            about=self.text(top["about"], ("about",)) if top.get("about") is not None else "",
            valid_until=self.end(top.get("valid_until"), ("valid_until",)),
        )

    def _words(self, value: object) -> dict[str, str]:
        if not isinstance(value, dict) or not value:
            if isinstance(value, dict | list | str | int):
                hint = "write `sms: {a: {body: ...}}` under words"
                self.bad("SO103", "channels with their words are expected", ("words",), hint)
            return {}
        fields: dict[str, str] = {}
        for channel, variants in value.items():
            key: Key = ("words", str(channel))
            if not isinstance(variants, dict) or not variants:
                self.bad("SO103", "variants with their words are expected", key)
                continue
            for variant, parts in variants.items():
                place: Key = (*key, str(variant))
                if not isinstance(parts, dict) or not parts:
                    self.bad("SO103", "`body: ...` is expected", place)
                    continue
                for part, text in parts.items():
                    if self.text(text, (*place, str(part))):
                        fields[f"arms/{channel}/{variant}/{part}"] = str(text).rstrip()
        return fields

    def _slots(self, value: object) -> dict[str, SlotRule]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.bad("SO103", "slots with what they may hold are expected", ("slots",))
            return {}
        found = {}
        for name, rule in value.items():
            key: Key = ("slots", str(name))
            given = self.mapping(rule, key, ("most", "choices", "number"))
            found[str(name)] = SlotRule(
                most=self._optional(given, "most", key, 40),
                choices=self.texts(given.get("choices"), (*key, "choices")),
                number=given.get("number") is not None
                and self.yes_no(given["number"], (*key, "number")),
            )
        return found

    def _optional(self, given: Mapping[str, Any], name: str, key: Key, otherwise: int) -> int:
        value = given.get(name)
        return otherwise if value is None else self.whole(value, (*key, name), least=1)


def chains_with(name: str, chains: Sequence[ChainDef]) -> list[ChainDef]:
    """The chains whose fast lane these words may take."""
    return [c for c in chains if c.fast_lane is not None and name in c.fast_lane.templates]


def clearers(name: str, chains: Sequence[ChainDef]) -> tuple[str, ...]:
    """Roles that every chain with these words in its lane lets clear them."""
    listed = [chain.lane_clearers for chain in chains_with(name, chains)]
    first = listed[0] if listed else ()
    return tuple(role for role in first if all(role in roles for roles in listed))


def check_lane(
    found: LaneFile,
    chains: Sequence[ChainDef],
    charter: Charter | None,
    now: datetime,
    *,
    document: Document,
) -> tuple[Finding, ...]:
    """Whether these words can be cleared, and would be of use.

    Args:
        found: The words.
        chains: The adopted chains.
        charter: The charter in force; None in practice mode.
        now: The moment.
        document: The file, for the place of each finding.

    Returns:
        SO206 for a hole that is no slot, SO207 where no chain and charter lets them go out.
    """
    name, findings = found.template.id, []
    for path, text in found.template.fields.items():
        plain = text.replace("{{", "").replace("}}", "")
        for hole in holes_in(plain):
            if hole not in found.template.slots:
                key = path.replace("arms/", "words/", 1).split("/")
                message = f"{{{hole}}} is no slot, and goes out as it stands"
                hint = f"write `{hole}: {{most: 40}}` under slots, if it is one"
                findings.append(
                    document.finding(
                        "SO206", message, key=tuple(key), hint=hint, severity="warning"
                    )
                )
    users = chains_with(name, chains)
    if not users:
        hint = f"write `fast_lane: {{templates: [{name}], ...}}` in a chain, and adopt that first"
        findings.append(
            document.finding("SO207", f"no chain's fast lane takes {name}", key=(), hint=hint)
        )
    elif not clearers(name, chains):
        names = " and ".join(chain.id for chain in users)
        message = f"{names} let no role in common clear these words"
        findings.append(document.finding("SO207", message, hint="name one under `cleared_by`"))
    if found.valid_until is not None and found.valid_until <= now:
        message = "they are over before they begin"
        findings.append(document.finding("SO207", message, key=("valid_until",)))
    if charter is not None and not charter.fast_lane:
        message = "the charter has no fast lane: nothing goes out this way"
        hint = f"{' or '.join(charter.signed_by)} can write `fast_lane: true` in charter.yaml"
        findings.append(document.finding("SO207", message, hint=hint, severity="warning"))
    return by_severity(findings)
