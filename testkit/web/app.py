"""The app factory: which address leads where.

Handlers run in a thread: SQLite blocks, the event loop must not.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles

from testkit.errors import KitError
from testkit.web import health, security
from testkit.web.desk import Desk
from testkit.web.entrance import Entrance
from testkit.web.pageset import Visit
from testkit.web.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from testkit.kernel.ledger import Actor
    from testkit.kernel.workspace import Workspace
    from testkit.web.pageset import PageSet
    from testkit.web.shell import Caller

    Handler = Callable[[Caller], Response]

__all__ = ["create_app"]

STATIC: Final = Path(__file__).parent / "static"


def create_app(open_workspace: Callable[[Actor], Workspace], pages: Sequence[PageSet]) -> Starlette:
    """The whole site.

    Args:
        open_workspace: Opens the workspace for one visit, with this actor.
        pages: The pages of every product, in the order of the menu.
    """
    shell = Shell(open_workspace, pages)
    desk = Desk(shell)
    entrance = Entrance(shell, desk)
    own = [
        _route(shell, "/", entrance.home),
        _route(shell, "/signin", entrance.how_to_sign_in),
        _route(shell, "/signout", None, entrance.sign_out),
        _route(shell, "/link/{token}", entrance.open_link, entrance.use_link),
        _route(shell, health.path_of("{question}"), health.page),
        _route(shell, "/inbox", desk.inbox),
        _route(shell, "/requests/{revision}", desk.open_request, desk.decide_request),
        _route(shell, "/requests/{revision}/result", desk.show_result),
    ]
    theirs: list[Route] = []
    for page_set in pages:
        for name, text in page_set.styles.items():
            theirs.append(Route(f"/static/{name}", partial(_style, text)))
        for page in page_set.pages:
            take = partial(_product, shell, page_set, page.take) if page.take else None
            show = partial(_product, shell, page_set, page.show)
            theirs.append(_route(shell, page.path, show, take))
    site = Starlette(
        routes=[*own, *theirs, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(security.Guard, https=shell.secure)],
        exception_handlers={HTTPException: partial(_no_page, shell)},
    )
    # Starlette's own redirect to the address without a slash is absolute, with the host that the
    # visitor sent; ours names no host.
    site.router.redirect_slashes = False
    return site


async def _no_page(shell: Shell, request: Request, cause: Exception) -> Response:
    """No such address: without its last slash there may be one."""
    path = "/" + request.url.path.strip("/")
    if request.method in {"GET", "HEAD"} and path not in {"/", request.url.path}:
        scope = {**request.scope, "path": path}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(quote(path) + query, status_code=307)
    return await shell.http_error(request, cause)


def _route(shell: Shell, path: str, show: Handler | None, take: Handler | None = None) -> Route:
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
            return shell.error(cause)
        handler = show if form is None else take
        assert handler is not None
        return await run_in_threadpool(shell.answer, request, form, handler)

    methods = [name for name, given in (("GET", show), ("POST", take)) if given]
    return Route(path, endpoint, methods=methods)


def _product(shell: Shell, page_set: PageSet, handler: Any, caller: Caller) -> Response:
    _, person = caller.signed_in()
    if caller.form is not None:
        shell.check_form(caller, caller.session_token)
    reply = handler(
        Visit(
            workspace=caller.workspace,
            person=person,
            parts=caller.parts,
            form=caller.form or {},
            form_token=security.form_token(shell.form_key, caller.session_token),
        )
    )
    if reply.to:
        return RedirectResponse(reply.to, status_code=303)
    name = f"{page_set.package}/{reply.template}"
    return shell.page(name, reply.context, caller, status=reply.status)


def _style(text: Callable[[], str], request: Request) -> Response:
    del request
    return Response(text(), media_type="text/css")
