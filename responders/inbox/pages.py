"""The page set of responses: what an approver should know of a draft, and when it goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from responders.inbox.plan import PLAN, path_of
from responders.inbox.reason import reason_now
from responders.services.standing import standing
from responders.store import drafts
from testkit.errors import NotFoundError
from testkit.kernel.findings import Finding
from testkit.web.pageset import About, PageSet

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace

__all__ = ["INBOX", "about"]

SUBJECT: Final = "draft/"
FIELDS: Final = ("code", "severity", "message", "hint", "where")


def about(workspace: Workspace, subject: str) -> About | None:
    """The reason, the sources and the findings of a draft; None for any other subject."""
    if not subject.startswith(SUBJECT):
        return None
    try:
        with workspace.db.read() as conn:
            row = drafts.get(conn, subject.removeprefix(SUBJECT))
    except NotFoundError:
        return None
    place = standing(workspace, row)
    story: dict[str, Any] = row.facts.get("story", {})
    listed = story.get("entries") or []
    return About(
        reason=reason_now(row.reason, zone_name=workspace.config.organisation.zone),
        reading=row.facts.get("reading") or "",
        urgency=place.in_words(),
        # A thumb moves by a day at most: it never carries a draft across a step of urgency.
        place=1000.0 * place.rank + (place.lift.hours if place.lift else 0.0),
        alarm="Hold: nothing should be asked of anybody yet." if row.hold else "",
        sources=tuple(
            (f"{entry['source']}: {entry['title']}", web_address(entry.get("url", "")))
            for entry in listed
        ),
        findings=tuple(
            Finding(**{name: f[name] for name in FIELDS if name in f})
            for f in row.facts.get("findings", ())
        ),
        steps=(("When does it go out?", path_of(row.id)),),
    )


def web_address(url: str) -> str:
    """An address that a page may link to; empty for anything but http and https."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


INBOX: Final = PageSet(package="responders.inbox", pages=(PLAN,), about=about)
