"""How headlines were read against how a person labelled them; ``python -m tests.reading_marks``.

A line of a headline file: ``cause | sign | moments that fit | headline``. The sign is ``+`` good
for the cause, ``-`` bad, each with ``?`` while undecided, ``0`` neither; ``none`` among the moments
means that no moment of the issue file says it.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import yaml

from responders.drafting.moments import Reading, read_moment
from responders.model.issue_file import issue_from_mapping
from responders.starter import starter_issues
from testkit.stats.intervals import wilson

if TYPE_CHECKING:
    from responders.model.issue import Issue

FOLDER = Path(__file__).parent / "unit" / "responders" / "headlines"
Mark = Literal["right", "neutral", "other kind", "too early", "wrong way round"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One labelled headline."""

    cause: str
    sign: str
    moments: tuple[str, ...]
    title: str


def headlines(name: str) -> list[Headline]:
    """The labelled headlines of a file."""
    found = []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            cause, sign, moments, title = (part.strip() for part in line.split("|", 3))
            found.append(
                Headline(cause=cause, sign=sign, moments=tuple(moments.split()), title=title)
            )
    return found


def issues() -> dict[str, Issue]:
    """The bundled issue files."""
    return {name: issue_from_mapping(yaml.safe_load(t)) for name, t in starter_issues().items()}


def mark(given: Headline, reading: Reading) -> Mark:
    """What is right or wrong about a reading, the worst first.

    ``neutral`` is no moment where one would have fitted: a draft in general words.
    """
    moment = reading.moment
    if moment is None:
        return "right" if "none" in given.moments else "neutral"
    if moment.name in given.moments:
        return "right"
    if moment.stance == {"+": "setback", "-": "progress"}.get(given.sign[0]):
        return "wrong way round"
    if given.sign.endswith("?") and moment.stance != "neutral":
        return "too early"
    return "other kind"


def read_all(name: str) -> list[tuple[Headline, Reading, Mark]]:
    """Every headline of a file with its reading and mark."""
    known = issues()
    done = []
    for given in headlines(name):
        issue = known[given.cause]
        reading = read_moment(
            issue.moments, title=given.title, things=issue.things, lang=issue.lang
        )
        done.append((given, reading, mark(given, reading)))
    return done


def main(name: str, *, shown: bool) -> None:
    """Print the marks of a file, and what was not read rightly."""
    done = read_all(name)
    count = Counter(found for _, _, found in done)
    for label in get_args(Mark):
        interval = wilson(successes=count[label], n=len(done))
        print(
            f"{label:16} {count[label]:4} of {len(done)}  {interval.low:.0%} to {interval.high:.0%}"
        )
    for given, reading, found in done:
        if shown and found != "right":
            print(f"{found:16} {given.cause} {given.sign} {'/'.join(given.moments)}: {given.title}")
            print(f"{'':16} {reading.moment.name if reading.moment else '-'}: {reading.in_words()}")


if __name__ == "__main__":
    main(sys.argv[1], shown="-v" in sys.argv)
