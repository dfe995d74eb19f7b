"""Alarms, what is usual, and snoozes as rows of ``archive.db``.

``issue_entry`` says which entries answer an issue and when they appeared: what is counted.
``issue_usual`` is what the detector learned, ``alarm`` what rang and why, ``snooze`` who wanted
quiet and for how long. An alarm is never deleted with its issue: it is what somebody was told.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from responders.burst import Alarm, Baseline
from testkit.kernel.clock import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = [
    "AlarmRow",
    "Heard",
    "Loud",
    "Snooze",
    "Usually",
    "add_alarm",
    "add_snooze",
    "alarms",
    "count_entries",
    "covered_since",
    "end_alarm",
    "forget_issue",
    "heard",
    "hold",
    "rung",
    "save_usually",
    "snoozes",
    "told",
    "undo_snooze",
    "usually",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An entry that answers an issue.

    Attributes:
        entry: Its id.
        story: Its story.
        title: Its headline.
        owner: The outlet that speaks.
        feed: Id of the feed that brought it.
        at: When it appeared.
    """

    entry: str
    story: str
    title: str
    owner: str
    feed: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usually:
    """What the detector knows about an issue.

    Attributes:
        version: Adopted version of the issue that it was learned with.
        baseline: What is usual.
        alarm: Whether its alarm is on.
    """

    version: int
    baseline: Baseline
    alarm: Alarm = field(default_factory=Alarm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loud:
    """A story that made an alarm ring.

    Attributes:
        story: Its id.
        title: Its first headline.
        entries: Its entries in the window.
        owners: Who carried it, in order of arrival.
        spread: ``(minutes, owners)``: distinct owners in its first 30, 60 and 120 minutes.
    """

    story: str
    title: str
    entries: int
    owners: tuple[str, ...]
    spread: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm as it is kept, with everything that made it ring.

    Attributes:
        id: Its id.
        issue: Slug of the issue.
        issue_version: Adopted version of it.
        rang_at: When it rang.
        ended_at: When the issue had been calm for long enough; None while it is on.
        told_at: When people were told; None when nobody was.
        held: Why nobody was told at once; empty when nothing held it.
        why: The reason in one or two sentences.
        count: Entries counted in the window.
        usual: Entries that are usual in such a window.
        p: How likely so many are by chance.
        alpha: The largest such probability that may ring, from the budget.
        budget: The budget in words.
        window_hours: Length of the window.
        owners: Distinct owners in the window, in order of arrival.
        stories: The stories in it, the loudest first.
    """

    id: str
    issue: str
    issue_version: int
    rang_at: datetime
    ended_at: datetime | None = None
    told_at: datetime | None = None
    held: str = ""
    why: str
    count: int
    usual: float
    p: float
    alpha: float
    budget: str
    window_hours: int
    owners: tuple[str, ...]
    stories: tuple[Loud, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Quiet that somebody asked for.

    Attributes:
        id: Its id.
        issue: The issue.
        since: From when.
        until: Until when.
        by: Who asked.
    """

    id: str
    issue: str
    since: datetime
    until: datetime
    by: str


def count_entries(conn: Connection, answers: Iterable[tuple[str, str]]) -> None:
    """Remember ``(issue, entry)`` pairs for counting; known ones stay as they are.

    An entry counts when it appeared: at its outlet's date, or when it was first seen. One without
    a date that stood in the first document of its feed may be of any age, and does not count.
    """
    conn.executemany(
        "INSERT OR IGNORE INTO issue_entry (issue, entry, at)"
        " SELECT ?, e.id, min(coalesce(e.published, e.first_seen), e.first_seen) FROM entry e"
        " WHERE e.id = ? AND (e.published IS NOT NULL"
        " OR e.first_seen > (SELECT min(first_seen) FROM entry WHERE feed = e.feed))",
        list(answers),
    )


def forget_issue(conn: Connection, issue: str) -> None:
    """Forget what was counted and learned for an issue: it asks for something else now."""
    conn.execute("DELETE FROM issue_entry WHERE issue = :i", {"i": issue})
    conn.execute("DELETE FROM issue_usual WHERE issue = :i", {"i": issue})
    # Nothing would end an alarm of the former question.
    conn.execute(
        "UPDATE alarm SET ended_at = rang_at, held = 'the issue was changed'"
        " WHERE issue = :i AND ended_at IS NULL",
        {"i": issue},
    )


def heard(conn: Connection, issue: str, *, since: datetime, until: datetime) -> list[Heard]:
    """Entries of an issue that appeared after ``since``, up to and with ``until``."""
    rows = conn.execute(
        "SELECT e.id, e.story, e.title, e.feed, i.at, coalesce(nullif(f.title, ''), f.url) AS owner"
        " FROM issue_entry i JOIN entry e ON e.id = i.entry JOIN feed f ON f.id = e.feed"
        " WHERE i.issue = :i AND i.at > :since AND i.at <= :until ORDER BY i.at, e.id",
        {"i": issue, "since": to_text(since), "until": to_text(until)},
    )
    return [
        Heard(
            entry=row["id"],
            story=row["story"],
            title=row["title"],
            owner=row["owner"],
            feed=row["feed"],
            at=from_text(row["at"]),
        )
        for row in rows
    ]


def covered_since(conn: Connection) -> datetime | None:
    """When the first feed was read: before it, silence means nothing."""
    row = conn.execute("SELECT min(first_seen) AS at FROM entry").fetchone()
    return from_text(row["at"]) if row["at"] else None


def usually(conn: Connection, issue: str) -> Usually | None:
    """What was learned about an issue; None before the first time."""
    row = conn.execute("SELECT * FROM issue_usual WHERE issue = :i", {"i": issue}).fetchone()
    if row is None:
        return None
    raw = json.loads(row["baseline"])
    until = raw.pop("learned_until")
    baseline = Baseline(
        counts=tuple(raw.pop("counts")),
        weeks=tuple(raw.pop("weeks")),
        recent=tuple((count, mean) for count, mean in raw.pop("recent")),
        learned_until=from_text(until) if until else None,
        **raw,
    )
    return Usually(
        version=row["issue_version"],
        baseline=baseline,
        alarm=Alarm(since=_time(row["ringing_since"]), calm_since=_time(row["calm_since"])),
    )


def save_usually(conn: Connection, issue: str, value: Usually) -> None:
    """Keep what was learned about an issue."""
    raw = asdict(value.baseline)
    raw["learned_until"] = _text(value.baseline.learned_until)
    conn.execute(
        "INSERT OR REPLACE INTO issue_usual (issue, issue_version, baseline, ringing_since,"
        " calm_since) VALUES (:issue, :version, :baseline, :since, :calm)",
        {
            "issue": issue,
            "version": value.version,
            "baseline": json.dumps(raw),
            "since": _text(value.alarm.since),
            "calm": _text(value.alarm.calm_since),
        },
    )


def rung(conn: Connection, issue: str) -> list[tuple[datetime, datetime | None]]:
    """From when to when the alarms of an issue were on; None for one that still is."""
    rows = conn.execute("SELECT rang_at, ended_at FROM alarm WHERE issue = :i", {"i": issue})
    return [(from_text(row["rang_at"]), _time(row["ended_at"])) for row in rows]


def add_alarm(conn: Connection, row: AlarmRow) -> None:
    """Record an alarm that rang."""
    values = asdict(row)
    names = ("id", "issue", "issue_version", "rang_at", "ended_at", "told_at", "held", "why")
    kept = {name: values.pop(name) for name in names}
    for name in ("rang_at", "ended_at", "told_at"):
        kept[name] = _text(kept[name])
    conn.execute(
        "INSERT INTO alarm (id, issue, issue_version, rang_at, ended_at, told_at, held, why,"
        " content) VALUES (:id, :issue, :issue_version, :rang_at, :ended_at, :told_at, :held, :why,"
        " :content)",
        {**kept, "content": json.dumps(values)},
    )


def end_alarm(conn: Connection, issue: str, *, now: datetime) -> None:
    """The issue has been calm for long enough."""
    conn.execute(
        "UPDATE alarm SET ended_at = :now WHERE issue = :i AND ended_at IS NULL",
        {"i": issue, "now": to_text(now)},
    )


def hold(conn: Connection, alarm_id: str, reason: str) -> None:
    """Remember why nobody was told of an alarm at once."""
    conn.execute("UPDATE alarm SET held = :r WHERE id = :id", {"r": reason, "id": alarm_id})


def told(conn: Connection, alarm_id: str, *, now: datetime) -> bool:
    """People were told of an alarm; False when somebody was faster."""
    done = conn.execute(
        "UPDATE alarm SET told_at = :now WHERE id = :id AND told_at IS NULL",
        {"now": to_text(now), "id": alarm_id},
    )
    return done.rowcount == 1


def alarms(
    conn: Connection,
    *,
    issue: str | None = None,
    story: str | None = None,
    since: datetime | None = None,
    on: bool = False,
) -> list[AlarmRow]:
    """Alarms, the latest first.

    Args:
        conn: A connection; only read.
        issue: Of one issue.
        story: Those that a story helped to ring, whatever it was merged into since.
        since: That rang or ended since then.
        on: Only those that are on.
    """
    rows = conn.execute(
        "SELECT * FROM alarm WHERE (:issue IS NULL OR issue = :issue)"
        " AND (:on = 0 OR ended_at IS NULL)"
        " AND (:since IS NULL OR rang_at >= :since OR ended_at >= :since)"
        " AND (:story IS NULL OR EXISTS (SELECT 1 FROM json_each(content, '$.stories') s"
        "  LEFT JOIN story gone ON gone.id = s.value ->> 'story'"
        "  WHERE :story IN (s.value ->> 'story', gone.merged_into)))"
        " ORDER BY rang_at DESC, id DESC",
        {"issue": issue, "story": story, "since": _text(since), "on": on},
    )
    return [_alarm(row) for row in rows]


def _alarm(row: Any) -> AlarmRow:
    content: dict[str, Any] = json.loads(row["content"])
    stories = tuple(_loud(story) for story in content.pop("stories"))
    owners = tuple(content.pop("owners"))
    return AlarmRow(
        id=row["id"],
        issue=row["issue"],
        issue_version=row["issue_version"],
        rang_at=from_text(row["rang_at"]),
        ended_at=_time(row["ended_at"]),
        told_at=_time(row["told_at"]),
        held=row["held"],
        why=row["why"],
        owners=owners,
        stories=stories,
        **content,
    )


def _loud(raw: Mapping[str, Any]) -> Loud:
    return Loud(
        story=raw["story"],
        title=raw["title"],
        entries=raw["entries"],
        owners=tuple(raw["owners"]),
        spread=tuple((minutes, owners) for minutes, owners in raw["spread"]),
    )


def add_snooze(conn: Connection, value: Snooze) -> None:
    """Quiet for an issue; it replaces the quiet that was asked for before."""
    undo_snooze(conn, value.issue, now=value.since)
    conn.execute(
        "INSERT INTO snooze (id, issue, since, until, by, undone_at)"
        " VALUES (:id, :issue, :since, :until, :by, NULL)",
        {
            "id": value.id,
            "issue": value.issue,
            "since": to_text(value.since),
            "until": to_text(value.until),
            "by": value.by,
        },
    )


def undo_snooze(conn: Connection, issue: str, *, now: datetime) -> bool:
    """End the quiet of an issue now; False when there was none."""
    done = conn.execute(
        "UPDATE snooze SET undone_at = :now"
        " WHERE issue = :i AND undone_at IS NULL AND until > :now",
        {"i": issue, "now": to_text(now)},
    )
    return done.rowcount > 0


def snoozes(conn: Connection, *, now: datetime) -> dict[str, Snooze]:
    """The issues that are quiet now."""
    rows = conn.execute(
        "SELECT * FROM snooze WHERE undone_at IS NULL AND since <= :now AND until > :now"
        " ORDER BY since",
        {"now": to_text(now)},
    )
    return {
        row["issue"]: Snooze(
            id=row["id"],
            issue=row["issue"],
            since=from_text(row["since"]),
            until=from_text(row["until"]),
            by=row["by"],
        )
        for row in rows
    }


def _time(text: str | None) -> datetime | None:
    return from_text(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
