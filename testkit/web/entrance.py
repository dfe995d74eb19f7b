"""The entrance: links, signing in and signing out. Opening a link never changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from testkit.web import contexts, deciding, links, security, sessions

if TYPE_CHECKING:
    from testkit.web.desk import Desk
    from testkit.web.links import Link
    from testkit.web.shell import Caller, Shell

__all__ = ["Entrance"]


class Entrance:
    """How people come in, and go.

    Args:
        shell: Around every page.
        desk: Where a decision link leads.
    """

    def __init__(self, shell: Shell, desk: Desk) -> None:
        self.shell, self.desk = shell, desk

    def home(self, caller: Caller) -> Response:
        """The inbox is where the work is."""
        caller.signed_in()
        return RedirectResponse("/inbox", status_code=303)

    def how_to_sign_in(self, caller: Caller) -> Response:
        """How to get a link."""
        return self.shell.page("signin", contexts.SigninContext(), caller)

    def sign_out(self, caller: Caller) -> Response:
        """End this browser's session."""
        session = caller.session
        response = RedirectResponse("/signin", status_code=303)
        if session is not None:
            self.shell.check_form(caller, caller.session_token)
            with caller.workspace.db.write() as conn:
                sessions.end(conn, session, now=caller.workspace.clock())
        response.delete_cookie(self.shell.cookie, path="/", secure=self.shell.secure, httponly=True)
        return response

    def _link(self, caller: Caller) -> Link:
        with caller.workspace.db.read() as conn:
            link = links.find(conn, caller.workspace, caller.parts["token"])
        deciding.require_here(caller.workspace, link.person)
        return link

    def open_link(self, caller: Caller) -> Response:
        """Show what a link is for; changes nothing, however often a scanner comes."""
        link = self._link(caller)
        if link.kind == "decide":
            return self.desk.show_link(caller, link)
        if link.used_at and caller.person is not None and caller.person.id == link.person:
            return RedirectResponse("/inbox", status_code=303)
        self._require_open(caller, link)
        context = contexts.SigninContext(
            you=caller.workspace.roster.person(link.person).name,
            action=caller.path,
            form_token=security.form_token(self.shell.form_key, caller.parts["token"]),
        )
        return self.shell.page("signin", context, caller)

    def use_link(self, caller: Caller) -> Response:
        """The form behind a link: sign in, or decide."""
        self.shell.check_form(caller, caller.parts["token"])
        link = self._link(caller)
        if link.kind == "decide":
            return self.desk.decide_by_link(caller, link)
        if link.used_at and caller.person is not None and caller.person.id == link.person:
            return RedirectResponse("/inbox", status_code=303)
        now = caller.workspace.clock()
        with caller.workspace.db.write() as conn:
            self._require_open(caller, links.by_id(conn, link.id))
            links.claim(conn, link, use="signin", now=now)
            _, token = sessions.start(conn, link, now=now)
            links.settle(conn, link, now=now)
        response = RedirectResponse("/inbox", status_code=303)
        response.set_cookie(
            self.shell.cookie,
            token,
            max_age=int(sessions.LASTS.total_seconds()),
            path="/",
            secure=self.shell.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    def _require_open(self, caller: Caller, link: Link) -> None:
        workspace = caller.workspace
        links.require_open(
            link, now=workspace.clock(), zone_name=workspace.config.organisation.zone
        )
