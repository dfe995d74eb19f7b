"""Which moment, audience, ask, talking point and frames a draft uses today.

Every choice follows one rule: what is written for this moment comes before what is written for any
day, what has expired is not used, and among equals the order of the issue file decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from responders.drafting.contexts import AskContext, OrgContext, PointContext, StoryContext
from responders.drafting.moments import Reading, read_moment
from responders.drafting.phrases import tidy
from responders.drafting.render import render
from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import date

    from responders.model.draft import StoryFacts
    from responders.model.issue import Audience, BlockName, Channel, Frame, Issue, Moment
    from testkit.kernel.findings import Finding

__all__ = [
    "choose_ask",
    "choose_audience",
    "choose_frames",
    "choose_point",
    "choose_reading",
    "wording",
]


def choose_reading(issue: Issue, story: StoryFacts, override: str | None) -> Reading:
    """The moment by the story's words, or the one that a person named (empty for none).

    Raises:
        NotFoundError: The issue has no moment of that name.
    """
    if override is None:
        return read_moment(
            issue.moments,
            title=story.title,
            summary=story.summary,
            things=issue.things,
            lang=issue.lang,
        )
    if not override:
        return Reading(moment=None)
    found = issue.moment(override)
    if found is None:
        raise NotFoundError(
            "moment", override, hint="one of " + ", ".join(m.name for m in issue.moments)
        )
    return Reading(moment=found)


def choose_audience(issue: Issue, name: str) -> Audience:
    """The audience of that name; the issue's first one for an empty name.

    Raises:
        NotFoundError: The issue has no audience of that name.
    """
    if not name:
        return issue.audiences[0]
    for audience in issue.audiences:
        if audience.name == name:
            return audience
    raise NotFoundError(
        "audience", name, hint="one of " + ", ".join(a.name for a in issue.audiences)
    )


def _current(expires_on: date | None, today: date) -> bool:
    return expires_on is None or today <= expires_on


def _fitting(moments: tuple[str, ...], moment: str) -> int:
    """0 when written for this moment, 1 when general, -1 when for another."""
    if moment and moment in moments:
        return 0
    return -1 if moments else 1


def choose_ask(
    issue: Issue, moment: str, today: date, org: OrgContext, story: StoryContext
) -> tuple[AskContext, list[Finding]]:
    """The ask for this moment with its slots filled, and what went wrong while filling them."""
    usable = [a for a in issue.asks if _current(a.expires_on, today)]
    ranked = sorted(
        (a for a in usable if _fitting(a.moments, moment) >= 0),
        key=lambda a: _fitting(a.moments, moment),
    )
    if not ranked:
        empty = AskContext(label="", verb="", url="", phone="")
        return empty, []
    best = ranked[0]
    blank = AskContext(label=best.label, verb=best.verb, url="", phone="")
    filled: dict[str, str] = {}
    findings: list[Finding] = []
    for part in ("label", "url", "phone"):
        where = f"asks.{best.name}.{part}"
        done = render(getattr(best, part), {"org": org, "ask": blank, "story": story}, name=where)
        findings.extend(done.findings)
        filled[part] = tidy(done.text or "")
    return replace(blank, label=filled["label"], url=filled["url"], phone=filled["phone"]), findings


def choose_point(issue: Issue, moment: str, today: date) -> PointContext | None:
    """The talking point for this moment that holds today, or None."""
    usable = [p for p in issue.talking_points if _current(p.expires_on, today)]
    ranked = sorted(
        (p for p in usable if _fitting(p.moments, moment) >= 0),
        key=lambda p: _fitting(p.moments, moment),
    )
    if not ranked:
        return None
    best = ranked[0]
    return PointContext(text=best.text, source=best.source, source_url=best.source_url)


def choose_frames(
    issue: Issue,
    block: BlockName,
    channel: Channel,
    *,
    moment: Moment | None,
    audience: str,
    today: date,
) -> list[Frame]:
    """Frames that may fill the block, those written for this moment first.

    In a moment that holds only its own frames are used: words written for any day are wrong on
    the day somebody died.
    """
    name = moment.name if moment else ""
    found: list[tuple[int, int, Frame]] = []
    for order, frame in enumerate(issue.frames):
        fit = _fitting(frame.moments, name)
        if frame.block != block or fit < 0 or not _current(frame.expires_on, today):
            continue
        if frame.channels and channel not in frame.channels:
            continue
        if frame.audiences and audience not in frame.audiences:
            continue
        if not wording(frame, channel):
            continue
        found.append((fit, order, frame))
    if moment is not None and moment.hold:
        found = [item for item in found if item[0] == 0]
    return [frame for _, _, frame in sorted(found, key=lambda item: item[:2])]


def wording(frame: Frame, channel: Channel) -> str:
    """The frame's form for the channel; empty where it has none."""
    if channel == "email":
        return frame.text
    if channel == "call":
        return frame.spoken or frame.text
    return frame.short
