"""What every page goes through: who asks, which frame it gets, and errors in plain words.

Every visit opens the workspace anew, so that a changed roster or a revoked session counts at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

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
from testkit.web import contexts, deciding, links, security, sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from testkit.kernel.ledger import Auth
    from testkit.kernel.people import Person
    from testkit.kernel.workspace import Workspace
    from testkit.web.pageset import PageSet
    from testkit.web.sessions import Session

__all__ = ["Caller", "Shell", "SignInNeededError", "sentence", "status_of"]

log = logging.getLogger("whistlestop.web")

STRANGER: Final = Actor(name="unknown", via="web", auth="none")

GATE: Final = Actor(name="system", via="web", auth="none")
"""Who ends the sessions of somebody who is not here any more, or not yet."""

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


class ClosedError(KitError):
    """The workspace cannot be read now: its owner has to mend it, not the visitor."""


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


class Shell:
    """Opens, renders and refuses; knows no address.

    Args:
        open_workspace: Opens the workspace for one visit, with this actor.
        pages: The pages of every product, in the order of the menu.
    """

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

    def answer(
        self, request: Request, form: dict[str, str] | None, handler: Callable[[Caller], Response]
    ) -> Response:
        """Run a handler; whatever goes wrong becomes a page with the right status."""
        caller = None
        try:
            caller = self._caller(request, form)
            return handler(caller)
        except SignInNeededError:
            return self.page("signin", contexts.SigninContext(), caller, status=401)
        except KitError as cause:
            if status_of(cause) >= 500:
                log.exception("a page failed")
            return self.error(cause, caller)
        except Exception:
            log.exception("a page failed; this is a bug in whistlestop")
            return self.failure(500, caller)

    def _caller(self, request: Request, form: dict[str, str] | None) -> Caller:
        try:
            workspace = self.open_workspace(STRANGER)
            workspace.roster  # noqa: B018 - reads the configuration and the adopted people
        except (InputError, NotFoundError, StateError) as cause:
            raise ClosedError("the workspace cannot be opened") from cause
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
                here = person is not None and person.here(workspace.clock())
                if not here and caller.path != "/signout":
                    workspace.actor = GATE
                    sessions.revoke(workspace, session.person)
                    deciding.require_here(workspace, session.person)
                caller.person, caller.session, caller.session_token = person, session, token
                caller.act_as(session.person, auth="session")
        return caller

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

    def page(
        self, template: str, context: Any, caller: Caller | None, *, status: int = 200
    ) -> HTMLResponse:
        """Fill a template of the shell, or of a product (``package/name``)."""
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
        elif status == 409 and caller and caller.path.startswith("/link/"):
            path, label = caller.path, "See where it stands"
        context = contexts.ErrorContext(
            title=_TITLES[status],
            message=sentence(cause.message),
            hint=sentence(cause.hint),
            path=path,
            path_label=label,
        )
        response = self.page("error", context, caller, status=status)
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
            return self.page("error", context, caller, status=status)
        except KitError:  # the workspace itself cannot be read
            return self.page("error", context, None, status=status)

    async def http_error(self, request: Request, cause: Exception) -> Response:
        """Errors of the router: no such address, no such method."""
        del request
        assert isinstance(cause, HTTPException)
        response = self.failure(cause.status_code)
        response.headers.update(cause.headers or {})
        return response

    def check_form(self, caller: Caller, bound_to: str) -> None:
        """Check that a form was shown to this session, or behind this link.

        Raises:
            CrossSiteError: It was not.
        """
        expected = security.form_token(self.form_key, bound_to)
        if not security.same_text((caller.form or {}).get("token", ""), expected):
            raise security.CrossSiteError(
                "this form is not from a page of yours, so nothing was changed",
                hint="open the page again and send it from there",
            )


def sentence(text: str) -> str:
    """An error's text as a sentence on a page."""
    whole = text.endswith((".", ")", "?", "!"))
    return f"{text[:1].upper()}{text[1:]}{'' if whole or not text else '.'}"
