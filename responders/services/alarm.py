"""alarm: notice when an issue is louder than usual, and say so once, with the reason.

``ring`` runs after triage in every tick. What is counted are the entries that answer an issue,
copies of one text once, and of each outlet at most three: a live blog is one voice. An alarm needs
two outlets, however many entries. What is usual is learned from the same counts.

An alarm decides how urgent a draft is and who is told at once. It never drops anything: what was
snoozed, came in quiet hours or made no alarm at all is in the digest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal

import regex

from responders.burst import (
    HOURS,
    Baseline,
    BurstParams,
    Reading,
    judge,
    velocity,
    week_profile,
)
from responders.kinds import adopted_issues
from responders.model.budget import budget_in_words
from responders.store import alarms, archive
from responders.store.alarms import AlarmRow, Heard, Loud, Snooze, Usually
from testkit.errors import InputError, NotFoundError
from testkit.kernel.clock import shown, zone
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from responders.model.issue import Issue
    from responders.store.archive import MatchRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = [
    "Digest",
    "Urgency",
    "digest",
    "in_words",
    "lasting",
    "ring",
    "snooze",
    "to_tell",
    "unsnooze",
    "urgency",
]

# Of one outlet so many entries count in a window, so that a live blog is one voice.
_MOST_OF_ONE: Final = 3
_LEAST_OWNERS: Final = 2
# Older entries say little about what is usual now (the baseline halves every six weeks).
_LEARNED: Final = timedelta(weeks=8)
_BACK_TEST: Final = timedelta(days=3)
_STRETCHES: Final = (30, 60, 120)
# So many outlets in a story's first hour make it urgent even while its issue is not loud.
_FAST_OWNERS: Final = 3
_FAST_FOR: Final = timedelta(hours=24)
_SPAN: Final = regex.compile(r"(\d{1,4}) ?(m|min|minutes?|h|hours?|d|days?)")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """How fast a matched story wants an answer.

    Attributes:
        level: ``now`` its issue rings because of it; ``soon`` it spreads fast, or its issue rings;
            ``digest`` neither: it waits for the daily digest.
        reasons: Why, in words.
    """

    level: Literal["now", "soon", "digest"]
    reasons: tuple[str, ...]

    @property
    def rank(self) -> int:
        """For sorting: the more urgent, the higher; 0 for the digest."""
        return {"now": 2, "soon": 1, "digest": 0}[self.level]

    def in_words(self) -> str:
        """Why it is urgent, as sentences; empty when it can wait for the digest."""
        if not self.rank:
            return ""
        return " ".join(f"{why[:1].upper()}{why[1:]}." for why in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What nobody was told of at once.

    Attributes:
        since: From when.
        held: Alarms that were snoozed, came in quiet hours, or ended before anybody was told.
        quiet: ``(match, headline)`` of stories that matched without an alarm, the latest first.
        on: Alarms that are on now.
    """

    since: datetime
    held: tuple[AlarmRow, ...]
    quiet: tuple[tuple[MatchRow, str], ...]
    on: tuple[AlarmRow, ...]


def ring(workspace: Workspace) -> tuple[AlarmRow, ...]:
    """Learn what is usual, judge all issues together, record the alarms that ring.

    Returns:
        The alarms that rang at this check.
    """
    with workspace.db.read() as conn:
        issues = {slug: (i, v) for slug, (i, _, v) in adopted_issues(conn).items()}
    if not issues:
        return ()
    now = workspace.clock()
    local = zone(workspace.config.organisation.zone)
    with workspace.archive.read() as conn:
        if alarms.covered_since(conn) is None:
            return ()
        profile = _office_week(conn, now=now, local=local)
    # One transaction: of two ticks at the same moment the second sees what the first recorded.
    with workspace.archive.write() as conn:
        limits = {slug: _params(issue) for slug, (issue, _) in issues.items()}
        known = {
            slug: _learned(conn, slug, version, limits[slug], profile, now=now, local=local)
            for slug, (_, version) in issues.items()
        }
        windows = {slug: _window(conn, slug, now=now) for slug in known}
        readings = [
            Reading(
                issue=slug,
                count=_voices(windows[slug]),
                usual=usually.baseline.usual(
                    end=now.astimezone(local), params=limits[slug], profile=profile
                ),
                alarm=usually.alarm,
            )
            for slug, usually in known.items()
        ]
        rang = []
        for judged in judge(readings, now=now, params=limits):
            slug = judged.issue
            issue, version = issues[slug]
            reading = judged
            if judged.rang and not _may_ring(issue, windows[slug]):
                reading = replace(judged, alarm=known[slug].alarm, rang=False)
            if reading.rang:
                rang.append(_row(reading, issue, version, windows[slug], now=now, local=local))
                alarms.add_alarm(conn, rang[-1])
            if reading.ended:
                alarms.end_alarm(conn, slug, now=now)
            if reading.alarm.since is not None:
                _watch_closely(conn, windows[slug], workspace, now=now)
            alarms.save_usually(conn, slug, replace(known[slug], alarm=reading.alarm))
    return tuple(rang)


def to_tell(workspace: Workspace) -> tuple[AlarmRow, ...]:
    """The alarms that people are to be told of now; the others remember what holds them.

    Whoever delivers calls :func:`responders.store.alarms.told` for each.
    """
    now = workspace.clock()
    quiet_until = _quiet_until(workspace, now)
    ready = []
    with workspace.archive.write() as conn:
        asleep = alarms.snoozes(conn, now=now)
        for row in alarms.alarms(conn, on=True):
            if row.told_at is not None:
                continue
            if row.issue in asleep:
                held = f"snoozed by {asleep[row.issue].by}"
            elif quiet_until is not None:
                held = "quiet hours"
            else:
                ready.append(row)
                continue
            if row.held != held:
                alarms.hold(conn, row.id, held)
    return tuple(ready)


def snooze(workspace: Workspace, issue: str, *, lasts: timedelta) -> Snooze:
    """Tell nobody of an issue's alarms for a while; they are recorded all the same.

    Raises:
        NotFoundError: No such issue is adopted.
        InputError: Not between a minute and 30 days.
    """
    if not timedelta(minutes=1) <= lasts <= timedelta(days=30):
        raise InputError(
            "a snooze lasts from a minute to 30 days", field="for", value=str(lasts), hint="2h"
        )
    _check_issue(workspace, issue)
    now = workspace.clock()
    value = Snooze(
        id=new_id("snooze", now=now),
        issue=issue,
        since=now,
        until=now + lasts,
        by=workspace.actor.name,
    )
    with workspace.archive.write() as conn:
        alarms.add_snooze(conn, value)
    return value


def unsnooze(workspace: Workspace, issue: str) -> bool:
    """End a snooze now; False when there was none.

    Raises:
        NotFoundError: No such issue is adopted.
    """
    _check_issue(workspace, issue)
    with workspace.archive.write() as conn:
        return alarms.undo_snooze(conn, issue, now=workspace.clock())


def digest(workspace: Workspace, *, since: datetime | None = None) -> Digest:
    """What was held back, and what matched without an alarm.

    Args:
        workspace: The workspace.
        since: From when; the last 24 hours when None.
    """
    now = workspace.clock()
    since = since or now - timedelta(hours=24)
    with workspace.archive.read() as conn:
        rows = alarms.alarms(conn, since=since)
        loud = {(row.issue, story.story) for row in rows for story in row.stories}
        quiet = [
            (match, archive.story(conn, match.story).title)
            for match in archive.matches(conn)
            if match.first_at >= since and (match.issue, match.story) not in loud
        ]
    held = []
    for row in rows:
        if row.told_at is None:
            ended = "it ended before anybody was told" if row.ended_at else "nobody was told yet"
            held.append(replace(row, held=row.held or ended))
    return Digest(
        since=since,
        held=tuple(held),
        quiet=tuple(quiet),
        on=tuple(row for row in rows if row.ended_at is None),
    )


def urgency(
    conn: Connection, *, story: str, issue: str, now: datetime, zone_name: str = "UTC"
) -> Urgency:
    """How fast a matched story wants an answer; for drafts, which it orders and never drops.

    Args:
        conn: A connection to the archive; only read.
        story: Id of the story.
        issue: Slug of the issue.
        now: The moment: a story that was fast the day before yesterday is not urgent.
        zone_name: IANA zone in which the reasons name moments.
    """
    found = archive.story(conn, story)
    first_of: dict[str, datetime] = {}
    for entry, outlet in found.entries:
        if not entry.copy_of:
            at = min(entry.published or entry.first_seen, entry.first_seen)
            first_of[outlet] = min(at, first_of.get(outlet, at))
    ringing = alarms.alarms(conn, issue=issue, on=True)
    helped = alarms.alarms(conn, issue=issue, story=found.id, on=True) if ringing else []
    local = zone(zone_name)
    reasons = [_loudness(row, local) for row in helped]
    fast = _fast(list(first_of.values()), now=found.last_at)
    if fast and now - found.first_at <= _FAST_FOR:
        reasons.append(fast)
    if helped:
        return Urgency(level="now", reasons=tuple(reasons))
    if ringing:
        since = ringing[0].rang_at.astimezone(local)
        reasons.append(f"its issue is louder than usual since {since:%H:%M %Z}")
    if reasons:
        return Urgency(level="soon", reasons=tuple(reasons))
    return Urgency(level="digest", reasons=("no alarm is on and it spreads slowly",))


def lasting(text: str) -> timedelta:
    """A span of time as people write it.

    Raises:
        InputError: It is not understood.

    Examples:
        >>> lasting("90m")
        datetime.timedelta(seconds=5400)
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise InputError(
            f"{text!r} is no span of time", field="for", value=text, hint="30m, 2h or 1d"
        )
    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
    return int(found[1]) * units[found[2][0]]


def _loudness(row: AlarmRow, local: ZoneInfo) -> str:
    rang_at = row.rang_at.astimezone(local)
    return (
        f"louder than usual: {row.count} entries from {len(row.owners)} outlets in"
        f" {row.window_hours} h, usually {row.usual:.1f} (alarm of {rang_at:%d %b %H:%M %Z})"
    )


def _may_ring(issue: Issue, window: Sequence[Heard]) -> bool:
    owners = {entry.owner for entry in window}
    return issue.alarms_per_week > 0 and len(owners) >= _LEAST_OWNERS


def _params(issue: Issue) -> BurstParams:
    # An issue that never rings is still listened to: its usual is ready when somebody changes that.
    return BurstParams(alarms_per_week=issue.alarms_per_week or 1.0)


def _window(conn: Connection, issue: str, *, now: datetime) -> list[Heard]:
    hours = BurstParams().window_hours
    return alarms.heard(conn, issue, since=now - timedelta(hours=hours), until=now)


def _voices(entries: Sequence[Heard]) -> int:
    """Entries, of each outlet at most a few."""
    by_owner = Counter(entry.owner for entry in entries)
    return sum(min(count, _MOST_OF_ONE) for count in by_owner.values())


def _office_week(conn: Connection, *, now: datetime, local: ZoneInfo) -> tuple[float, ...]:
    """The office's week from what its feeds have shown, none of them louder than thirty entries."""
    offset = round((now.astimezone(local).utcoffset() or timedelta()) / timedelta(hours=1))
    cells = [0.0] * HOURS
    for history in archive.histories(conn):
        total = sum(history.week)
        share = min(1.0, 30.0 / total) if total else 0.0
        for hour, count in enumerate(history.week):
            cells[(hour + offset) % HOURS] += share * count
    return week_profile(cells)


def _learned(
    conn: Connection,
    issue: str,
    version: int,
    params: BurstParams,
    profile: Sequence[float],
    *,
    now: datetime,
    local: ZoneInfo,
) -> Usually:
    """What is usual, with the full hours since the last time.

    The hours of the window that is judged are learned only afterwards: a burst must not have
    taught that it is usual before anybody looked at it.
    """
    known = alarms.usually(conn, issue)
    until = _hour(now) - timedelta(hours=params.window_hours)
    first = _hour(max(alarms.covered_since(conn) or now, now - _LEARNED)) + timedelta(hours=1)
    if known is None or known.version != version:
        # The first documents of the feeds go back for days: that much is known from the start.
        shown_days = _BACK_TEST / timedelta(days=1)
        per_day = len(alarms.heard(conn, issue, since=now - _BACK_TEST, until=now)) / shown_days
        known = Usually(version=version, baseline=Baseline.cold(per_day=max(per_day, 0.5)))
    hour = known.baseline.learned_until or first
    if hour >= until:
        return known
    by_hour: dict[datetime, list[Heard]] = {}
    for entry in alarms.heard(conn, issue, since=hour, until=until):
        by_hour.setdefault(_hour(entry.at), []).append(entry)
    rung = alarms.rung(conn, issue)
    baseline = known.baseline
    while hour < until:
        if _teaches(hour, rung, params):
            baseline = baseline.learn(
                hour=hour.astimezone(local),
                count=_voices(by_hour.get(hour, [])),
                params=params,
                profile=profile,
            )
        else:
            baseline = replace(baseline, learned_until=hour + timedelta(hours=1))
        hour += timedelta(hours=1)
    return replace(known, baseline=baseline)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _teaches(
    hour: datetime, rung: Sequence[tuple[datetime, datetime | None]], params: BurstParams
) -> bool:
    """Whether an hour says what is usual: not while an alarm is on, unless it goes on for days."""
    longest = timedelta(hours=params.longest_hours)
    return not any(
        rang <= hour < min(ended or hour + timedelta(hours=1), rang + longest)
        for rang, ended in rung
    )


def _row(
    reading: Reading,
    issue: Issue,
    version: int,
    window: Sequence[Heard],
    *,
    now: datetime,
    local: ZoneInfo,
) -> AlarmRow:
    params = _params(issue)
    stories = _loud(window, now=now)
    owners = tuple(dict.fromkeys(entry.owner for entry in window))
    at = now.astimezone(local)
    usual = max(reading.usual.mean, 0.0)
    budget = budget_in_words(issue.alarms_per_week)
    often = max(1, round(1 / max(reading.p, 1e-9)))
    why = (
        f"{issue.slug}: {reading.count} entries from {len(owners)} outlets in"
        f" {params.window_hours} hours, where {usual:.1f} are usual on a {_DAYS[at.weekday()]}"
        f" around {at:%H}:00. By chance that happens in one of {often:,} such windows; false alarms"
        f" are allowed {budget}. Loudest: {stories[0].title} ({', '.join(stories[0].owners[:4])})."
    )
    spread = dict(stories[0].spread)
    if spread.get(60, 0) >= _FAST_OWNERS:
        why += f" {spread[60]} outlets carried it within an hour."
    return AlarmRow(
        id=new_id("alarm", now=now),
        issue=issue.slug,
        issue_version=version,
        rang_at=now,
        why=why,
        count=reading.count,
        usual=usual,
        p=reading.p,
        alpha=params.alpha,
        budget=budget,
        window_hours=params.window_hours,
        owners=owners,
        stories=stories,
    )


def _loud(window: Sequence[Heard], *, now: datetime) -> tuple[Loud, ...]:
    by_story: dict[str, list[Heard]] = {}
    for entry in window:
        by_story.setdefault(entry.story, []).append(entry)
    found = []
    for story, entries in by_story.items():
        firsts = {entry.owner: entry.at for entry in reversed(entries)}
        measured = velocity(list(firsts.values()), now=now, minutes=_STRETCHES)
        found.append(
            Loud(
                story=story,
                title=entries[0].title,
                entries=len(entries),
                owners=tuple(dict.fromkeys(entry.owner for entry in entries)),
                spread=tuple((v.minutes, v.owners) for v in measured),
            )
        )
    return tuple(sorted(found, key=lambda s: (-len(s.owners), -s.entries, s.story)))


def _fast(firsts: Sequence[datetime], *, now: datetime) -> str:
    if not firsts:
        return ""
    (hour,) = velocity(firsts, now=max(now, *firsts), minutes=(60,))
    return f"{hour.owners} outlets within its first hour" if hour.owners >= _FAST_OWNERS else ""


def _watch_closely(
    conn: Connection, window: Sequence[Heard], workspace: Workspace, *, now: datetime
) -> None:
    """The feeds that carry a loud issue are asked as often as is polite."""
    from responders.feeds.schedule import SchedulePolicy, burst, next_poll

    polling = workspace.config.polling
    policy = SchedulePolicy(floor_minutes=float(polling.floor_minutes))
    for feed_id in dict.fromkeys(entry.feed for entry in window):
        row = archive.feed(conn, feed_id)
        until = row.history.burst_until
        if row.due_at is None or (until is not None and until - now > timedelta(hours=1)):
            continue
        history = burst(row.history, now=now, policy=policy)
        due_at = next_poll(history, now=now, rng_value=0.5, policy=policy) or row.due_at
        archive.save_feed(conn, replace(row, history=history, due_at=min(row.due_at, due_at)))


def _quiet_until(workspace: Workspace, now: datetime) -> datetime | None:
    """The end of the quiet hours that ``now`` lies in; None outside of them."""
    text = workspace.config.alarms.quiet
    if not text:
        return None
    begin, end = (time.fromisoformat(part) for part in text.split("-"))
    local = now.astimezone(zone(workspace.config.organisation.zone))
    at = local.time().replace(tzinfo=None)
    inside = begin <= at < end if begin < end else (at >= begin or at < end)
    if not inside:
        return None
    day = local.date() if at < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=local.tzinfo)


def _check_issue(workspace: Workspace, issue: str) -> None:
    import difflib

    with workspace.db.read() as conn:
        known: Mapping[str, object] = adopted_issues(conn)
    if issue not in known:
        near = difflib.get_close_matches(issue, list(known), n=2)
        raise NotFoundError("issue", issue, did_you_mean=near)


def in_words(row: AlarmRow, *, zone_name: str) -> str:
    """An alarm for people: when, why, and what became of it."""
    if row.ended_at is not None:
        state = f"ended {shown(row.ended_at, zone_name=zone_name)}"
    else:
        state = "on"
    told = (
        f"told {shown(row.told_at, zone_name=zone_name)}"
        if row.told_at
        else (f"held: {row.held}" if row.held else "nobody was told yet")
    )
    return f"{row.id} {shown(row.rang_at, zone_name=zone_name)} ({state}; {told})\n  {row.why}"
