"""The query tree against its FTS5 form on real titles, and 200 issues asked of 1,000 entries."""

from __future__ import annotations

import lzma
import random
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, data_folder, median_ms
from responders.match import Document, QuerySet, index_text, parse_query, tokenize_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from responders.match import Field, FtsQuery, Query

SEED = 20260501
FIELDS: tuple[Field, ...] = ("title", "summary", "source", "lang")
ALIASES = {
    "fed": ["Federal Reserve", "=Fed", "Yellen", "central bank*"],
    "tech": ["Apple", "iPhone*", "Google Glass"],
}
LANGUAGES = ("en", "en-GB", "es", "es-MX", "")


def load(path: Path) -> tuple[list[str], list[str]]:
    """Titles and hosts of the archive."""
    titles, hosts = [], []
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            titles.append(cells[1])
            hosts.append(cells[6])
    return titles, hosts


class Author:
    """Writes random queries in the words of the titles."""

    def __init__(self, titles: Sequence[str], generator: random.Random) -> None:
        self._titles = titles
        self._random = generator
        found = Counter(term for title in titles for term in tokenize_terms(title))
        self._common = [term for term, n in found.items() if n > len(titles) / 500]
        self._middling = [
            term for term, n in found.items() if 3 <= n <= len(titles) / 200 and len(term) > 3
        ]

    def query(self, *, indexed: bool, depth: int = 3) -> str:
        """A tree of any operators; ``indexed``: of leaves that the index can answer alone."""
        pick = self._random.random()
        if depth == 0 or pick < 0.2:
            return self._leaf(kinds=10 if indexed else 13)
        parts = [
            self.query(indexed=indexed, depth=depth - 1) for _ in range(self._random.randint(2, 3))
        ]
        if pick < 0.45:
            return f"({' AND '.join(parts)})"
        if pick < 0.75:
            return f"({' OR '.join(parts)})"
        return f"({parts[0]} NOT {parts[1]})" if pick < 0.93 else f"(NOT {parts[0]})"

    def issue(self) -> str:
        """What a person tracks: a handful of alternatives and an exception."""
        words = self._random.sample(self._middling, 6)
        return (
            f'({words[0]} OR {words[1][:6]}* OR "{self._stretch(2)}" OR {words[2]} '
            f"OR {words[3]} NEAR/5 {words[4]}) NOT {words[5]}"
        )

    def _leaf(self, *, kinds: int) -> str:
        kind = self._random.randrange(kinds)
        word = self._random.choice(self._common if self._random.random() < 0.6 else self._middling)
        if kind < 3:
            return word
        if kind == 3:
            return f"{word[: self._random.randint(2, 5)]}*"
        if kind == 4:
            return f'"{self._stretch(self._random.randint(2, 3))}"'
        if kind == 5:
            return f'"{self._stretch(2)[:-2] or word}*"'
        if kind < 8:
            one, *_, other = self._stretch(6).split()
            middle = self._random.choice([one, f"({one} OR {word})", f'"{self._stretch(2)}"'])
            return f"{middle} NEAR/{self._random.randint(0, 8)} {other}"
        if kind == 8:
            return f"title:{word}"
        if kind == 9:
            return self._random.choice(["@tech", "lang:en", "source:com", "lang:es-MX"])
        if kind == 10:
            return f"={word.title()}"
        if kind == 11:
            return "@fed"
        return f"/{word[:4]}[a-z]+s/"

    def _stretch(self, length: int) -> str:
        while True:
            terms = tokenize_terms(self._random.choice(self._titles))
            if len(terms) >= length:
                at = self._random.randrange(len(terms) - length + 1)
                return " ".join(terms[at : at + length])


def rows_of(found: FtsQuery, database: sqlite3.Connection, table: str) -> set[int]:
    """Row numbers that the index gives for a compiled query."""
    every = f"SELECT rowid FROM {table}"
    sql = {
        "match": f"{every} WHERE {table} MATCH :q",
        "all_but": f"{every} EXCEPT {every} WHERE {table} MATCH :q",
        "all": every,
        "none": f"{every} WHERE 0",
    }[found.mode]
    return {row for (row,) in database.execute(sql, {"q": found.expression})}


def disagreements(
    queries: Sequence[Query], documents: Sequence[Document], database: sqlite3.Connection
) -> tuple[int, int]:
    """(query, title) pairs on which tree and index differ; queries that needed a second look."""
    wrong = second = 0
    for query in queries:
        found = query.to_fts(columns=FIELDS)
        rows = rows_of(found, database, "entry")
        if not found.exact:
            second += 1
            rows = {row for row in rows if query.holds(documents[row])}
        wrong += len(rows ^ {row for row, d in enumerate(documents) if query.holds(d)})
    return wrong, second


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    path = folder / "stories" / "uci_before_june_2014.tsv.xz" if folder else None
    if path is None or not path.is_file():
        for name, target in (
            ("query_disagreements", "== 0"),
            ("issues_200_entries_1000_ms", "<= 50"),
        ):
            yield Figure(
                figure=name,
                value=None,
                unit="count" if target == "== 0" else "ms",
                target=target,
                note="WHISTLESTOP_DATA holds no stories/uci_before_june_2014.tsv.xz",
            )
        return
    titles, hosts = load(path)
    if small:
        titles, hosts = titles[:3000], hosts[:3000]
    generator = random.Random(SEED)
    author = Author(titles, generator)
    issues = {f"issue-{n}": parse_query(author.issue()) for n in range(200)}
    tracked = QuerySet.of(issues)
    newest = titles[-1000:]

    def ask() -> int:
        return sum(len(tracked.matches(Document.of(title=title))) for title in newest)

    hits = ask()
    yield Figure(
        figure="issues_200_entries_1000_ms",
        value=median_ms(ask),
        unit="ms",
        target="<= 50",
        note=f"tokenised and matched; {hits} matches",
    )

    def tell() -> int:
        return sum(
            len(match.why())
            for title in newest
            for match in tracked.matches(Document.of(title=title)).values()
        )

    yield Figure(
        figure="issues_200_entries_1000_with_reasons_ms",
        value=median_ms(tell),
        unit="ms",
        note="the same, and the reason of every match written out",
    )
    langs = generator.choices(LANGUAGES, k=len(titles))
    documents = [
        Document.of(title=title, source=host, lang=lang)
        for title, host, lang in zip(titles, hosts, langs, strict=True)
    ]
    database = sqlite3.connect(":memory:")
    # `raw` is what an index over unprepared titles would say; information only.
    for table in ("entry", "raw"):
        database.execute(
            f"CREATE VIRTUAL TABLE {table} USING fts5"
            "(title, summary, source, lang, tokenize = 'unicode61 remove_diacritics 2')"
        )
    for table, prepared in (("entry", index_text), ("raw", str)):
        database.executemany(
            f"INSERT INTO {table} (rowid, title, summary, source, lang) VALUES (?, ?, '', ?, ?)",
            (
                (row, prepared(title), prepared(host), prepared(lang))
                for row, (title, host, lang) in enumerate(zip(titles, hosts, langs, strict=True))
            ),
        )
    written = [author.query(indexed=n % 2 == 0) for n in range(50 if small else 500)]
    queries = [parse_query(text, aliases=ALIASES) for text in written]
    wrong, second = disagreements(queries, documents, database)
    yield Figure(
        figure="query_disagreements",
        value=wrong,
        unit="count",
        target="== 0",
        note=f"{len(queries)} queries x {len(titles)} titles, seed {SEED}, "
        f"SQLite {sqlite3.sqlite_version}; {second} needed a second look",
    )
    exact = [found for query in queries if (found := query.to_fts(columns=FIELDS)).exact]
    apart = sum(len(rows_of(q, database, "raw") ^ rows_of(q, database, "entry")) for q in exact)
    yield Figure(
        figure="raw_index_differences",
        value=apart,
        unit="count",
        note="the same index over raw titles instead of index_text()",
    )
    compiled = [query.to_fts(columns=FIELDS) for query in issues.values()]
    yield Figure(
        figure="issues_200_whole_archive_fts_ms",
        value=median_ms(lambda: [rows_of(q, database, "entry") for q in compiled], repeats=3),
        unit="ms",
        note=f"the same 200 issues asked of all {len(titles)} titles through FTS5",
    )
