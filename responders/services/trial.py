"""trial: what an issue would have found in the stored history, and how much of it is right."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from responders.kinds import ISSUE, adopted_issues, read_issue
from responders.sample import in_turn, precision
from responders.services import search
from responders.store import labels
from testkit.errors import DataError
from testkit.kernel.clock import from_text, zone
from testkit.kernel.kinds import find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from responders.match import Query
    from responders.sample import Judgement, Precision, Verdict
    from responders.services.search import Hit
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Trial", "judge", "labels_csv", "summary", "take_labels", "try_issue"]

_COLUMNS: Final = ("story", "first_seen", "outlet", "title", "summary", "why", "about_it")
_VERDICTS: Final[dict[str, Verdict]] = {
    **dict.fromkeys(("y", "yes", "1", "true"), "yes"),
    **dict.fromkeys(("n", "no", "0", "false"), "no"),
    **dict.fromkeys(("u", "unsure", "?"), "unsure"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a query finds in the stored history.

    Attributes:
        issue: Slug.
        path: File that was tried.
        adopted: Version that counts now; None when none does.
        stories: Stories that were asked.
        days: ``(day, stories that became a hit on it)``, every day of the history.
        hits: One hit per story, its earliest, in the order in which to judge them.
        gained: Stories that the adopted version does not find.
        lost: Hits of the adopted version that this one does not find.
        labels: Judgements by story.
        precision: What the judgements in turn allow to state.
    """

    issue: str
    path: str
    adopted: int | None
    stories: int
    days: tuple[tuple[date, int], ...]
    hits: tuple[Hit, ...]
    gained: tuple[Hit, ...]
    lost: tuple[Hit, ...]
    labels: dict[str, Judgement]
    precision: Precision

    @property
    def per_day(self) -> float:
        """Hits per day of the history."""
        return len(self.hits) / max(1, len(self.days))

    @property
    def unjudged(self) -> tuple[Hit, ...]:
        """Hits without a label, the next to judge first."""
        return tuple(hit for hit in self.hits if hit.text.story not in self.labels)


def try_issue(
    workspace: Workspace,
    given: str,
    *,
    since: datetime | None = None,
    seed: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Trial:
    """Ask an issue file about the stored history.

    Args:
        workspace: The workspace.
        given: File or name of the issue.
        since: Only entries first seen since then.
        seed: For the order in which hits are judged.
        say: Told what is being done.

    Raises:
        NotFoundError: There is no such file.
        DefinitionError: It cannot be read.
    """
    _, _, path, text = find(workspace, (ISSUE,), given)
    issue, query, _ = read_issue(text, name=path, today=workspace.clock().date())
    search.refresh(workspace, say=say)
    say("asking the archive")
    with workspace.db.read() as conn:
        current = adopted_issues(conn).get(issue.slug)
        judged = labels.labels(conn, issue.slug)
    with workspace.archive.read() as conn:
        found = _by_story(conn, query, since)
        before = _by_story(conn, current[1], since) if current else found
        stories, first, last = _extent(conn, since)
    order = in_turn(list(found), issue=issue.slug, seed=seed)
    local = zone(workspace.config.organisation.zone)
    counts: dict[date, int] = {}
    if first and last:
        day, end = first.astimezone(local).date(), last.astimezone(local).date()
        while day <= end:
            counts[day] = 0
            day += timedelta(days=1)
    for hit in found.values():
        counts[hit.text.at.astimezone(local).date()] += 1
    return Trial(
        issue=issue.slug,
        path=path,
        adopted=current[2] if current else None,
        stories=stories,
        days=tuple(counts.items()),
        hits=tuple(found[story] for story in order),
        gained=tuple(hit for story, hit in found.items() if story not in before),
        lost=tuple(hit for story, hit in before.items() if story not in found),
        labels=judged,
        precision=precision([(story, found[story].text.at) for story in order], judged),
    )


def judge(workspace: Workspace, trial: Trial, hit: Hit, verdict: Verdict) -> None:
    """Keep what a person said of one hit."""
    with workspace.db.write() as conn:
        labels.save_label(
            conn,
            issue=trial.issue,
            story=hit.text.story,
            verdict=verdict,
            title=hit.text.title,
            by=workspace.actor.name,
            now=workspace.clock(),
        )


def labels_csv(trial: Trial, *, limit: int) -> str:
    """The first hits in turn as a table to fill in: ``about_it`` takes y, n or u."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for hit in trial.hits[:limit]:
        text = hit.text
        known = trial.labels.get(text.story)
        cells = (text.source, text.title, hit.snippet, hit.result.why())
        row = (text.story, text.at.isoformat(), *map(_cell, cells))
        writer.writerow([*row, known.verdict if known else ""])
    return out.getvalue()


def take_labels(workspace: Workspace, trial: Trial, text: str) -> int:
    """Keep the judgements of a filled-in table; returns how many are new or changed.

    Args:
        workspace: The workspace.
        trial: The trial that the table was made from.
        text: CSV with the columns ``story`` and ``about_it``; rows without a verdict are passed.

    Raises:
        DataError: A column is missing, a verdict is none, a story is unknown; nothing is kept.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = {"story", "about_it"} - set(reader.fieldnames or ())
    if missing:
        raise DataError(
            f"the table has no column {min(missing)!r}",
            field="labels",
            hint="let `issue try --labels NEW.csv` write one, and fill in about_it",
        )
    hits = {hit.text.story: hit for hit in (*trial.hits, *trial.lost)}
    told: list[tuple[Hit, Verdict]] = []
    wrong: list[int] = []
    for number, row in enumerate(reader, start=2):
        said = (row["about_it"] or "").strip().casefold()
        if not said:
            continue
        hit, verdict = hits.get((row["story"] or "").strip()), _VERDICTS.get(said)
        if verdict is None or (hit is None and row["story"] not in trial.labels):
            wrong.append(number)
        elif hit is not None:
            told.append((hit, verdict))
    if wrong:
        raise DataError(
            f"{len(wrong)} rows of the table cannot be used, the first is row {wrong[0]}",
            field="labels",
            rows=[f"row {number}" for number in wrong],
            hint="story is an id that matches, about_it is y, n or u",
        )
    known = trial.labels
    fresh = [
        (hit, verdict)
        for hit, verdict in told
        if hit.text.story not in known or known[hit.text.story].verdict != verdict
    ]
    now = workspace.clock()
    with workspace.db.write() as conn:
        for hit, verdict in fresh:
            labels.save_label(
                conn,
                issue=trial.issue,
                story=hit.text.story,
                verdict=verdict,
                title=hit.text.title,
                by=workspace.actor.name,
                now=now,
            )
    return len(fresh)


def _by_story(conn: Connection, query: Query, since: datetime | None) -> dict[str, Hit]:
    """The earliest entry of each story that answers; copies are not asked, as in a tick."""
    found: dict[str, Hit] = {}
    for hit in search.hits(conn, "entries", query, since=since):
        if hit.text.state != "copy":
            found[hit.text.story] = hit
    return found


def _extent(
    conn: Connection, since: datetime | None
) -> tuple[int, datetime | None, datetime | None]:
    from testkit.kernel.clock import to_text

    row = conn.execute(
        "SELECT count(DISTINCT story) AS n, min(first_seen) AS first, max(first_seen) AS last"
        " FROM entry WHERE first_seen >= :since",
        {"since": to_text(since) if since else ""},
    ).fetchone()
    if not row["n"]:
        return 0, None, None
    return row["n"], from_text(row["first"]), from_text(row["last"])


def _cell(text: str) -> str:
    """A text from a feed, on one line, which no spreadsheet takes for a formula."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def summary(trial: Trial, *, sample: Sequence[Hit]) -> dict[str, Any]:
    """A trial as plain values."""
    p = trial.precision
    return {
        "issue": trial.issue,
        "adopted": trial.adopted,
        "stories": trial.stories,
        "hits": len(trial.hits),
        "per_day": trial.per_day,
        "days": [{"day": day, "hits": n} for day, n in trial.days],
        "sample": [_plain(hit, trial) for hit in sample],
        "gained": [_plain(hit, trial) for hit in trial.gained],
        "lost": [_plain(hit, trial) for hit in trial.lost],
        "precision": {
            "rate": p.rate,
            "low": p.low,
            "high": p.high,
            "level": p.level,
            "relevant": p.relevant,
            "judged": p.judged,
            "unsure": p.unsure,
            "hits": p.hits,
        },
    }


def _plain(hit: Hit, trial: Trial) -> dict[str, Any]:
    known = trial.labels.get(hit.text.story)
    return {
        "story": hit.text.story,
        "title": hit.text.title,
        "marked": hit.title,
        "snippet": hit.snippet,
        "outlet": hit.text.source,
        "at": hit.text.at,
        "about_it": known.verdict if known else None,
        **hit.result.as_dict(),
    }
