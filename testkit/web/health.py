"""A page for machines: these pages, of this workspace, are up.

The answer is worked out from the question and the workspace's key, so neither another workspace
nor a proxy's friendly "200" can pass for it, and it says nothing about anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

from testkit.errors import NotFoundError
from testkit.web.security import derive

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace
    from testkit.web.shell import Caller

__all__ = ["MARK", "answer_to", "page", "path_of"]

MARK: Final = "whistlestop "
"""How every workspace's answer begins."""

_QUESTION: Final = re.compile(r"[0-9a-f]{32}")


def path_of(question: str) -> str:
    """Where to ask; a question is 32 hex digits."""
    return f"/health/{question}"


def answer_to(workspace: Workspace, question: str) -> str:
    """What this workspace, and no other, answers."""
    key = derive(workspace.secret("hmac"), "web/health")
    return f"{MARK}{hmac.new(key, question.encode(), hashlib.sha256).hexdigest()}\n"


def page(caller: Caller) -> Response:
    """The answer; nobody has to be signed in."""
    question = caller.parts["question"]
    if not _QUESTION.fullmatch(question):
        raise NotFoundError("page", caller.path)
    return PlainTextResponse(answer_to(caller.workspace, question))
