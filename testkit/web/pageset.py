"""How a product hands its pages to the shell, without the shell knowing the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from testkit.kernel.findings import Finding
    from testkit.kernel.people import Person
    from testkit.kernel.workspace import Workspace

__all__ = ["About", "Page", "PageSet", "Reply", "Visit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request to a product's page, by somebody who is signed in.

    Attributes:
        workspace: Open for this request alone; its actor is the person.
        person: Who asks.
        parts: Variable parts of the path.
        form: Fields of the form; empty when the page is only read. A form that comes in here has
            passed the checks against other sites.
        form_token: To put into the page's own forms as ``token``.
    """

    workspace: Workspace
    person: Person
    parts: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    form_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a page answers with.

    Attributes:
        template: Name below the page set's ``templates`` folder.
        context: The template's context dataclass.
        status: HTTP status.
        to: A path to go to instead (after a form that did something).
    """

    template: str = ""
    context: Any = None
    status: int = 200
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One address.

    Attributes:
        path: ``/experiments/{name}``.
        show: Answers GET and HEAD; changes nothing.
        take: Answers a form; None for a page without one.
    """

    path: str
    show: Callable[[Visit], Reply]
    take: Callable[[Visit], Reply] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an approver should know about the subject of a request before deciding.

    Attributes:
        reason: Why these words were written, in a sentence or two.
        reading: How the occasion was understood; empty when nobody read it.
        urgency: Why it cannot wait; empty when it can.
        place: For sorting the inbox: higher stands further up, equal ones stand by age.
        alarm: Something that must not be overlooked; empty when there is nothing.
        sources: ``(text, address)`` of what is answered.
        findings: What automatic checks say about the words.
        steps: ``(words, path)`` of what else those who are signed in can do with it.
    """

    reason: str = ""
    reading: str = ""
    urgency: str = ""
    place: float = 0.0
    alarm: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()


def _nothing_known(workspace: Workspace, subject: str) -> About | None:
    del workspace, subject
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSet:
    """The pages of one product.

    Attributes:
        package: The package that holds them and their ``templates`` folder.
        title: Word in the menu; empty for pages that are not in it.
        home: Where the menu leads.
        pages: The addresses.
        styles: ``name -> text`` of further style sheets, served below ``/static/``.
        about: What is known of a request's subject (``draft/ID``); None when it is not of this
            product.
    """

    package: str
    title: str = ""
    home: str = ""
    pages: Sequence[Page] = ()
    styles: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    about: Callable[[Workspace, str], About | None] = _nothing_known
