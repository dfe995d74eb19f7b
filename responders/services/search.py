"""search: ask the archive and the past responses in the language of issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from responders.match import FIELDS, Document, marked, parse_query, places, snippet
from responders.store import search as index
from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from responders.match import MatchResult, Query
    from responders.store.search import Corpus, Found
    from testkit.kernel.sqlite import Connection, Database
    from testkit.kernel.workspace import Workspace

__all__ = ["PLACES", "Hit", "Place", "Searched", "hits", "rebuild", "refresh", "search"]

Place = Literal["entries", "stories", "responses"]
PLACES: Final[tuple[Place, ...]] = ("entries", "stories", "responses")
# Texts that one transaction reads into the index: about a tenth of a second.
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A text that answers a query.

    Attributes:
        text: The text.
        result: Why it does.
    """

    text: Found
    result: MatchResult

    @property
    def title(self) -> str:
        """The headline, matched words in square brackets."""
        return marked(self.text.title, places(self.result.spans, "title"))

    @property
    def snippet(self) -> str:
        """The part of the text around the first match, matched words in square brackets."""
        return snippet(self.text.summary, places(self.result.spans, "summary"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search found.

    Attributes:
        query: As it was read.
        hits: ``(where, hit)``, the newest first within each place; of a story its newest hit.
        more: Places in which there is more than was asked for.
        indexed: Texts that the index holds, over all places that were asked.
    """

    query: Query
    hits: tuple[tuple[Place, Hit], ...]
    more: tuple[Place, ...]
    indexed: int


def search(
    workspace: Workspace,
    text: str,
    *,
    within: Iterable[Place] = PLACES,
    since: datetime | None = None,
    limit: int = 20,
    say: Callable[[str], None] = lambda _: None,
) -> Searched:
    """Ask for texts that answer a query.

    Args:
        workspace: The workspace.
        text: The query.
        within: Where: entries, stories (of which an entry answers), responses.
        since: Only what is at least as new.
        limit: At most so many of each place, at least 1.
        say: Told what is being done.

    Raises:
        QueryError: The query cannot be read; shows the place.
        InputError: ``limit`` is below 1.
    """
    if limit < 1:
        raise InputError(f"a limit of {limit}", field="limit", value=limit, hint="1 or more")
    query = parse_query(text)
    refresh(workspace, say=say)
    asked = [place for place in PLACES if place in set(within)]
    out: list[tuple[Place, Hit]] = []
    more: list[Place] = []
    indexed = 0
    for place in asked:
        corpus: Corpus = "responses" if place == "responses" else "entries"
        with _database(workspace, corpus).read() as conn:
            if place != "stories" or "entries" not in asked:
                indexed += index.size(conn)
            told: set[str] = set()
            count = 0
            for hit in hits(conn, corpus, query, since=since):
                if place == "stories":
                    if hit.text.story in told:
                        continue
                    told.add(hit.text.story)
                if count == limit:
                    more.append(place)
                    break
                out.append((place, hit))
                count += 1
    return Searched(query=query, hits=tuple(out), more=tuple(more), indexed=indexed)


def hits(
    conn: Connection, corpus: Corpus, query: Query, *, since: datetime | None = None
) -> Iterable[Hit]:
    """Texts that answer a query, newest first: the index proposes, the query tree decides."""
    for text in index.ask(conn, corpus, query.to_fts(columns=FIELDS), since=since):
        result = query.evaluate(
            Document.of(title=text.title, summary=text.summary, source=text.source, lang=text.lang)
        )
        if result is not None:
            yield Hit(text=text, result=result)


def refresh(workspace: Workspace, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Read what waits into the index, in short transactions; returns how many texts were read."""
    read = 0
    corpora: tuple[Corpus, ...] = ("entries", "responses")
    for corpus in corpora:
        database = _database(workspace, corpus)
        with database.read() as conn:
            waiting = index.due(conn)
        done = 0
        while done < waiting:
            with database.write() as conn:
                step = index.refresh(conn, corpus, limit=_PAGE)
            if not step:
                break
            done += step
            say(f"reading {corpus} into the index: {done} of {waiting}")
        read += done
    return read


def rebuild(workspace: Workspace, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Make the index anew from the texts; returns how many were read."""
    corpora: tuple[Corpus, ...] = ("entries", "responses")
    for corpus in corpora:
        with _database(workspace, corpus).write() as conn:
            index.rebuild(conn, corpus)
    return refresh(workspace, say=say)


def _database(workspace: Workspace, corpus: Corpus) -> Database:
    return workspace.db if corpus == "responses" else workspace.archive
