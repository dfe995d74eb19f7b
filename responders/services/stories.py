"""stories: the list as thumbs order it; merging and splitting by hand, with the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from responders.kinds import adopted_issues
from responders.rank import lift, traits
from responders.services.alarm import urgency
from responders.services.triage import triage
from responders.store import archive, hands, labels
from testkit.errors import InputError, NotFoundError
from testkit.kernel import ledger
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from responders.match import Query
    from responders.rank import Lift
    from responders.services.alarm import Urgency
    from responders.store.archive import MatchRow, StoryRow
    from responders.store.hands import Hand
    from responders.store.labels import Thumb
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Listed", "lifts", "listed", "merge", "part", "split", "thumb", "undo"]


SYSTEM: Final = ledger.Actor(name="system", via="system", auth="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A story in its place in the list.

    Attributes:
        story: The story.
        issues: Issues that ask for it.
        lift: How far thumbs moved it; None where they say nothing.
        urgency: Why it is urgent for one of them; None where it can wait.
    """

    story: StoryRow
    issues: tuple[str, ...]
    lift: Lift | None
    urgency: Urgency | None = None


def listed(workspace: Workspace, *, limit: int, matched: bool = False) -> list[Listed]:
    """The newest stories, the urgent ones first, then in the order that thumbs give them.

    Both change the order only: the stories are the same ``limit`` newest ones with and without.

    Args:
        workspace: The workspace.
        limit: How many.
        matched: Only those that an issue asks for.
    """
    with workspace.archive.read() as conn:
        by_story: dict[str, list[MatchRow]] = {}
        for match in archive.matches(conn):
            by_story.setdefault(match.story, []).append(match)
        found = archive.stories(conn, limit=1_000_000 if matched else limit)
    if matched:
        found = [story for story in found if story.id in by_story][:limit]
    with workspace.db.read() as conn:
        thumbs = labels.thumbs(conn)
    urgent = _urgent(workspace, [row for story in found for row in by_story.get(story.id, [])])
    out = []
    for story in found:
        rows = by_story.get(story.id, [])
        moved = [each for each in lifts(story, rows, thumbs) if each.hours or each.own is not None]
        # Wanted for one issue is wanted: a thumb down on another does not bury it.
        best = max(moved, key=lambda each: each.hours, default=None)
        out.append(
            Listed(
                story=story,
                issues=tuple(row.issue for row in rows),
                lift=best,
                urgency=urgent.get(story.id),
            )
        )
    out.sort(key=_place, reverse=True)
    return out


def _place(item: Listed) -> tuple[int, datetime]:
    hours = item.lift.hours if item.lift else 0.0
    # Whoever put this very story down has weighed how urgent it is.
    down = item.lift is not None and item.lift.own is False
    rank = item.urgency.rank if item.urgency and not down else 0
    return rank, item.story.last_at + timedelta(hours=hours)


def _urgent(workspace: Workspace, matches: Iterable[MatchRow]) -> dict[str, Urgency]:
    """``story -> why it is urgent`` of those that are, for the issue that presses most."""
    found: dict[str, Urgency] = {}
    now = workspace.clock()
    with workspace.archive.read() as conn:
        for match in matches:
            one = urgency(conn, story=match.story, issue=match.issue, now=now)
            if one.rank and (match.story not in found or one.rank > found[match.story].rank):
                found[match.story] = one
    return found


def lifts(story: StoryRow, matches: Iterable[MatchRow], thumbs: Sequence[Thumb]) -> list[Lift]:
    """How far thumbs move a story, for each issue that it matches."""
    return [lift(story.id, match.issue, traits(match, story.outlets), thumbs) for match in matches]


def thumb(workspace: Workspace, story_id: str, issue: str | None, *, up: bool | None) -> Lift:
    """More like this, less like this, or (``up`` None) take the thumb back.

    Args:
        workspace: The workspace.
        story_id: The story.
        issue: Slug of the issue; None where the story matches just one.
        up: More; None takes back what was said.

    Returns:
        The lift that the story has now.

    Raises:
        NotFoundError: The story is unknown, or does not match the issue.
        InputError: It matches several issues and none is named.
    """
    with workspace.archive.read() as conn:
        story = archive.story(conn, story_id)
        found = {match.issue: match for match in archive.matches(conn, story_id=story.id)}
    known = ", ".join(found) or "none"
    if issue is None and len(found) > 1:
        raise InputError(
            f"{story_id} matches several issues", field="issue", hint=f"name one of: {known}"
        )
    match = next(iter(found.values()), None) if issue is None else found.get(issue)
    if match is None:
        raise NotFoundError(
            "match", f"{story_id} for {issue or 'any issue'}", hint=f"it matches: {known}"
        )
    known_by = traits(match, story.outlets)
    with workspace.db.write() as conn:
        if up is None:
            labels.take_thumb_back(conn, issue=match.issue, story=story.id)
        else:
            given = labels.Thumb(
                issue=match.issue,
                story=story.id,
                up=up,
                traits=known_by,
                by=workspace.actor.name,
            )
            labels.save_thumb(conn, given, now=workspace.clock())
        return lift(story.id, match.issue, known_by, labels.thumbs(conn))


def merge(workspace: Workspace, one: str, other: str) -> Hand:
    """Make one story of two, by hand. Both ids lead to it from then on.

    Raises:
        NotFoundError: There is no such story.
        StateError: They are one already.
    """
    with workspace.archive.write() as conn:
        hand = hands.merge(conn, one, other, now=workspace.clock(), by=workspace.actor.name)
        _record(workspace, "story.merged", hand)
    triage(workspace)
    return hand


def split(
    workspace: Workspace,
    story_id: str,
    entries: Sequence[str],
    *,
    actor: ledger.Actor | None = None,
) -> Hand:
    """Take entries out of a story into one of their own, by hand. They stay apart.

    Args:
        workspace: The workspace.
        story_id: The story.
        entries: Ids of the entries that go.
        actor: Who does it; whoever is at the keyboard if None.

    Raises:
        NotFoundError: There is no such story, or an entry is not in it.
        InputError: Nothing or everything would move.
    """
    now = workspace.clock()
    queries = _queries(workspace)
    with workspace.archive.write() as conn:
        hand = hands.split(
            conn,
            story_id,
            entries,
            new_id=new_id("story", now=now),
            now=now,
            by=(actor or workspace.actor).name,
        )
        _match_again(conn, hand.kept, queries)
        _record(workspace, "story.split", hand, actor=actor)
    triage(workspace)
    return hand


def part(workspace: Workspace, story_id: str, entries: Sequence[str]) -> Hand:
    """As :func:`split`, by the program: what tells of another event goes its own way.

    It is on record and taken back like any other split, and not done again after that.
    """
    return split(workspace, story_id, entries, actor=SYSTEM)


def undo(workspace: Workspace, story_id: str) -> Hand:
    """Take the newest merge or split of a story back.

    Raises:
        NotFoundError: There is no such story.
        StateError: Nobody merged or split it, or a later merge stands on it.
    """
    queries = _queries(workspace)
    with workspace.archive.write() as conn:
        hand = hands.latest(conn, story_id)
        hands.undo(conn, hand, now=workspace.clock())
        if hand.kind == "merge":
            _match_again(conn, hand.kept, queries)
        _record(workspace, f"story.{hand.kind}-undone", hand)
    triage(workspace)
    return hand


def _queries(workspace: Workspace) -> dict[str, Query]:
    with workspace.db.read() as conn:
        return {slug: query for slug, (_, query, _) in adopted_issues(conn).items()}


def _match_again(conn: Connection, story_id: str, queries: Mapping[str, Query]) -> None:
    """Drop what no entry of a story answers any more; what it newly answers triage finds."""
    from responders.match import Document

    story = archive.story(conn, story_id)
    documents = [
        Document.of(
            title=entry.title, summary=entry.summary_text, source=outlet, lang=entry.language
        )
        for entry, outlet in story.entries
        if not entry.copy_of
    ]
    holds = {slug for slug, query in queries.items() if any(map(query.holds, documents))}
    hands.drop_matches(conn, story.id, but=holds)


def _record(
    workspace: Workspace, kind: str, hand: Hand, *, actor: ledger.Actor | None = None
) -> None:
    # Before the archive's own commit: a step that is lost in between can be given again, one that
    # happened without its record could not be told from tampering.
    with workspace.db.write() as conn:
        ledger.append(
            conn,
            kind=kind,
            subject=f"story/{hand.kept}",
            actor=actor or workspace.actor,
            payload={
                "kept": hand.kept,
                "other": hand.other,
                "entries": list(hand.entries),
                "number": hand.number,
            },
            now=workspace.clock(),
        )
