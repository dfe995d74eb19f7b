"""The words of our own messages: a template per kind, filled from one of two contexts."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from testkit.outbox.letter import LINK, one_line

if TYPE_CHECKING:
    import jinja2

__all__ = ["DigestWords", "RequestWords", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWords:
    """What a message about a request can say; lines that came from outside are made one line.

    Attributes:
        name: Who reads it.
        title: What the request is about.
        author: Whose words they are.
        actor: Who did something.
        stage: Where.
        decision: What was said or done, inside a sentence.
        note: What they wrote.
        reason: Why.
        next: What follows.
        instead_of: In whose seat the reader is asked; empty for their own.
        due: The promise, for people.
        expires: The end, for people.
        overdue: The promise is broken.
        link_until: How long the reader's own link works; empty when there is none.
        link: Where to read on.
    """

    name: str
    title: str
    author: str = ""
    actor: str = ""
    stage: str = ""
    decision: str = ""
    note: str = ""
    reason: str = ""
    next: str = ""
    instead_of: str = ""
    due: str = ""
    expires: str = ""
    overdue: bool = False
    link_until: str = ""
    link: str = LINK


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestWords:
    """What the daily summary says.

    Attributes:
        name: Who reads it.
        organisation: Whose.
        day: Which day, for people.
        waiting: A line per open request.
        happened: A line per end of a request since yesterday.
        owed: A line per look that is owed.
        undelivered: Messages that did not arrive.
        rows: Rows of the ledger.
        head: Its newest hash.
        link: Where to read on.
    """

    name: str
    organisation: str
    day: str
    waiting: tuple[str, ...]
    happened: tuple[str, ...]
    owed: tuple[str, ...]
    undelivered: int
    rows: int
    head: str
    link: str


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("testkit.outbox"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text, never HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return value if value == LINK else one_line(value, most=1000)
    if isinstance(value, tuple):
        return tuple(map(_safe, value))
    return value


def write(kind: str, words: RequestWords | DigestWords) -> tuple[str, str]:
    """Subject and body of a message.

    Args:
        kind: Name of a template in ``testkit/outbox/templates``.
        words: What it says.
    """
    values = {item.name: _safe(getattr(words, item.name)) for item in fields(words)}
    text = _environment().get_template(f"{kind}.txt.jinja").render(values)
    subject, _, body = text.partition("\n")
    return one_line(subject), f"{body.strip()}\n"
