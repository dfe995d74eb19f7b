"""Drafts, their edits and releases against their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.kernel.audit import WHOLE, Recorded, Table, compare

if TYPE_CHECKING:
    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding

__all__ = ["DRAFT", "EDIT", "RELEASE", "audit"]

DRAFT: Final = Table(
    name="draft",
    key=("id",),
    subject="draft/{id}",
    settled=(
        "story", "issue", "issue_version", "title", "reason", "risk", "hold", "content", "facts",
        "raised_at",
    ),
    digested=("content",),
)  # fmt: skip
EDIT: Final = Table(
    name="draft_edit",
    key=("draft", "number"),
    subject="draft/{draft}",
    settled=("content", "at", "by"),
    digested=("content",),
)
RELEASE: Final = Table(
    name="release",
    key=("id",),
    subject="draft/{draft}",
    settled=(
        "draft", "request", "revision", "material_digest", "folder", "pack_digest", "practice",
        "at", "by",
    ),
)  # fmt: skip


def audit(case: Case) -> list[Finding]:
    """Compare the tables of rapid response with their records (LG005 to LG007)."""
    drafts: dict[Key, Recorded] = {}
    edits: dict[Key, Recorded] = {}
    releases: dict[Key, Recorded] = {}
    for row in case.of(
        "draft.raised", "draft.edited", "draft.dropped", "draft.kept", "release.made"
    ):
        payload, draft = row.payload, row.subject.removeprefix("draft/")
        content = {"content": payload.get("content_digest"), WHOLE: payload.get(WHOLE)}
        match row.kind:
            case "draft.raised":
                drafts[draft,] = Recorded(
                    subject=row.subject, columns={**content, "dropped_at": None}
                )
            case "draft.edited":
                edits[draft, payload.get("number")] = Recorded(subject=row.subject, columns=content)
            case "release.made":
                named = ("revision", "material_digest", "pack_digest", WHOLE)
                releases[payload.get("release"),] = Recorded(
                    subject=row.subject,
                    columns={name: payload.get(name) for name in named}
                    | {"practice": int(payload.get("practice", 0))},
                )
            case _ if (draft,) in drafts:
                dropped = row.at if row.kind == "draft.dropped" else None
                drafts[draft,].columns["dropped_at"] = dropped
    return [
        *compare(case.conn, DRAFT, drafts),
        *compare(case.conn, EDIT, edits),
        *compare(case.conn, RELEASE, releases),
    ]
