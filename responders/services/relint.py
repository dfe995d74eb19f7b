"""Read the words again after an edit: what lint says now, and which facts of the chain it changes.

A draft is kept as rows; here it becomes the value again that lint reads. Facts only ever become
graver by an edit: whoever said that no candidate is named said it of the old words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import regex

from responders.drafting.lint import lint_draft
from responders.drafting.moments import find_phrase
from responders.drafting.rules import remark
from responders.kinds import adopted_issues
from responders.model.draft import (
    Block,
    ChannelText,
    Draft,
    MatchReason,
    Quote,
    StoryEntry,
    StoryFacts,
    Variant,
)
from responders.model.issue import RISKS
from responders.services.speaker import limits_of, organisation
from responders.store.drafts import CheckRow
from testkit.kernel.clock import from_text, zone
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.model.draft import Organisation
    from responders.model.issue import Issue
    from responders.store.drafts import DraftRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = [
    "CODES",
    "Checked",
    "check_again",
    "checks_of",
    "draft_of",
    "unknown_names",
    "unused",
]

CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "sources_present": ("RS010", "RS011"),
    "claims_match_article": ("RS011", "RS012"),
    "length_ok": ("RS070",),
    "disclaimer": ("RS040", "RS041"),
    "slots_filled": ("RS054",),
}
"""Automatic check of a chain to the findings that fail it; ``lint`` is failed by any error in a
text."""

# Two capitalised words in a row inside a sentence: a person, a place, an organisation.
_NAME: Final = regex.compile(
    r"(?<![.!?:\n“\"] )(?<!^)\b\p{Lu}\p{Ll}[\p{L}'’-]+(?: \p{Lu}[\p{L}.'’-]+)+"
)
_FIRST_NAME: Final = regex.compile(r"(?:^|[.!?:\n“\"] ?)(\p{Lu}\p{Ll}+(?: \p{Lu}[\p{L}.'’-]+)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a second reading gave.

    Attributes:
        row: What is kept with the edit.
        names: Names that the edit brought in and that neither story nor issue file has.
    """

    row: CheckRow
    names: tuple[str, ...] = ()

    def facts_after(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """The chain's facts with what the edit made graver; None when nothing changed."""
        after = dict(facts)
        risk = str(after.get("risk", "low"))
        if risk in RISKS and RISKS.index(self.row.risk) > RISKS.index(risk):
            after["risk"] = self.row.risk
        if self.names and after.get("names_candidate") is False:
            after["names_candidate"] = True
        return after if after != dict(facts) else None


def check_again(
    conn: Connection, workspace: Workspace, row: DraftRow, content: Mapping[str, Any]
) -> Checked:
    """Lint the words of an edit against story, issue and organisation.

    Args:
        conn: A connection to ``workspace.db``.
        workspace: For clock and configuration.
        row: The draft before the edit.
        content: Its words after it. They are held against the words that were raised, so what
            an earlier edit brought in is said again.
    """
    found = adopted_issues(conn).get(row.issue)
    if not row.facts.get("story", {}).get("title"):
        # Nothing to hold the words against: what was said of them before still stands.
        before_it = tuple(row.facts.get("findings", ()))
        lengths = row.facts.get("lengths", {})
        return Checked(row=CheckRow(findings=before_it, lengths=lengths, risk=row.risk))
    if found is None:
        gone = remark(
            "RS092",
            f"the issue {row.issue!r} is not adopted any more",
            hint="adopt it again, or read these words with care",
        )
        return Checked(
            row=CheckRow(
                findings=(gone.as_dict(),), lengths=row.facts.get("lengths", {}), risk=row.risk
            )
        )
    issue = found[0]
    place = zone(workspace.config.organisation.zone)
    org = organisation(workspace.config)
    before = draft_of(row, row.raised or row.content, issue)
    limits = limits_of(workspace.config)
    after = lint_draft(
        draft_of(row, content, issue),
        issue,
        org,
        as_of=workspace.clock(),
        zone=place,
        limits=limits,
    )
    named = unknown_names(before, after.variants, issue, org)
    extra = [finding for _, finding in named]
    extra += [
        remark(
            "RS100",
            "proposed by your hook and taken up by a person",
            hint="read it as a stranger's draft",
            where=taken.replace("/", "."),
        )
        for taken in content.get("from_hook", ())
    ]
    extra += unused(row.facts.get("left_out", ()), row.facts.get("other_events", ()))
    sensitive = _sensitive(before, after, issue)
    findings = (*after.findings, *(f for v in after.variants for f in v.findings))
    risk = row.risk
    if sensitive or any(f.code == "RS024" for f in findings):
        risk = "high"
    return Checked(
        row=CheckRow(
            findings=tuple(f.as_dict() for f in (*findings, *extra, *sensitive)),
            lengths={f"{v.channel}/{v.key}": v.length for v in after.variants},
            risk=risk,
        ),
        names=tuple(name for name, _ in named),
    )


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


def unused(reports: Sequence[str], others: Sequence[str] = ()) -> list[Finding]:
    """RS018 where reports of the story were left out of a draft.

    Args:
        reports: ``outlet: headline`` of each.
        others: Those among them that may be a story of their own.
    """
    found = []
    if others:
        found.append(
            remark(
                "RS018",
                f"{_counted(others)} left out of this draft and may be another story: "
                f"{_listed(others)}",
                hint="if it is: story split, and it gets a draft of its own",
            )
        )
    doubtful = [report for report in reports if report not in others]
    if doubtful:
        found.append(
            remark(
                "RS018",
                f"{_counted(doubtful)} left out of this draft: {_listed(doubtful)}",
                hint="too few names, numbers and rare words show that it is the same event: read"
                " it before you use a word of it",
                severity="note",
            )
        )
    return found


def _counted(reports: Sequence[str]) -> str:
    return "1 report was" if len(reports) == 1 else f"{len(reports)} reports were"


def _listed(reports: Sequence[str]) -> str:
    return "; ".join(reports[:3]) + ("; ..." if len(reports) > 3 else "")


def draft_of(row: DraftRow, content: Mapping[str, Any], issue: Issue) -> Draft:
    """The draft as a value, with the words of ``content``."""
    from responders.drafting.compose import length_of

    kept = row.facts.get("blocks", {})
    varied = content.get("varied", {})
    variants: list[Variant] = []
    for channel, arms in content["arms"].items():
        for key, words in arms.items():
            blocks = tuple(
                Block(name=name, alternative=alternative, text=text)
                for name, alternative, text in kept.get(f"{channel}/{key}", ())
            )
            chosen = varied.get(channel) or None
            variant = Variant(
                key=key,
                channel=channel,
                varied=chosen,
                alternative=next((b.alternative for b in blocks if b.name == chosen), ""),
                blocks=blocks,
                text=ChannelText(
                    channel=channel,
                    body=words["body"],
                    subject=words.get("subject", ""),
                    preheader=words.get("preheader", ""),
                ),
            )
            variants.append(replace(variant, length=length_of(variant)))
    return Draft(
        story=_story(row.facts.get("story", {})),
        issue=row.issue,
        reason=MatchReason(issue=row.issue, issue_title=issue.title, owner=issue.owner),
        reading=row.facts.get("reading", ""),
        moment=row.facts.get("moment", ""),
        audience=content.get("audience", ""),
        lang=content.get("lang", issue.lang),
        risk=row.risk,  # type: ignore[arg-type]  # the table holds one of the three
        hold=row.hold,
        variants=tuple(variants),
        findings=tuple(Finding(**f) for f in row.facts.get("findings", ())),
        drafted_at=_time(row.raised_at),
    )


def _story(plain: Mapping[str, Any]) -> StoryFacts:
    values = dict(plain)
    for name in ("published_at", "first_seen_at"):
        values[name] = _time(values[name]) if values.get(name) else None
    values["quotes"] = tuple(Quote(**quote) for quote in values.get("quotes", ()))
    values["entries"] = tuple(
        StoryEntry(
            **{
                **entry,
                "published_at": _time(entry["published_at"]) if entry.get("published_at") else None,
                "first_seen_at": _time(entry["first_seen_at"])
                if entry.get("first_seen_at")
                else None,
            }
        )
        for entry in values.get("entries", ())
    )
    return StoryFacts(**values)


def _time(text: str) -> Any:
    return from_text(text)


def _words(variants: Sequence[Variant]) -> dict[str, str]:
    return {
        f"{v.channel}.{v.key}": f"{v.text.subject}\n{v.text.preheader}\n{v.text.body}"
        for v in variants
    }


def unknown_names(
    draft: Draft, variants: Sequence[Variant], issue: Issue, org: Organisation
) -> list[tuple[str, Finding]]:
    """Names in words that somebody else wrote, which nobody of us had said: each with its RS025.

    Args:
        draft: As it was raised.
        variants: The words that are asked about.
        issue: The issue that it answers for.
        org: Who is speaking.
    """
    story = draft.story
    known = "\n".join(
        (
            *_words(draft.variants).values(), org.name, org.signer, org.address,
            story.title, story.summary,
            *(f"{e.title}\n{e.summary}\n{e.source}" for e in story.entries),
            *(f"{q.text}\n{q.speaker}" for q in story.quotes),
            *(f"{f.text}\n{f.short}" for f in issue.frames),
            *(f"{p.text}\n{p.source}" for p in issue.talking_points),
        )
    ).casefold()  # fmt: skip
    found: dict[str, str] = {}
    for where, words in _words(variants).items():
        names = [match[0] for match in _NAME.finditer(words)]
        names += [match[1] for match in _FIRST_NAME.finditer(words)]
        for name in names:
            clean = name.rstrip(".'’-")
            if clean.casefold() not in known:
                found.setdefault(clean, where)
    return [
        (
            name,
            remark(
                "RS025",
                f"“{name}” is in neither the story nor the issue file",
                hint="check who it is; a candidate's name may change who has to sign",
                where=where,
            ),
        )
        for name, where in found.items()
    ]


def _sensitive(before: Draft, after: Draft, issue: Issue) -> list[Finding]:
    """RS022 for words that the edit brought in and the issue file calls sensitive."""
    old = _words(before.variants)
    found: list[Finding] = []
    for where, words in _words(after.variants).items():
        for sensitivity in issue.sensitivities:
            for phrase in sensitivity.words:
                spans = find_phrase(phrase, words)
                if spans and not find_phrase(phrase, old.get(where, "")):
                    shown = words[spans[0][0] : spans[0][1]]
                    found.append(
                        remark(
                            "RS022",
                            f"“{shown}”: {sensitivity.reason}",
                            hint="let the person who knows this best read it first",
                            where=where,
                            severity="error" if sensitivity.blocks else "warning",
                        )
                    )
                    break
    return found
