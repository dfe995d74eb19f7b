"""What to check before a text goes out: findings RS001 to RS081.

Two moments call this: composing a draft, and every edit of it. It knows the story, the issue and
the organisation, so it can say of a number or a quotation where it should have come from. Each
code is explained, with how to fix it, in ``docs/drafting/lint.md``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from responders.drafting.claims import material_of, story_findings, text_claims
from responders.drafting.form import text_form
from responders.drafting.lengths import LIMITS
from responders.drafting.moments import find_phrase
from responders.drafting.rules import RULES, LintRules, remark
from testkit.kernel.findings import by_severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from responders.drafting.claims import Material
    from responders.drafting.lengths import Limit
    from responders.model.draft import Draft, Organisation, Variant
    from responders.model.issue import Issue
    from testkit.kernel.findings import Finding

__all__ = ["RULES", "LintRules", "lint_draft", "lint_variant"]


def lint_draft(
    draft: Draft,
    issue: Issue,
    org: Organisation,
    *,
    as_of: datetime,
    rules: LintRules | None = None,
    limits: Mapping[str, Limit] = LIMITS,
    zone: tzinfo = UTC,
) -> Draft:
    """The draft with fresh findings, on each text and on the whole.

    Findings of the raising (RS001-RS006, RS101) are kept; those of an earlier lint are replaced.

    Args:
        draft: As composed, or as edited.
        issue: The issue that it answers for.
        org: Who is speaking.
        as_of: Now, aware; decides what is stale or expired.
        rules: Words and numbers; defaults when None.
        limits: Length rules per channel.
        zone: Time zone of the readers.
    """
    chosen = rules or LintRules()
    material = material_of(draft.story, issue, org, zone=zone)
    variants = tuple(
        replace(
            variant,
            findings=lint_variant(
                variant,
                draft,
                issue,
                org,
                as_of=as_of,
                rules=chosen,
                limits=limits,
                zone=zone,
                material=material,
            ),
        )
        for variant in draft.variants
    )
    found = [f for f in draft.findings if f.code <= "RS006" or f.code == "RS101"]
    found += story_findings(draft, issue, as_of=as_of, rules=chosen)
    found += _care(draft, issue, rules=chosen)
    found += _arms(draft)
    return replace(draft, variants=variants, findings=_kept(found, chosen))


def lint_variant(
    variant: Variant,
    draft: Draft,
    issue: Issue,
    org: Organisation,
    *,
    as_of: datetime,
    rules: LintRules | None = None,
    limits: Mapping[str, Limit] = LIMITS,
    zone: tzinfo = UTC,
    material: Material | None = None,
) -> tuple[Finding, ...]:
    """Findings on one text, worst first.

    The arguments are those of :func:`lint_draft`; ``material`` spares collecting what may be said
    when several texts of one story are checked.
    """
    chosen = rules or LintRules()
    where = f"{variant.channel}.{variant.key}"
    moment = issue.moment(draft.moment)
    found = text_claims(
        variant.text,
        material or material_of(draft.story, issue, org, zone=zone),
        issue,
        today=as_of.astimezone(zone).date(),
        stance=moment.stance if moment else None,
        where=where,
    )
    found += text_form(
        variant,
        issue,
        org,
        hold=draft.hold,
        story_url=draft.story.url,
        lang=draft.lang,
        rules=chosen,
        limits=limits,
        where=where,
    )
    return _kept(found, chosen)


def _kept(found: list[Finding], rules: LintRules) -> tuple[Finding, ...]:
    return by_severity(
        finding
        for finding in dict.fromkeys(found)
        if finding.severity == "error" or finding.code not in rules.off
    )


def _care(draft: Draft, issue: Issue, *, rules: LintRules) -> list[Finding]:
    """RS020-RS023: what a machine should not decide."""
    story = draft.story
    found: list[Finding] = []
    lang = (story.lang or draft.lang).split("-")[0]
    if draft.hold:
        found.append(
            remark(
                "RS020",
                draft.reading,
                hint="wait for facts; ask for nothing; no text messages and no calls",
            )
        )
    else:
        for where, text in (("headline", story.title), ("summary", story.summary)):
            word = _tragic(text, rules.tragedy.get(lang, ()), rules.not_tragedy)
            if word:
                found.append(
                    remark(
                        "RS021",
                        f"the {where} has “{word}”, and the texts ask for an act",
                        hint="if somebody was hurt, speak of them first and wait with the ask",
                        severity="error" if where == "headline" else "warning",
                    )
                )
                break
    whole = f"{story.title}\n{story.summary}"
    for sensitivity in issue.sensitivities:
        for words in sensitivity.words:
            spans = find_phrase(words, whole)
            if spans:
                found.append(
                    remark(
                        "RS022",
                        f"“{whole[spans[0][0] : spans[0][1]]}”: {sensitivity.reason}",
                        hint="let the person who knows this best read it first",
                        severity="error" if sensitivity.blocks else "warning",
                    )
                )
                break
    if not draft.moment and not draft.hold:
        found.append(
            remark("RS023", draft.reading, hint="choose the moment yourself and draft again")
        )
    return found


def _tragic(text: str, words: tuple[str, ...], harmless: tuple[str, ...]) -> str:
    safe = [span for phrase in harmless for span in find_phrase(phrase, text)]
    for word in words:
        for start, end in find_phrase(word, text):
            if not any(a <= start and end <= b for a, b in safe):
                return text[start:end]
    return ""


def _arms(draft: Draft) -> list[Finding]:
    """RS080, RS081: the variants of a channel are arms only if one block differs."""
    found: list[Finding] = []
    for channel in dict.fromkeys(variant.channel for variant in draft.variants):
        arms = draft.on(channel)
        if len(arms) == 1:
            if not draft.hold:
                found.append(
                    remark(
                        "RS081",
                        f"{channel}: one text, nothing to test",
                        hint="write a second frame for one block",
                        where=channel,
                    )
                )
            continue
        first = {block.name: block.text for block in arms[0].blocks}
        for arm in arms[1:]:
            blocks = {block.name: block.text for block in arm.blocks}
            different = [name for name in first | blocks if first.get(name) != blocks.get(name)]
            outside = [name for name in different if name != arm.varied]
            same_rest = _rest(arms[0]) == _rest(arm)
            if outside or not different or not same_rest:
                what = ", ".join(outside) or ("nothing" if not different else "text around it")
                found.append(
                    remark(
                        "RS080",
                        f"{channel} {arms[0].key} and {arm.key} differ in {what}, "
                        f"not only in {arm.varied}",
                        hint="make the other words equal, or the test cannot say what worked",
                        where=channel,
                    )
                )
    return found


def _rest(variant: Variant) -> tuple[str, ...]:
    """The text without the block that varies."""
    varied = next((b.text for b in variant.blocks if b.name == variant.varied), "")
    parts = (variant.text.subject, variant.text.preheader, variant.text.body)
    if not varied:
        return parts
    return tuple(part.replace(varied, "\0", 1) for part in parts)
