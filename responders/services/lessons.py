"""lessons: what worked last time on an issue, from the experiments that its releases became."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.bridge import Lesson, lesson_of, release_of
from responders.store import drafts
from testkit.errors import NotFoundError
from testkit.signoff import service
from testkit.signoff.table import State
from testkit.store import looks, plans

if TYPE_CHECKING:
    from testkit.kernel.sqlite import Connection

__all__ = ["latest", "what_worked"]


def what_worked(conn: Connection, issue: str) -> list[Lesson]:
    """What is known from earlier releases on an issue, newest first; tests that run are in it.

    Args:
        conn: A connection in a transaction.
        issue: Slug of the issue.
    """
    found = []
    for name in plans.listed(conn):
        locked = plans.current(conn, name)
        release_id = release_of(locked.plan.source) if locked else ""
        if locked is None or not release_id:
            continue
        try:
            row = drafts.release(conn, release_id)
            draft = drafts.get(conn, row.draft)
        except NotFoundError:  # a definition from another workspace
            continue
        if draft.issue == issue:
            decided = looks.decisions(conn, name, locked.version)
            last = max(decided, key=lambda d: d.at, default=None)
            state = service.load(conn, row.request).state.state
            found.append(
                lesson_of(
                    locked.plan, last, release=row.id, title=draft.title, released_at=row.at,
                    became="" if state is State.RELEASED else state.value,
                )
            )  # fmt: skip
    return sorted(found, key=lambda lesson: lesson.released_at, reverse=True)


def latest(conn: Connection, issue: str) -> str:
    """The newest lesson of an issue in a sentence; empty while no test has decided.

    Words that were killed or recalled are nobody's example: their test stays on the issue's page.

    Args:
        conn: A connection in a transaction.
        issue: Slug of the issue.
    """
    stopped = {State.KILLED.value, State.RECALLED.value}
    lesson = next(
        (
            found
            for found in what_worked(conn, issue)
            if found.decided and found.became not in stopped
        ),
        None,
    )
    if lesson is None:
        return ""
    return f"Last time ({lesson.released_at[:10]}, {lesson.channel}): {lesson.sentence}."
