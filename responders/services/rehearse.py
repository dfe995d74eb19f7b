"""rehearse: what the issue files would have drafted for a hundred replayed stories.

The stories are bundled and invented. They go the way that news goes: every entry to the clusterer
in the order of its time, every story to every query, every match to :func:`compose` with the same
templates. Nothing is chosen by story. Only the network, the archive and the clock are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from responders.kinds import read_issue
from responders.services.sources import match_reason, story_facts
from responders.services.triage import match_story
from responders.store.archive import StoryRow
from testkit.errors import InputError, NotFoundError
from testkit.kernel import yamlfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from responders.drafting.compose import Templates
    from responders.match import Query
    from responders.model.draft import Draft, Organisation
    from responders.model.feed import Entry
    from responders.model.issue import Channel, Issue

__all__ = ["Rehearsed", "Replayed", "rehearse", "replayed_stories", "starter_set"]

REPLAY: Final = "hundred"
CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms", "post", "call")
FIRST_HOUR: Final = 13
MINUTES_BETWEEN: Final = (0, 25, 70, 140)
DRAFTED_AFTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A story as it is bundled.

    Attributes:
        name: Its key: ``meatpacking-strike``.
        cause: Slug of the issue that it is about.
        kind: What kind of development it is, in words.
        lang: BCP 47 tag.
        entries: Its entries with the names of their outlets, the earliest first.
    """

    name: str
    cause: str
    kind: str
    lang: str
    entries: tuple[tuple[Entry, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What became of one story.

    Attributes:
        story: The story.
        draft: What was drafted for its cause; None when the issue did not ask for it.
        joined: How many of its entries the clusterer put into the story that was drafted.
        strangers: How many entries of other stories came with them.
        also: Other issues that asked for it.
    """

    story: Replayed
    draft: Draft | None
    joined: int
    strangers: int
    also: tuple[str, ...] = ()


def replayed_stories() -> tuple[Replayed, ...]:
    """The bundled stories, by cause and in the order of their files."""
    from importlib.resources import files

    found: list[Replayed] = []
    folder = files("responders").joinpath("replays", REPLAY)
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        cause = file.name.removesuffix(".yaml")
        document = yamlfile.parse(file.read_text(encoding="utf-8"), name=file.name)
        if not isinstance(document.value, list):
            raise InputError("a replay is a list of stories", field=file.name)
        found += [
            _replayed(item, cause=cause, order=order) for order, item in enumerate(document.value)
        ]
    return tuple(found)


def _replayed(item: Mapping[str, Any], *, cause: str, order: int) -> Replayed:
    from responders.model.feed import Entry

    name = str(item["story"])
    lang = str(item.get("lang", "en"))
    day = datetime.fromisoformat(str(item["day"])).replace(tzinfo=UTC)
    first = day + timedelta(hours=FIRST_HOUR, minutes=7 * order)
    entries = []
    for number, (outlet, title, teaser) in enumerate(item["entries"]):
        at = first + timedelta(minutes=MINUTES_BETWEEN[number])
        host = "".join(c for c in outlet.casefold() if c.isascii() and c.isalnum())
        address = f"https://{host}.example/{name}"
        entries.append(
            (
                Entry(
                    id=f"{name}.{number}",
                    feed_id=host,
                    guid=address,
                    url=address,
                    canonical_url=address,
                    title=title,
                    summary_text=teaser,
                    content_html="",
                    published=at,
                    updated=None,
                    first_seen=at,
                    language=lang,
                ),
                outlet,
            )
        )
    return Replayed(
        name=name, cause=cause, kind=str(item["kind"]), lang=lang, entries=tuple(entries)
    )


def starter_set(*, today: datetime) -> dict[str, tuple[Issue, Query, int]]:
    """The bundled issues as if they were adopted: slug to issue, query, version."""
    from responders.starter import starter_issues

    found = {}
    for name, text in starter_issues().items():
        issue, query, _ = read_issue(text, name=name, today=today.date())
        found[issue.slug] = (issue, query, 1)
    return found


def rehearse(
    org: Organisation,
    *,
    issues: Mapping[str, tuple[Issue, Query, int]],
    templates: Templates | None = None,
    cause: str = "",
    zone: tzinfo = UTC,
) -> tuple[Rehearsed, ...]:
    """Draft for every bundled story of the causes that ``issues`` covers.

    Args:
        org: Who is speaking.
        issues: Slug to issue, query and version: the starter set, or what a workspace adopted.
        templates: Template texts; the bundled ones by default.
        cause: Only this issue's stories; every issue's when empty.
        zone: Time zone of the readers.

    Raises:
        NotFoundError: No stories are bundled for ``cause``, or no such issue is there.
    """
    from responders.drafting.compose import compose
    from responders.match import QuerySet

    stories = replayed_stories()
    causes = tuple(dict.fromkeys(story.cause for story in stories))
    if cause and (cause not in causes or cause not in issues):
        known = ", ".join(name for name in causes if name in issues)
        raise NotFoundError("cause", cause, hint=f"one of {known}")
    clustered = _clustered(stories)
    queries = QuerySet.of({slug: query for slug, (_, query, _) in issues.items()})
    out = []
    for story in stories:
        if story.cause not in issues or (cause and story.cause != cause):
            continue
        row, joined = clustered[story.name]
        found = {match.issue: match for match in match_story(row, queries, issues)}
        match = found.get(story.cause)
        draft = None
        if match is not None:
            issue, query, _ = issues[story.cause]
            draft = compose(
                story_facts(row, query=query, issue=issue),
                issue,
                match_reason(match, issue, row),
                org,
                as_of=row.last_at + DRAFTED_AFTER,
                templates=templates,
                channels=tuple(c for c in issue.channels if c in CHANNELS),
                zone=zone,
            )
        out.append(
            Rehearsed(
                story=story,
                draft=draft,
                joined=joined,
                strangers=len(row.entries) - joined,
                also=tuple(slug for slug in found if slug != story.cause),
            )
        )
    return tuple(out)


def _clustered(stories: tuple[Replayed, ...]) -> dict[str, tuple[StoryRow, int]]:
    """Each story as the clusterer sees it: the cluster with most of its entries."""
    from responders.cluster import Clusterer, StoryEntry

    entries = {entry.id: (entry, outlet) for story in stories for entry, outlet in story.entries}
    clusterer = Clusterer()
    home: dict[str, str] = {}
    moved: dict[str, str] = {}
    for entry, outlet in sorted(entries.values(), key=lambda pair: pair[0].first_seen):
        placed = clusterer.add(
            StoryEntry(
                id=entry.id,
                at=entry.first_seen,
                title=entry.title,
                summary=entry.summary_text,
                owner=outlet,
            )
        )
        home[entry.id] = placed.story_key
        moved |= {merge.gone: merge.kept for merge in placed.merges}
    members: dict[str, list[str]] = {}
    for entry_id, key in home.items():
        while key in moved:
            key = moved[key]  # noqa: PLW2901 - follows the merges to where the entry is now
        members.setdefault(key, []).append(entry_id)
    out = {}
    for story in stories:
        own = {entry.id for entry, _ in story.entries}
        best = max(members.values(), key=lambda ids: len(own & set(ids)))
        rows = sorted((entries[i] for i in best), key=lambda pair: pair[0].first_seen)
        out[story.name] = (
            StoryRow(
                id=story.name,
                first_at=rows[0][0].first_seen,
                last_at=rows[-1][0].first_seen,
                entries=tuple(rows),
            ),
            len(own & set(best)),
        )
    return out
