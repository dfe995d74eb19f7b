"""The app factory: routes of the shell, the pages of the products, and errors in plain words.

Every visit opens the workspace anew, so that a changed roster or a revoked session counts at once.
Handlers run in a thread: SQLite blocks, the event loop must not.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from testkit.errors import (
    InputError,
    KitError,
    NotAuthorisedError,
    NotFoundError,
    SourceError,
    StaleRevisionError,
    StateError,
    StoreBusyError,
)
from testkit.kernel.ledger import Actor
from testkit.signoff import service
from testkit.signoff.model import RosterView
from testkit.signoff.service import waits_for
from testkit.web import contexts, deciding, links, security, sessions
from testkit.web.pageset import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from testkit.kernel.ledger import Auth
    from testkit.kernel.people import Person
    from testkit.kernel.workspace import Workspace
    from testkit.web.links import Link
    from testkit.web.pageset import About, PageSet
    from testkit.web.sessions import Session

__all__ = ["create_app", "status_of"]

log = logging.getLogger("whistlestop.web")

STRANGER: Final = Actor(name="unknown", via="web", auth="none")
HERE: Final = Path(__file__).parent

_STATUS: Final[tuple[tuple[type[KitError], int], ...]] = (
    (security.TooLargeError, 413),
    (InputError, 400),
    (links.GoneError, 410),
    (StateError, 409),
    (NotFoundError, 404),
    (NotAuthorisedError, 403),
    (StoreBusyError, 503),
    (SourceError, 502),
)
_TITLES: Final = {
    400: "That cannot be used",
    401: "Please sign in",
    403: "Not for you, or not from here",
    404: "There is nothing here",
    405: "That is not done here",
    409: "Too late, or not yet",
    410: "This no longer works",
    413: "That is too much",
    500: "Something is broken on our side",
    502: "Another service did not answer",
    503: "Busy: try again in a moment",
}


def status_of(error: KitError) -> int:
    """HTTP status of an error: 400, 403, 404, 409, 410, 413, 502, 503, else 500."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


class SignInNeededError(KitError):
    """Nobody is signed in."""


@dataclass(slots=True, kw_only=True)
class Caller:
    """One request being answered: what was sent, and who sent it."""

    workspace: Workspace
    parts: dict[str, str]
    path: str
    form: dict[str, str] | None
    person: Person | None = None
    session: Session | None = None
    session_token: str = ""

    def act_as(self, person: str, *, auth: Auth) -> None:
        """Everything that follows is done by this person."""
        self.workspace.actor = Actor(name=person, via="web", auth=auth)

    def signed_in(self) -> tuple[Session, Person]:
        """Who is signed in.

        Raises:
            SignInNeededError: Nobody.
        """
        if self.session is None or self.person is None:
            raise SignInNeededError("nobody is signed in in this browser")
        return self.session, self.person


def create_app(open_workspace: Callable[[Actor], Workspace], pages: Sequence[PageSet]) -> Starlette:
    """The whole site.

    Args:
        open_workspace: Opens the workspace for one visit, with this actor.
        pages: The pages of every product, in the order of the menu.
    """
    shell = _Shell(open_workspace, pages)
    https = shell.base_url.startswith("https://")
    return Starlette(
        routes=shell.routes(),
        middleware=[Middleware(security.Guard, https=https)],
        exception_handlers={HTTPException: shell.http_error},
    )


class _Shell:
    def __init__(
        self, open_workspace: Callable[[Actor], Workspace], pages: Sequence[PageSet]
    ) -> None:
        self.open_workspace = open_workspace
        self.pages = tuple(pages)
        workspace = open_workspace(STRANGER)
        self.base_url = workspace.config.web.base_url
        secret = workspace.secret("hmac")
        self.form_key = security.derive(secret, "web/form")
        self.secure = self.base_url.startswith("https://")
        self.cookie = "__Host-whistlestop" if self.secure else "whistlestop"
        self.jinja = Environment(
            loader=ChoiceLoader(
                [
                    PackageLoader("testkit.web"),
                    PrefixLoader(
                        {
                            p.package: PackageLoader(p.package)
                            for p in self.pages
                            if any(page.path for page in p.pages)
                        }
                    ),
                ]
            ),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    # -- routes ------------------------------------------------------------------------------

    def routes(self) -> list[Route | Mount]:
        made: list[Route | Mount] = [
            self._route("/", self.home),
            self._route("/signin", self.how_to_sign_in),
            self._route("/signout", None, self.sign_out),
            self._route("/inbox", self.inbox),
            self._route("/link/{token}", self.open_link, self.use_link),
            self._route("/requests/{revision}", self.open_request, self.decide_request),
            self._route("/requests/{revision}/result", self.show_result),
        ]
        for page_set in self.pages:
            for name, text in page_set.styles.items():
                made.append(Route(f"/static/{name}", partial(_style, text)))
            for page in page_set.pages:
                take = partial(self._product, page_set, page.take) if page.take else None
                show = partial(self._product, page_set, page.show)
                made.append(self._route(page.path, show, take))
        made.append(Mount("/static", StaticFiles(directory=HERE / "static")))
        return made

    def _route(
        self,
        path: str,
        show: Callable[[Caller], Response] | None,
        take: Callable[[Caller], Response] | None = None,
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            form = None
            try:
                if request.method == "POST":
                    if not security.from_this_site(request.method, request.headers):
                        raise security.CrossSiteError(
                            "this form was sent from another site, so nothing was changed",
                            hint="open the page here and send it again",
                        )
                    form = await security.read_form(request)
            except KitError as cause:
                return self.error(cause)
            handler = show if form is None else take
            assert handler is not None
            return await run_in_threadpool(self._answer, request, form, handler)

        methods = [name for name, given in (("GET", show), ("POST", take)) if given]
        return Route(path, endpoint, methods=methods)

    def _answer(
        self, request: Request, form: dict[str, str] | None, handler: Callable[[Caller], Response]
    ) -> Response:
        caller = None
        try:
            caller = self._caller(request, form)
            return handler(caller)
        except SignInNeededError:
            return self._page("signin", contexts.SigninContext(), caller, status=401)
        except KitError as cause:
            if status_of(cause) >= 500:
                log.exception("a page failed")
            return self.error(cause, caller)
        except Exception:
            log.exception("a page failed; this is a bug in whistlestop")
            return self.failure(500, caller)

    def _caller(self, request: Request, form: dict[str, str] | None) -> Caller:
        workspace = self.open_workspace(STRANGER)
        token = request.cookies.get(self.cookie, "")
        caller = Caller(
            workspace=workspace,
            parts=dict(request.path_params),
            path=request.url.path,
            form=form,
        )
        if token:
            with workspace.db.read() as conn:
                session = sessions.find(conn, token, now=workspace.clock())
            if session is not None:
                person = workspace.roster.get(session.person)
                if person is None and caller.path != "/signout":
                    deciding.require_here(workspace, session.person)
                caller.person, caller.session, caller.session_token = person, session, token
                caller.act_as(session.person, auth="session")
        return caller

    # -- rendering ---------------------------------------------------------------------------

    def _frame(self, caller: Caller | None) -> contexts.Frame:
        if caller is None:
            return contexts.Frame()
        config = caller.workspace.config.organisation
        frame = contexts.Frame(
            organisation=config.name, practice=caller.workspace.practice, lang=config.lang
        )
        if caller.person is None:
            return frame
        entries = [("Inbox", "/inbox"), *((p.title, p.home) for p in self.pages if p.title)]
        return replace(
            frame,
            person=caller.person.name,
            form_token=security.form_token(self.form_key, caller.session_token),
            menu=tuple((word, path, caller.path.startswith(path)) for word, path in entries),
        )

    def _page(
        self, template: str, context: Any, caller: Caller | None, *, status: int = 200
    ) -> HTMLResponse:
        values = {field.name: getattr(context, field.name) for field in fields(context)}
        name = template if "/" in template else f"{template}.html.jinja"
        text = self.jinja.get_template(name).render(frame=self._frame(caller), **values)
        return HTMLResponse(text, status_code=status)

    def error(self, cause: KitError, caller: Caller | None = None) -> Response:
        """A refusal in plain words, with the status that fits it."""
        status = status_of(cause)
        if status == 500:
            return self.failure(500, caller)
        path, label = ("/inbox", "Go to the inbox") if caller and caller.person else ("", "")
        if isinstance(cause, StaleRevisionError) and cause.current and path:
            path, label = f"/requests/{cause.current}", "Open the new words"
        context = contexts.ErrorContext(
            title=_TITLES[status],
            message=_sentence(cause.message),
            hint=_sentence(cause.hint),
            path=path,
            path_label=label,
        )
        response = self._page("error", context, caller, status=status)
        if status == 503:
            response.headers["Retry-After"] = "5"
        return response

    def failure(self, status: int, caller: Caller | None = None) -> Response:
        """An error that has no sentence of its own."""
        messages = {
            404: "This address leads nowhere. A link from a mail may have been cut in two.",
            405: "This address cannot be used like that.",
            500: "Nothing was changed. Who runs whistlestop here finds the reason in its log.",
        }
        context = contexts.ErrorContext(
            title=_TITLES.get(status, "That did not work"),
            message=messages.get(status, "The request was not understood."),
        )
        try:
            return self._page("error", context, caller, status=status)
        except KitError:  # the workspace itself cannot be read
            return self._page("error", context, None, status=status)

    async def http_error(self, request: Request, cause: Exception) -> Response:
        """Errors of the router: no such address, no such method."""
        del request
        assert isinstance(cause, HTTPException)
        response = self.failure(cause.status_code)
        response.headers.update(cause.headers or {})
        return response

    # -- signing in and out ------------------------------------------------------------------

    def home(self, caller: Caller) -> Response:
        """The inbox is where the work is."""
        caller.signed_in()
        return RedirectResponse("/inbox", status_code=303)

    def how_to_sign_in(self, caller: Caller) -> Response:
        """How to get a link."""
        return self._page("signin", contexts.SigninContext(), caller)

    def sign_out(self, caller: Caller) -> Response:
        """End this browser's session."""
        session = caller.session
        response = RedirectResponse("/signin", status_code=303)
        if session is not None:
            self._check_form(caller, caller.session_token)
            with caller.workspace.db.write() as conn:
                sessions.end(conn, session, now=caller.workspace.clock())
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True)
        return response

    def _check_form(self, caller: Caller, bound_to: str) -> None:
        expected = security.form_token(self.form_key, bound_to)
        if not security.same_text((caller.form or {}).get("token", ""), expected):
            raise security.CrossSiteError(
                "this form is not from a page of yours, so nothing was changed",
                hint="open the page again and send it from there",
            )

    # -- links -------------------------------------------------------------------------------

    def _link(self, caller: Caller) -> Link:
        with caller.workspace.db.read() as conn:
            link = links.find(conn, caller.workspace, caller.parts["token"])
        deciding.require_here(caller.workspace, link.person)
        return link

    def open_link(self, caller: Caller) -> Response:
        """Show what a link is for; changes nothing, however often a scanner comes."""
        link = self._link(caller)
        if link.kind == "decide":
            return self._decision_by_link(caller, link)
        if link.used_at and caller.person is not None and caller.person.id == link.person:
            return RedirectResponse("/inbox", status_code=303)
        self._require_open(caller, link)
        context = contexts.SigninContext(
            you=caller.workspace.roster.person(link.person).name,
            action=caller.path,
            form_token=security.form_token(self.form_key, caller.parts["token"]),
        )
        return self._page("signin", context, caller)

    def use_link(self, caller: Caller) -> Response:
        """The form behind a link: sign in, or decide."""
        self._check_form(caller, caller.parts["token"])
        link = self._link(caller)
        if link.kind == "decide":
            return self._decide_by_link(caller, link)
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
            self.cookie,
            token,
            max_age=int(sessions.LASTS.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    def _require_open(self, caller: Caller, link: Link) -> None:
        workspace = caller.workspace
        links.require_open(
            link, now=workspace.clock(), zone_name=workspace.config.organisation.zone
        )

    def _decision_by_link(
        self, caller: Caller, link: Link, *, error: str = "", status: int = 200
    ) -> Response:
        if link.settled_at:
            return self._result(caller, link.revision, link.person)
        self._require_open(caller, replace(link, used_at=None))
        return self._decision(
            caller,
            revision=link.revision,
            person=link.person,
            stage=link.stage,
            auth="link",
            token=caller.parts["token"],
            error=error,
            status=status,
        )

    def _decide_by_link(self, caller: Caller, link: Link) -> Response:
        caller.act_as(link.person, auth="link")
        try:
            decision, note = deciding.read_decision(caller.form or {})
        except InputError as cause:
            return self._decision_by_link(caller, link, error=str(cause), status=400)
        deciding.through_link(caller.workspace, link, decision, note=note)
        return RedirectResponse(caller.path, status_code=303)

    # -- requests ----------------------------------------------------------------------------

    def inbox(self, caller: Caller) -> Response:
        """What waits for this person, and what else is open."""
        _, person = caller.signed_in()
        workspace = caller.workspace
        roster, now = RosterView.of(workspace.roster), workspace.clock()
        found = service.inbox(workspace)
        mine = [r for r in found if waits_for(r.state, person.id, roster, now)]
        ids = {r.row.id for r in mine}
        context = contexts.InboxContext(
            waiting=tuple(contexts.inbox_line(workspace, r) for r in mine),
            others=tuple(contexts.inbox_line(workspace, r) for r in found if r.row.id not in ids),
        )
        return self._page("inbox", context, caller)

    def open_request(self, caller: Caller, *, error: str = "", status: int = 200) -> Response:
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
            status=status,
        )

    def decide_request(self, caller: Caller) -> Response:
        """Decide in a session."""
        _, person = caller.signed_in()
        self._check_form(caller, caller.session_token)
        form = caller.form or {}
        try:
            decision, note = deciding.read_decision(form)
        except InputError as cause:
            return self.open_request(caller, error=str(cause), status=400)
        revision = caller.parts["revision"]
        deciding.in_session(
            caller.workspace,
            revision,
            decision,
            person=person.id,
            note=note,
            stage=form.get(f"stage-{decision.value}", ""),
        )
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
        return self._page("result", context, caller)

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
        status: int,
    ) -> Response:
        workspace = caller.workspace
        with workspace.db.read() as conn:
            request = service.find(conn, revision)
        found = deciding.options(
            request.state,
            person,
            RosterView.of(workspace.roster),
            workspace.clock(),
            revision=revision,
            stage=stage,
            auth=auth,
            zone_name=workspace.config.organisation.zone,
        )
        if found.refusal is not None:
            if isinstance(found.refusal, StaleRevisionError):
                raise found.refusal
            if auth == "link" and not found.offers and status == 200:
                status = status_of(found.refusal)
        context = contexts.DecisionContext(
            request=contexts.request_view(workspace, request),
            about=self._about(workspace, request.row.subject),
            you=workspace.roster.person(person).name,
            by_link=auth == "link",
            offers=contexts.offer_rows(found.offers),
            notice=_sentence(found.refusal.message) if found.refusal else "",
            hint=_sentence(found.refusal.hint) if found.refusal else "",
            error=_sentence(error),
            note=(caller.form or {}).get("note", ""),
            action=caller.path,
            form_token=security.form_token(self.form_key, token),
        )
        return self._page("decision", context, caller, status=status)

    def _about(self, workspace: Workspace, subject: str) -> About | None:
        known = (page_set.about(workspace, subject) for page_set in self.pages)
        return next((about for about in known if about is not None), None)

    # -- pages of the products ---------------------------------------------------------------

    def _product(self, page_set: PageSet, handler: Any, caller: Caller) -> Response:
        _, person = caller.signed_in()
        if caller.form is not None:
            self._check_form(caller, caller.session_token)
        reply = handler(
            Visit(
                workspace=caller.workspace,
                person=person,
                parts=caller.parts,
                form=caller.form or {},
                form_token=security.form_token(self.form_key, caller.session_token),
            )
        )
        if reply.to:
            return RedirectResponse(reply.to, status_code=303)
        name = f"{page_set.package}/{reply.template}"
        return self._page(name, reply.context, caller, status=reply.status)


def _style(text: Callable[[], str], request: Request) -> Response:
    del request
    return Response(text(), media_type="text/css")


def _sentence(text: str) -> str:
    return (
        text[:1].upper() + text[1:] + ("" if text.endswith((".", ")", "?", "!")) else ".")
        if text
        else ""
    )
