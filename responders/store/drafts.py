"""Drafts and releases as rows of ``workspace.db``; the words under review are the request's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.errors import NotFoundError
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = ["CheckRow", "DraftRow", "ReleaseRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """A draft as it is kept.

    Attributes:
        id: Its id.
        story: The story that raised it.
        issue: Slug of the issue.
        issue_version: Adopted version that it was written from.
        title: Headline of the story.
        reason: Why it was raised, in words.
        risk: ``low``, ``medium`` or ``high``.
        hold: Nothing should be asked of anybody yet.
        content: The words: ``arms`` by channel and variant, ``audience``, ``ask_url``, ``vary``.
        facts: What it cites, as it was then: story, sources, findings.
        raised_at: ISO-8601 text.
        dropped_at: When somebody put it aside; None while it counts.
        raised: The words as they were raised; None while nobody has edited them.
    """

    id: str
    story: str
    issue: str
    issue_version: int
    title: str
    reason: str
    risk: str
    hold: bool
    content: dict[str, Any]
    facts: dict[str, Any]
    raised_at: str
    dropped_at: str | None = None
    raised: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """What lint said about the words after an edit.

    Attributes:
        findings: Findings as plain values.
        lengths: ``channel/variant`` to its length in words.
        risk: ``low``, ``medium`` or ``high``.
    """

    findings: tuple[dict[str, Any], ...]
    lengths: dict[str, str]
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """A release: which words went out, under which clearance."""

    id: str
    draft: str
    request: str
    revision: str
    material_digest: str
    folder: str
    pack_digest: str
    practice: bool
    at: str
    by: str


def _draft(row: Any) -> DraftRow:
    values = dict(row)
    facts = json.loads(values["facts"])
    findings, lengths = values.pop("checked_findings"), values.pop("checked_lengths")
    risk = values.pop("checked_risk")
    if findings is not None:  # the words were edited, and lint has read them again
        facts = {**facts, "findings": json.loads(findings), "lengths": json.loads(lengths)}
        values["risk"] = risk
    return DraftRow(
        **{
            **values,
            "hold": bool(values["hold"]),
            "content": json.loads(values["content"]),
            "facts": facts,
            "raised": json.loads(values["raised"]) if values["raised"] else None,
        }
    )


_SELECT = (
    "SELECT d.id, d.story, d.issue, d.issue_version, d.title, d.reason, d.risk, d.hold,"
    " coalesce((SELECT e.content FROM draft_edit e WHERE e.draft = d.id"
    "  ORDER BY e.number DESC LIMIT 1), d.content) AS content,"
    " CASE WHEN EXISTS (SELECT 1 FROM draft_edit e WHERE e.draft = d.id) THEN d.content END"
    "  AS raised,"
    " d.facts, d.raised_at, d.dropped_at, c.findings AS checked_findings,"
    " c.lengths AS checked_lengths, c.risk AS checked_risk"
    " FROM draft d LEFT JOIN draft_check c ON c.draft = d.id"
    " AND c.number = (SELECT max(number) FROM draft_check WHERE draft = d.id)"
)


def add(conn: Connection, value: DraftRow) -> bool:
    """Keep a draft; False when the story and issue have one."""
    added = conn.execute(
        "INSERT INTO draft (id, story, issue, issue_version, title, reason, risk, hold, content,"
        " facts, raised_at) VALUES (:id, :story, :issue, :issue_version, :title, :reason, :risk,"
        " :hold, :content, :facts, :raised_at) ON CONFLICT (story, issue) DO NOTHING",
        {
            "id": value.id,
            "story": value.story,
            "issue": value.issue,
            "issue_version": value.issue_version,
            "title": value.title,
            "reason": value.reason,
            "risk": value.risk,
            "hold": int(value.hold),
            "content": canonical_json(value.content).decode(),
            "facts": canonical_json(value.facts).decode(),
            "raised_at": value.raised_at,
        },
    )
    return added.rowcount == 1


def exists(conn: Connection, *, story: str, issue: str) -> bool:
    """Whether a story has a draft for an issue, dropped ones included."""
    row = conn.execute(
        "SELECT 1 FROM draft WHERE story = :s AND issue = :i", {"s": story, "i": issue}
    ).fetchone()
    return row is not None


def get(conn: Connection, draft_id: str) -> DraftRow:
    """A draft with its newest words.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute(f"{_SELECT} WHERE d.id = :id", {"id": draft_id}).fetchone()
    if row is None:
        raise NotFoundError("draft", draft_id, hint="see `whistlestop draft list`")
    return _draft(row)


def of_match(conn: Connection, *, story: str, issue: str) -> DraftRow:
    """The draft that a story has for an issue; there is one, see :func:`exists`."""
    found = conn.execute(f"{_SELECT} WHERE d.story = :s AND d.issue = :i", {"s": story, "i": issue})
    return _draft(found.fetchone())


def listed(conn: Connection, *, dropped: bool = False) -> list[DraftRow]:
    """Drafts, newest first."""
    rows = conn.execute(f"{_SELECT} ORDER BY d.rowid DESC")
    found = [_draft(row) for row in rows]
    return found if dropped else [d for d in found if d.dropped_at is None]


def edit(
    conn: Connection,
    draft_id: str,
    content: dict[str, Any],
    *,
    check: CheckRow,
    by: str,
    now: datetime,
) -> int:
    """Keep new words with what lint says about them; the old ones stay."""
    row = conn.execute(
        "SELECT coalesce(max(number), 0) + 1 AS n FROM draft_edit WHERE draft = :d",
        {"d": draft_id},
    ).fetchone()
    conn.execute(
        "INSERT INTO draft_edit (draft, number, content, at, by) VALUES (:d, :n, :c, :at, :by)",
        {
            "d": draft_id,
            "n": row["n"],
            "c": canonical_json(content).decode(),
            "at": to_text(now),
            "by": by,
        },
    )
    conn.execute(
        "INSERT INTO draft_check (draft, number, findings, lengths, risk, at)"
        " VALUES (:d, :n, :findings, :lengths, :risk, :at)",
        {
            "d": draft_id,
            "n": row["n"],
            "findings": canonical_json(list(check.findings)).decode(),
            "lengths": canonical_json(check.lengths).decode(),
            "risk": check.risk,
            "at": to_text(now),
        },
    )
    return int(row["n"])


def drop(conn: Connection, draft_id: str, *, now: datetime | None) -> None:
    """Put a draft aside, or take it up again with None."""
    conn.execute(
        "UPDATE draft SET dropped_at = :at WHERE id = :id",
        {"at": to_text(now) if now else None, "id": draft_id},
    )


def add_release(conn: Connection, value: ReleaseRow) -> None:
    """Keep a release; a request has one at most."""
    conn.execute(
        "INSERT INTO release (id, draft, request, revision, material_digest, folder, pack_digest,"
        " practice, at, by) VALUES (:id, :draft, :request, :revision, :material_digest, :folder,"
        " :pack_digest, :practice, :at, :by)",
        {
            **{name: getattr(value, name) for name in ReleaseRow.__slots__},
            "practice": int(value.practice),
        },
    )


def releases(conn: Connection, *, request: str | None = None) -> list[ReleaseRow]:
    """Releases, newest first; of one request when it is named."""
    rows = conn.execute(
        "SELECT * FROM release WHERE :r IS NULL OR request = :r ORDER BY rowid DESC", {"r": request}
    )
    return [ReleaseRow(**{**dict(row), "practice": bool(row["practice"])}) for row in rows]


def release(conn: Connection, release_id: str) -> ReleaseRow:
    """One release.

    Raises:
        NotFoundError: There is none of that id.
    """
    for found in releases(conn):
        if found.id == release_id:
            return found
    raise NotFoundError("release", release_id, hint="see `whistlestop release --list`")
