"""draft rehearse: the bundled stories through the issues in force, as text or pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from responders.kinds import adopted_issues, templates_of
from responders.services.rehearsal_page import (
    MARKS,
    cause_page,
    marks_from,
    overview_page,
    shares,
)
from responders.services.rehearse import rehearse, starter_set
from responders.services.speaker import organisation
from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from responders.model.draft import Organisation
    from responders.services.rehearse import Rehearsed
    from testkit.kernel.clock import Clock
    from testkit.kernel.workspace import Workspace

__all__ = ["Rehearsal", "run"]

_INVENTED: Final = {
    "name": "Riverbend Action",
    "short_name": "Riverbend",
    "link": "https://riverbend-action.org/go",
    "phone": "555-0142",
    "signer": "Maya Ortiz, Organizing Director",
    "address": "12 Mill Street, Millbrook",
    "email_opt_out": "Unsubscribe: {{unsubscribe_url}}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a rehearsal gave.

    Attributes:
        data: For programs: one row per story, and the share of each mark.
        text: For people.
        files: Pages that were written, by path.
    """

    data: dict[str, Any]
    text: str
    files: tuple[str, ...] = ()


def run(
    workspace: Workspace | None,
    *,
    clock: Clock,
    cause: str = "",
    names: Sequence[str] = (),
    marks: str = "",
    folder: Path | None = None,
) -> Rehearsal:
    """Rehearse with a workspace's issues and templates, or with the bundled ones.

    Args:
        workspace: The workspace; None outside of one. One without adopted issues counts as none.
        clock: Says what day it is when bundled issues are read.
        cause: Only this issue's stories.
        names: Only these stories.
        marks: Text of a CSV file of marks.
        folder: Where to write pages; printed when None.

    Raises:
        NotFoundError: No such cause or story.
        InputError: The marks cannot be read.
    """
    from zoneinfo import ZoneInfo

    issues = {}
    templates = None
    org = _invented()
    place: Any = ZoneInfo("America/New_York")
    if workspace is not None:
        with workspace.db.read() as conn:
            issues = adopted_issues(conn)
            templates = templates_of(conn)
        if issues:
            org = organisation(workspace.config)
            place = ZoneInfo(workspace.config.organisation.zone)
    if not issues:
        issues = starter_set(today=clock().astimezone(UTC))
        templates = None
    done = rehearse(org, issues=issues, templates=templates, cause=cause, zone=place)
    known = {item.story.name for item in done}
    for name in names:
        if name not in known:
            raise NotFoundError("story", name, hint="see `whistlestop draft rehearse`")
    if names:
        done = tuple(item for item in done if item.story.name in names)
    given = (
        tuple(mark for mark in marks_from(marks) if not cause or mark.cause == cause)
        if marks
        else ()
    )
    titles = {slug: issue.title for slug, (issue, _, _) in issues.items()}
    pages = _pages(done, given, titles=titles, org=org)
    written: list[str] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
            written.append(str(folder / name))
        text = "\n".join([*(f"wrote {path}" for path in written), "", shares(given).rstrip()])
    elif names:
        text = "\n".join(page for name, page in pages.items() if name != "README.md")
    else:
        text = _listing(done) + ("\n\n" + shares(given).rstrip() if given else "")
    return Rehearsal(
        data={
            "stories": [_data(item) for item in done],
            "marks": {mark: sum(m.mark == mark for m in given) for mark in MARKS},
            "files": written,
        },
        text=text,
        files=tuple(written),
    )


def _invented() -> Organisation:
    from responders.model.draft import Organisation

    return Organisation(**_INVENTED)


def _pages(
    done: Sequence[Rehearsed], marks: Any, *, titles: Mapping[str, str], org: Organisation
) -> dict[str, str]:
    pages = {"README.md": overview_page(done, marks, titles=titles)}
    for cause in dict.fromkeys(item.story.cause for item in done):
        own = [item for item in done if item.story.cause == cause]
        title = titles.get(cause, cause)
        pages[f"{cause}.md"] = cause_page(own, marks, title=title[:1].upper() + title[1:], org=org)
    return pages


def _listing(done: Sequence[Rehearsed]) -> str:
    lines = []
    for item in done:
        read = item.draft.reading if item.draft else "not matched: no draft"
        lines.append(f"{item.story.cause}/{item.story.name} ({item.story.kind}): {read}")
    return "\n".join(lines)


def _data(item: Rehearsed) -> dict[str, Any]:
    draft = item.draft
    return {
        "cause": item.story.cause,
        "story": item.story.name,
        "kind": item.story.kind,
        "drafted": draft is not None,
        "moment": draft.moment if draft else "",
        "reading": draft.reading if draft else "",
        "hold": bool(draft and draft.hold),
        "risk": draft.risk if draft else "",
        "texts": [
            {
                "channel": variant.channel,
                "variant": variant.key,
                "subject": variant.text.subject,
                "preheader": variant.text.preheader,
                "body": variant.text.body,
                "findings": [finding.as_dict() for finding in variant.findings],
            }
            for variant in (draft.variants if draft else ())
        ],
        "findings": [finding.as_dict() for finding in (draft.findings if draft else ())],
    }
