"""Lint of the words as they are now, and the automatic checks that a chain may ask for.

A draft keeps what lint said when it was raised. Words that somebody edited since then are read
again here, whenever they go before the chain.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.clock import from_text, zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from responders.model.draft import Draft, Organisation, StoryFacts
    from responders.model.issue import Issue
    from responders.store.drafts import DraftRow

__all__ = ["CODES", "checks_of", "findings_of"]

CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "sources_present": ("RS010", "RS011"),
    "claims_match_article": ("RS011", "RS012"),
    "length_ok": ("RS070",),
    "disclaimer": ("RS040", "RS041"),
    "slots_filled": ("RS054",),
}
"""Check to the findings that fail it; ``lint`` is failed by any error in a text."""


def findings_of(
    row: DraftRow,
    content: Mapping[str, Any],
    issue: Issue | None,
    org: Organisation,
    *,
    now: datetime,
    zone_name: str,
) -> list[dict[str, Any]]:
    """What lint says of these words now.

    Args:
        row: The draft.
        content: Its words, perhaps edited.
        issue: As adopted; None when it is no longer.
        org: Who is speaking.
        now: The moment.
        zone_name: IANA zone of the readers.

    Returns:
        Findings as plain values: those about the story as they were, those about each text anew.
        As they were, where the draft does not hold the story that it answers.
    """
    from responders.drafting.claims import material_of
    from responders.drafting.lint import lint_variant

    before: list[dict[str, Any]] = list(row.facts.get("findings", []))
    story = _story(row.facts.get("story"))
    if story is None or issue is None:
        return before
    draft = _draft(row, content, story, now)
    tz = zone(zone_name)
    material = material_of(story, issue, org, zone=tz)
    places = {f"{variant.channel}.{variant.key}" for variant in draft.variants}
    fresh = [
        finding.as_dict()
        for variant in draft.variants
        for finding in lint_variant(
            variant, draft, issue, org, as_of=now, zone=tz, material=material
        )
    ]
    return [f for f in before if f.get("where") not in places] + fresh


def checks_of(findings: Sequence[Mapping[str, Any]], content: Mapping[str, Any]) -> dict[str, bool]:
    """Every automatic check, and whether these words pass it.

    Only errors in a text fail a check: an edit can mend them. What lint says of the story (that
    somebody died, say) is for people to weigh, and is shown to them.
    """
    places = {f"{c}.{key}" for c, variants in content["arms"].items() for key in variants}
    wrong = {
        f["code"] for f in findings if f.get("severity") == "error" and f.get("where") in places
    }
    return {"lint": not wrong} | {name: wrong.isdisjoint(codes) for name, codes in CODES.items()}


def _story(value: Any) -> StoryFacts | None:
    from responders.model.draft import Quote, StoryEntry, StoryFacts

    def made(cls: Any, given: Mapping[str, Any]) -> Any:
        known = {f.name for f in fields(cls)}
        return cls(
            **{
                name: from_text(v) if name.endswith("_at") and v else v
                for name, v in given.items()
                if name in known
            }
        )

    if not isinstance(value, dict) or not value.get("title"):
        return None
    whole = {
        **value,
        "quotes": tuple(made(Quote, q) for q in value.get("quotes", ())),
        "entries": tuple(made(StoryEntry, e) for e in value.get("entries", ())),
    }
    story: StoryFacts = made(StoryFacts, whole)
    return story


def _draft(row: DraftRow, content: Mapping[str, Any], story: StoryFacts, now: datetime) -> Draft:
    from responders.model.draft import ChannelText, Draft, MatchReason, Variant

    variants = tuple(
        Variant(
            key=key,
            channel=channel,
            varied=None,
            alternative="",
            blocks=(),
            text=ChannelText(
                channel=channel,
                body=words["body"],
                subject=words.get("subject", ""),
                preheader=words.get("preheader", ""),
            ),
        )
        for channel, arms in content["arms"].items()
        for key, words in arms.items()
    )
    return Draft(
        story=story,
        issue=row.issue,
        reason=MatchReason(issue=row.issue, issue_title=row.issue),
        reading=row.facts.get("reading", ""),
        moment=row.facts.get("moment", ""),
        audience=content.get("audience", ""),
        lang=content.get("lang", "en"),
        risk=row.risk,  # type: ignore[arg-type]  # kept as the text that it was
        hold=row.hold,
        variants=variants,
        drafted_at=now,
    )
