"""The page on which a release is planned: when, and under which embargo; not whether."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from responders.services import schedule
from responders.store import releases
from testkit.errors import InputError, StateError
from testkit.kernel.clock import from_text, parse_local, shown, zone
from testkit.signoff import service
from testkit.web.pageset import Page, Reply

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.web.pageset import Visit

__all__ = ["PLAN", "PlanContext", "path_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """``plan.html.jinja``.

    Attributes:
        title: What the words are about.
        words: Path of the page with the words.
        state: Where the request is.
        planned: What is planned, in a sentence; empty when nothing is.
        open: Whether a plan can still be made.
        at: Planned moment, as the form field holds it.
        embargo: The same of the embargo.
        zone: IANA zone that both are read in.
        error: Why the last form was not taken.
        action: Address of the form.
        form_token: Its token.
    """

    title: str
    words: str
    state: str
    planned: str
    open: bool
    at: str
    embargo: str
    zone: str
    error: str
    action: str
    form_token: str


def path_of(draft: str) -> str:
    """Where the release of a draft is planned."""
    return f"/drafts/{draft}/plan"


def show(visit: Visit, *, error: str = "", status: int = 200) -> Reply:
    """The plan that stands, and the form for another."""
    workspace = visit.workspace
    zone_name = workspace.config.organisation.zone
    with workspace.db.read() as conn:
        request = service.find(conn, visit.parts["draft"])
        standing = releases.plan_of(conn, request.row.id)
    state = request.state

    def field(name: str, moment: datetime | None) -> str:
        if name in visit.form:  # what was typed stays, also when it was not taken
            return visit.form[name]
        return f"{moment.astimezone(zone(zone_name)):%Y-%m-%dT%H:%M}" if moment else ""

    planned = ""
    if standing is not None:
        when = shown(from_text(standing.publish_at), zone_name=zone_name)
        known = workspace.roster.get(standing.by)
        planned = f"Planned for {when}, by {known.name if known else standing.by}"
    context = PlanContext(
        title=request.row.title,
        words=f"/requests/{request.revision.id}",
        state=state.state.value.replace("_", " "),
        planned=planned,
        open=state.state not in service.ENDED,
        at=field("at", state.publish_at),
        embargo=field("embargo", state.embargo_until),
        zone=zone_name,
        error=error,
        action=path_of(visit.parts["draft"]),
        form_token=visit.form_token,
    )
    return Reply(template="plan.html.jinja", context=context, status=status)


def take(visit: Visit) -> Reply:
    """Plan, or take the plan back."""
    workspace, given = visit.workspace, visit.parts["draft"]
    zone_name = workspace.config.organisation.zone

    def moment(name: str) -> datetime | None:
        text = visit.form.get(name, "").strip()
        return parse_local(text, zone_name=zone_name) if text else None

    try:
        if visit.form.get("do") == "cancel":
            schedule.take_back(workspace, given)
        else:
            schedule.plan(workspace, given, at=moment("at"), embargo=moment("embargo"))
    except (InputError, StateError) as cause:
        return show(visit, error=str(cause), status=400 if isinstance(cause, InputError) else 409)
    return Reply(to=path_of(given))


PLAN: Final = Page(path=path_of("{draft}"), show=show, take=take)
