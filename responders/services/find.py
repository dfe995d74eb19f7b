"""find: what an address is: a feed, a site that names its feeds, or neither.

The page of a site is read by the same killable worker that reads feeds: it comes from strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders.feeds.answers import FetchRequest
from responders.feeds.discover import likely_addresses

if TYPE_CHECKING:
    from responders.feeds.parse import ParseWorker
    from responders.model.feed import ParsedFeed
    from testkit.kernel.workspace import Workspace

__all__ = ["Found", "find"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What to watch for an address that somebody gave.

    Attributes:
        feeds: ``(address, title)``; never empty.
        notes: What was found out on the way, in words.
        dead: Addresses of ``feeds`` that gave nothing that can be read, and why.
    """

    feeds: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    dead: tuple[tuple[str, str], ...] = ()


def find(workspace: Workspace, url: str, *, scheme_guessed: bool = False) -> Found:
    """Ask an address what it is.

    Args:
        workspace: The workspace.
        url: A feed's address or a site's.
        scheme_guessed: Nobody wrote ``https://``: where that does not answer, ``http://`` may.

    Returns:
        The feed to watch. An address that does not answer now is watched all the same: the tick
        tries again and says why it fails.
    """
    from responders.feeds.parse import ParseWorker

    with ParseWorker() as worker:
        parsed, final, problem = _read(workspace, worker, url)
        if parsed is None and scheme_guessed and url.startswith("https://"):
            plain = f"http://{url.removeprefix('https://')}"
            again, final_plain, _ = _read(workspace, worker, plain)
            if again is not None:
                parsed, final, url = again, final_plain, plain
        if parsed is None:
            return Found(feeds=((url, ""),), dead=((url, problem or "no answer"),))
        if not parsed.problem:
            return Found(feeds=((url, ""),))
        if parsed.feeds:
            (chosen, title), *others = parsed.feeds
            notes = [f"{url} is a page; its feed {title or chosen} is watched"]
            notes += [f"it also names {other}" for other, _ in others[:5]]
            return Found(feeds=((chosen, ""),), notes=tuple(notes))
        for guess in likely_addresses(final or url):
            tried, _, _ = _read(workspace, worker, guess)
            if tried is not None and not tried.problem:
                note = f"{url} is a page that names no feed; there is one at {guess}"
                return Found(feeds=((guess, ""),), notes=(note,))
    return Found(
        feeds=((url, ""),),
        dead=((url, f"{parsed.problem}; no feed was found at the usual addresses either"),),
    )


def _read(
    workspace: Workspace, worker: ParseWorker, url: str
) -> tuple[ParsedFeed | None, str, str | None]:
    from responders.feeds.fetch import fetch_each

    allowed = tuple(workspace.config.polling.allow_hosts)
    request = FetchRequest(feed_id=url, url=url, allow_hosts=allowed)
    (result,) = fetch_each([request], now=workspace.clock)
    if result.body is None:
        return None, result.url_final, result.problem
    parsed = worker.parse(
        result.body,
        content_type=result.content_type,
        url=result.url_final,
        now=workspace.clock(),
    )
    return parsed, result.url_final, result.problem
