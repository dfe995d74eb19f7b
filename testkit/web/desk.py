"""The desk: the inbox, and one request with its words, its reason and a button per decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from testkit.errors import InputError, KitError, StaleRevisionError
from testkit.signoff import service, waiting
from testkit.signoff.heard import SaidSinceError, said_of
from testkit.signoff.model import Decision
from testkit.signoff.office import office_of
from testkit.signoff.owed import looks_owed
from testkit.web import contexts, deciding, links, security
from testkit.web.comparing import beside
from testkit.web.pageset import About
from testkit.web.shell import sentence, status_of

if TYPE_CHECKING:
    from testkit.kernel.ledger import Auth
    from testkit.kernel.workspace import Workspace
    from testkit.web.links import Link
    from testkit.web.shell import Caller, Shell

__all__ = ["Desk"]


class Desk:
    """Pages on which somebody reads and decides, signed in or through a link.

    Args:
        shell: Around every page.
    """

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def inbox(self, caller: Caller) -> Response:
        """What waits for this person, and what else is open."""
        _, person = caller.signed_in()
        workspace = caller.workspace
        now, found = workspace.clock(), waiting.inbox(workspace)
        with workspace.db.read() as conn:
            office = office_of(conn, workspace)
            looks = looks_owed(conn, workspace)
        known = {r.row.id: self._about(workspace, r.row.subject) or About() for r in found}
        lines = {
            r.row.id: contexts.inbox_line(workspace, r, urgency=known[r.row.id].urgency)
            for r in found
        }
        # A broken promise first, then what presses; what is left stands by age.
        late = {name for name, line in lines.items() if line["due"] and line["due"].late}
        found.sort(key=lambda r: (r.row.id not in late, -known[r.row.id].place))
        lines = {r.row.id: lines[r.row.id] for r in found}
        mine = {r.row.id for r in found if waiting.waits_for(r.state, person.id, office, now)}
        owed = [(person.id in look.people, contexts.look_line(workspace, look)) for look in looks]
        context = contexts.InboxContext(
            waiting=tuple(line for given, line in lines.items() if given in mine),
            looks=tuple(line for own, line in owed if own),
            others=tuple(line for given, line in lines.items() if given not in mine),
            others_looks=tuple(line for own, line in owed if not own),
        )
        return self.shell.page("inbox", context, caller)

    def open_request(
        self, caller: Caller, *, error: str = "", since_said: str = "", status: int = 200
    ) -> Response:
        """The words, the reason, the chain, and a button per decision."""
        _, person = caller.signed_in()
        return self._decision(
            caller,
            revision=caller.parts["revision"],
            person=person.id,
            stage="",
            auth="session",
            token=caller.session_token,
            error=error,
            since_said=since_said,
            status=status,
        )

    def decide_request(self, caller: Caller) -> Response:
        """Decide in a session."""
        _, person = caller.signed_in()
        self.shell.check_form(caller, caller.session_token)
        form = caller.form or {}
        try:
            decision, note = deciding.read_decision(form)
        except InputError as cause:
            return self.open_request(caller, error=str(cause), status=400)
        revision = caller.parts["revision"]
        try:
            deciding.in_session(
                caller.workspace,
                revision,
                decision,
                person=person.id,
                note=note,
                stage=form.get(f"stage-{decision.value}", ""),
                heard=deciding.heard_of(form),
            )
        except SaidSinceError as cause:
            return self.open_request(caller, since_said=_both(cause), status=409)
        return RedirectResponse(f"/requests/{revision}/result", status_code=303)

    def show_result(self, caller: Caller) -> Response:
        """What this person said, and where the request is now."""
        _, person = caller.signed_in()
        return self._result(caller, caller.parts["revision"], person.id)

    def _result(self, caller: Caller, revision: str, person: str) -> Response:
        workspace = caller.workspace
        with workspace.db.read() as conn:
            request = service.find(conn, revision)
        context = contexts.ResultContext(
            request=contexts.request_view(workspace, request),
            you=workspace.roster.person(person).name,
            said=contexts.said_by(workspace, request, person),
            signed_in=caller.person is not None,
        )
        return self.shell.page("result", context, caller)

    def _decision(
        self,
        caller: Caller,
        *,
        revision: str,
        person: str,
        stage: str,
        auth: Auth,
        token: str,
        error: str,
        since_said: str,
        status: int,
    ) -> Response:
        workspace = caller.workspace
        with workspace.db.read() as conn:
            request = service.find(conn, revision)
            office = office_of(conn, workspace)
        found = deciding.options(
            request.state,
            person,
            office.roster,
            workspace.clock(),
            revision=revision,
            stage=stage,
            auth=auth,
            zone_name=office.zone_name,
            calendar=office.calendar,
            charter=office.charter,
        )
        if found.refusal is not None:
            if isinstance(found.refusal, StaleRevisionError):
                raise found.refusal
            if auth == "link" and not found.offers and status == 200:
                status = status_of(found.refusal)
        aside = beside(workspace, request, person)
        said = said_of(request.state, person)
        blocks = any(s.decision is Decision.BLOCK and s.standing == "stands" for s in said)
        about = self._about(workspace, request.row.subject)
        context = contexts.DecisionContext(
            request=contexts.request_view(workspace, request),
            about=about,
            findings=contexts.finding_rows(about.findings if about else ()),
            since=aside.since,
            changes=aside.changes,
            remarks=aside.remarks,
            outdated=aside.outdated,
            you=workspace.roster.person(person).name,
            by_link=auth == "link",
            offers=contexts.offer_rows(found.offers, blocks=blocks),
            heard=len(said),
            since_said=since_said,
            notice=sentence(found.refusal.message) if found.refusal else "",
            hint=sentence(found.refusal.hint) if found.refusal else "",
            error=sentence(error),
            note=(caller.form or {}).get("note", ""),
            action=caller.path,
            form_token=security.form_token(self.shell.form_key, token),
        )
        return self.shell.page("decision", context, caller, status=status)

    def _about(self, workspace: Workspace, subject: str) -> About | None:
        known = (page_set.about(workspace, subject) for page_set in self.shell.pages)
        return next((about for about in known if about is not None), None)

    def show_link(
        self,
        caller: Caller,
        link: Link,
        *,
        error: str = "",
        since_said: str = "",
        status: int = 200,
    ) -> Response:
        """What a decision link shows: the words, or what was said with it."""
        if link.settled_at:
            return self._result(caller, link.revision, link.person)
        # Claimed but not settled: a crash came between, and the same form may still finish it.
        links.require_in_force(
            link,
            now=caller.workspace.clock(),
            zone_name=caller.workspace.config.organisation.zone,
        )
        return self._decision(
            caller,
            revision=link.revision,
            person=link.person,
            stage=link.stage,
            auth="link",
            token=caller.parts["token"],
            error=error,
            since_said=since_said,
            status=status,
        )

    def decide_by_link(self, caller: Caller, link: Link) -> Response:
        """Decide with a link, once."""
        caller.act_as(link.person, auth="link")
        try:
            decision, note = deciding.read_decision(caller.form or {})
        except InputError as cause:
            return self.show_link(caller, link, error=str(cause), status=400)
        heard = deciding.heard_of(caller.form or {})
        try:
            deciding.through_link(caller.workspace, link, decision, note=note, heard=heard)
        except SaidSinceError as cause:
            return self.show_link(caller, link, since_said=_both(cause), status=409)
        return RedirectResponse(caller.path, status_code=303)


def _both(cause: KitError) -> str:
    return f"{sentence(cause.message)} {sentence(cause.hint)}"
