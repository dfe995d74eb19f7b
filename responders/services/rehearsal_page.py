"""Rehearsed drafts as pages to be read and marked, and the marks as a share with its interval."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from responders.model.draft import Draft, Organisation, Variant
    from responders.services.rehearse import Rehearsed

__all__ = ["MARKS", "Mark", "cause_page", "marks_from", "overview_page", "shares"]

MARKS: Final = ("send", "small edit", "rewrite")
_COLUMNS: Final = ("story", "cause", "mark", "note", "reader", "date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a reader thought of one draft.

    Attributes:
        story: Name of the story.
        cause: Slug of the issue.
        mark: ``send``, ``small edit`` or ``rewrite``.
        note: Why, in the reader's words.
        reader: Who read it; somebody who did not write the templates.
        date: ISO day.
    """

    story: str
    cause: str
    mark: str
    note: str = ""
    reader: str = ""
    date: str = ""


def marks_from(text: str, *, name: str = "marks.csv") -> tuple[Mark, ...]:
    """Read a file of marks: ``story,cause,mark,note`` and, if told, ``reader,date``.

    Raises:
        InputError: A column is missing, a mark is unknown, or a draft is marked twice.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [c for c in _COLUMNS[:3] if c not in (rows.fieldnames or ())]
    if missing:
        raise InputError(
            f"{name} has no column {missing[0]!r}",
            field=missing[0],
            hint="its first line is story,cause,mark,note,reader,date",
        )
    found: dict[tuple[str, str], Mark] = {}
    for number, row in enumerate(rows, start=2):
        mark = Mark(**{column: (row.get(column) or "").strip() for column in _COLUMNS})
        if mark.mark not in MARKS:
            raise InputError(
                f"{name}, line {number}: no such mark",
                field="mark",
                value=mark.mark,
                hint="one of " + ", ".join(MARKS),
            )
        if (mark.cause, mark.story) in found:
            raise InputError(
                f"{name}, line {number}: {mark.story} is marked twice", field="story",
                value=mark.story, hint="keep one line per draft",
            )  # fmt: skip
        found[mark.cause, mark.story] = mark
    return tuple(found.values())


def shares(marks: Sequence[Mark]) -> str:
    """The share of each mark, and of *send* or *small edit*, with 95 % Wilson intervals."""
    from testkit.stats.intervals import wilson

    if not marks:
        return "Not marked yet.\n"
    lines = ["| mark | drafts | share | 95 % interval |", "|---|---:|---:|---|"]
    groups: list[tuple[str, tuple[str, ...]]] = [(mark, (mark,)) for mark in MARKS]
    groups.append(("send or small edit", MARKS[:2]))
    for label, members in groups:
        count = sum(mark.mark in members for mark in marks)
        low_high = wilson(successes=count, n=len(marks))
        lines.append(
            f"| {label} | {count} | {count / len(marks):.0%} "
            f"| {low_high.low:.0%} to {low_high.high:.0%} |"
        )
    readers = ", ".join(dict.fromkeys(m.reader for m in marks if m.reader)) or "not named"
    dates = sorted({m.date for m in marks if m.date})
    when = f", {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "") if dates else ""
    return "\n".join(lines) + f"\n\nMarked by: {readers}{when}.\n"


def overview_page(
    rehearsed: Sequence[Rehearsed], marks: Sequence[Mark], *, titles: Mapping[str, str]
) -> str:
    """The first page: how the drafts were made, the marks, and what was read from each story."""
    out = [_HEAD, "## Marks\n", shares(marks)]
    by_story = {(m.cause, m.story): m for m in marks}
    out.append("## The stories\n")
    for cause in dict.fromkeys(item.story.cause for item in rehearsed):
        own = [item for item in rehearsed if item.story.cause == cause]
        out.append(f"### [{titles.get(cause, cause)}]({cause}.md)\n")
        out += ["| story | what happened | how it was read | mark |", "|---|---|---|---|"]
        for item in own:
            mark = by_story.get((cause, item.story.name))
            shown = mark.mark if mark else ""
            out.append(f"| {item.story.name} | {item.story.kind} | {_read(item)} | {shown} |")
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def cause_page(
    rehearsed: Iterable[Rehearsed],
    marks: Sequence[Mark],
    *,
    title: str,
    org: Organisation,
) -> str:
    """All drafts of one cause, compactly: what is the same in each is left out."""
    by_story = {(m.cause, m.story): m for m in marks}
    out = [f"# {title}: replayed stories and their drafts\n", _CAUSE_HEAD]
    for item in rehearsed:
        out.append(f"## {item.story.name}\n")
        mark = by_story.get((item.story.cause, item.story.name))
        if mark:
            out.append(f"**{mark.mark}**" + (f": {mark.note}" if mark.note else "") + "\n")
        out.append(f"*{item.story.kind}*, {item.story.entries[0][0].first_seen:%Y-%m-%d}\n")
        out += [
            f"- {outlet}: {entry.title}"
            + (f" | {entry.summary_text}" if entry.summary_text else "")
            for entry, outlet in item.story.entries
        ]
        out.append("")
        out.append(_draft(item, org))
    return "\n".join(out).rstrip() + "\n"


def _read(item: Rehearsed) -> str:
    if item.draft is None:
        return "not matched: no draft"
    return item.draft.reading.split(" (")[0].removeprefix("Read as ") + (
        " (hold)" if item.draft.hold else ""
    )


def _draft(item: Rehearsed, org: Organisation) -> str:
    draft = item.draft
    if draft is None:
        return "**No draft**: the issue's query does not ask for this story.\n"
    lines = [f"{draft.reason.in_words().split(' First seen')[0]} {draft.reading}"]
    if item.joined < len(item.story.entries):
        lines.append(f"Seen as one story: {item.joined} of {len(item.story.entries)} entries.")
    if item.strangers:
        lines.append(f"Entries of another story came with it: {item.strangers}.")
    if draft.hold:
        lines.append("**Hold**: nothing is asked of anybody; no text message, no call.")
    lines += [f"Lint, draft: {finding}" for finding in draft.findings]
    for channel in ("email", "sms", "post"):
        lines.append("")
        lines.append(_channel(draft, draft.on(channel), org))
    return "\n".join(lines).rstrip() + "\n"


def _channel(draft: Draft, variants: tuple[Variant, ...], org: Organisation) -> str:
    if not variants:
        return ""
    first = variants[0]
    body = first.text.body
    if first.channel == "email":
        body = _without_foot(body, org)
    lines = [f"{first.channel}, {first.length}:\n", "```text"]
    if first.text.subject:
        lines += [f"Subject: {first.text.subject}", f"Preheader: {first.text.preheader}", ""]
    lines += [body, "```"]
    for other in variants[1:]:
        words = next((b.text for b in other.blocks if b.name == other.varied), "")
        lines.append(f"\n{other.key} differs in {other.varied}: {words}")
    lines += [
        f"\nLint, {finding}"
        for variant in variants
        for finding in variant.findings
        if variant is first or str(finding).partition(" ")[2] not in
        {str(f).partition(" ")[2] for f in first.findings}
    ]  # fmt: skip
    del draft
    return "\n".join(lines)


def _without_foot(body: str, org: Organisation) -> str:
    at = body.rfind(org.signer) if org.signer else -1
    return body[:at].rstrip() if at > 0 else body


_HEAD: Final = """\
# Rehearsal: replayed stories and what was drafted for each

This folder is written by `whistlestop draft rehearse --write docs/drafting/stories`. The stories
are invented: so are all outlets, people, places and organisations in them. They go through the same
code as news: clusterer, queries, reading, templates, lint, with the bundled issue files as they
are. Nothing is chosen or changed by story.

The stories were written before anybody had seen a draft of them. The issue files were then improved
with these stories in view, so the drafts here are better than those for the first story of
tomorrow. How a headline is read was measured apart (2026-11-22), on headlines that the rules had
not seen. They were invented by the author of the rules, 20 for each cause, after the rules were
frozen, labelled first and read once; a set by another hand would be a harder test:

| 100 headlines without teasers | before | first set | second set |
|---|---:|---:|---:|
| the kind of news read rightly | 45, 52 | 69 (59 to 77) | 66 (56 to 75) |
| not recognised: general words, and it says so (RS023) | 45, 32 | 20 (13 to 29) | 23 (16 to 32) |
| another kind of news, in the right mood | 4, 5 | 7 (3 to 14) | 9 (5 to 16) |
| told as decided while it is open | 1, 2 | 0 (0 to 4) | 0 (0 to 4) |
| the wrong way round | 5, 9 | 4 (2 to 10) | 2 (1 to 7) |

Before that, on 25 headlines with teasers by another hand, the cues alone read 6 rightly, 16 not,
and 3 in the wrong mood.

In brackets: 95 % intervals. *Before* are the cues alone, on the same two sets. What the first set
showed was mended before the second was written; what the second showed was mended afterwards and
not measured again. All are kept under `tests/unit/responders/headlines`. Cues and
[things](../../newsroom/issues.md#things) are yours to extend; `draft rehearse` shows what your own
files give.

Each draft is marked by a reader who wrote neither templates nor stories: *send*, *small edit*
(a minute's work, the message stays), or *rewrite*. The marks are in
[`marks.csv`](../marks.csv). A first reader marked an earlier version (77 % at most a small edit);
what they found was mended, and a second reader marked the result (93 %). The marks here are a third
reader's. The wording has hardly changed since the second, so 93 and 98 %
are two readers' views of the same templates, not progress: they gave 66 of 100 the same mark, and
of 9 that one of them would rewrite none is common to both. (The third had seen the second's marks
for labor, not for the other four causes.) After these marks eleven sentences were mended that the
third reader had called unsafe, unsourced or without an ask; they were not marked again.
"""
_CAUSE_HEAD: Final = """\
Left out, because it is the same in every e-mail: signer, organisation, postal address, opt-out
line. Of the variants, `a` is printed whole, of the others the one block in which they differ.
Telephone scripts are made too; they are not printed here. [All causes](README.md).
"""
