"""What each template of the shell is given; a test holds templates and contexts together."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.clock import from_text, shown
from testkit.kernel.findings import by_severity
from testkit.signoff import service
from testkit.signoff.model import Decision
from testkit.signoff.office import calendar_of, office_of
from testkit.signoff.owed import sentence
from testkit.signoff.sla import deadlines
from testkit.signoff.table import State
from testkit.signoff.turns import asks_of
from testkit.web.deciding import spoken
from testkit.web.due import due_of
from testkit.web.variants import variants_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from testkit.kernel.findings import Finding
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.owed import Look
    from testkit.signoff.service import Request
    from testkit.signoff.state import RequestState, SignOff, StageStatus
    from testkit.web.comparing import Changes
    from testkit.web.deciding import Offer
    from testkit.web.due import Due
    from testkit.web.pageset import About
    from testkit.web.variants import Variant

__all__ = [
    "DecisionContext",
    "ErrorContext",
    "Frame",
    "InboxContext",
    "RequestView",
    "ResultContext",
    "SigninContext",
    "finding_rows",
    "inbox_line",
    "look_line",
    "request_view",
    "said_by",
]

STATES: Final[dict[State, str]] = {
    State.DRAFTED: "not yet asked",
    State.IN_REVIEW: "waits for a yes",
    State.RETURNED: "returned for changes",
    State.BLOCKED: "blocked",
    State.HELD: "held: the facts changed, somebody must look",
    State.CLEARED: "cleared for release",
    State.RELEASED: "released",
    State.CORRECTED: "corrected by a later release",
    State.RECALLED: "recalled",
    State.KILLED: "killed",
    State.EXPIRED: "expired",
    State.WITHDRAWN: "withdrawn",
}

STANDINGS: Final = {
    "counts": "counts",
    "stands": "stands",
    "outdated": "outdated: the words changed since",
    "barred": "does not count: their own words",
    "superseded": "changed since",
    "gone": "taken back or answered",
}

LABELS: Final[dict[Decision, str]] = {
    Decision.APPROVE: "Approve",
    Decision.APPROVE_WITH_NITS: "Approve with nits",
    Decision.RETURN: "Return for changes",
    Decision.BLOCK: "Block",
    Decision.WITHDRAW: "Take back what you said",
}

MEANINGS: Final[dict[Decision, str]] = {
    Decision.APPROVE: "Yes to exactly these words.",
    Decision.APPROVE_WITH_NITS: "Yes; the note holds small remarks that need no new round.",
    Decision.RETURN: "Not yet: the note says what has to change.",
    Decision.BLOCK: "No: the note says why. You, your delegate or an override can lift it.",
    Decision.WITHDRAW: "Your decision no longer counts.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Around every page (``layout.html.jinja``).

    Attributes:
        organisation: Its name.
        practice: Whether to say that nothing leaves to a live channel.
        lang: Language of the page.
        person: Name of who is signed in; empty when nobody is.
        form_token: For the sign-out form.
        menu: ``(word, path, whether it is this page)``.
    """

    organisation: str = ""
    practice: bool = False
    lang: str = "en"
    person: str = ""
    form_token: str = ""
    menu: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxContext:
    """``inbox.html.jinja``.

    Attributes:
        waiting: Requests that wait for this person.
        looks: Looks that this person owes: title, path, what is owed, and whether it is late.
        others: Everything else that is open.
        others_looks: Looks that others owe.
    """

    waiting: tuple[dict[str, Any], ...]
    looks: tuple[dict[str, str], ...]
    others: tuple[dict[str, Any], ...]
    others_looks: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request in words.

    Attributes:
        title: One line.
        id: Of the request.
        revision: Id of the words shown.
        number: Which revision that is, from 1.
        state: Where it is.
        waits: Which stage waits for whom, by when; empty when none does.
        stage: The stage whose turn it is; empty when no person is asked.
        asked: Who is asked in it, by name.
        due: Until when; None when nothing is promised.
        risk: The level that the chain was told; empty when it was told none.
        author: Whose words.
        planned: When they are to go out; empty while nothing is planned.
        words: Channel to variants.
        also: Other fields that a sign-off is about, ``(name, value)``.
        facts: What the chain was told, ``(name, value)``.
        stages: One row per stage: id, status, need, who.
        said: One row per decision: who, what, when, standing, note.
        digest: Start of the digest that a sign-off names.
    """

    title: str
    id: str
    revision: str
    number: int
    state: str
    waits: str
    stage: str
    asked: str
    due: Due | None
    risk: str
    author: str
    planned: str
    words: tuple[tuple[str, tuple[Variant, ...]], ...]
    also: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    stages: tuple[dict[str, str], ...]
    said: tuple[dict[str, str], ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """``decision.html.jinja``.

    Attributes:
        request: The request.
        about: Why it was written; None when no product knows.
        findings: What the checks say, errors first, each once with every place that it is about.
        since: The words that ``changes`` starts from; empty when nothing changed.
        changes: What differs from the words that this person approved, else from those of before.
        remarks: Comments and suggestions, one row each.
        outdated: Yeses to other words, each with what changed since.
        you: Name of who decides.
        by_link: Whether this is a one-time link.
        offers: ``(decision, label, meaning, stage)``, one button each.
        heard: How many decisions of this person the page shows; the form sends it back.
        since_said: What they said after the form that was sent had been shown; empty otherwise.
        notice: Why a yes would not be taken; empty when it would.
        hint: What can be done instead.
        error: What was wrong with the form that was sent; empty at first.
        note: What was written into it.
        action: Address of the form.
        form_token: Its token.
    """

    request: RequestView
    about: About | None
    findings: tuple[dict[str, str], ...]
    since: str
    changes: Changes
    remarks: tuple[dict[str, str], ...]
    outdated: tuple[dict[str, Any], ...]
    you: str
    by_link: bool
    offers: tuple[tuple[str, str, str, str], ...]
    heard: int
    since_said: str
    notice: str
    hint: str
    error: str
    note: str
    action: str
    form_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultContext:
    """``result.html.jinja``.

    Attributes:
        request: The request afterwards.
        you: Name of who decided.
        said: What they said and when; None when nothing of theirs is on record.
        signed_in: Whether there is an inbox to go back to.
    """

    request: RequestView
    you: str
    said: dict[str, str] | None
    signed_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SigninContext:
    """``signin.html.jinja``.

    Attributes:
        you: Name of who signs in with the link; empty on the page that explains how.
        action: Address of the form.
        form_token: Its token.
    """

    you: str = ""
    action: str = ""
    form_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorContext:
    """``error.html.jinja``.

    Attributes:
        title: What happened, in a few words.
        message: In a sentence.
        hint: What to do; may be empty.
        path: Where to go on; empty when nowhere is better.
        path_label: The words of that link.
    """

    title: str
    message: str
    hint: str = ""
    path: str = ""
    path_label: str = ""


def inbox_line(workspace: Workspace, request: Request, *, urgency: str = "") -> dict[str, Any]:
    """A request as one entry of the inbox; ``urgency`` says why it cannot wait."""
    view = request_view(workspace, request)
    return {
        "title": view.title,
        "path": f"/requests/{view.revision}",
        "state": view.state,
        "stage": view.stage,
        "asked": view.asked,
        "due": view.due,
        "risk": view.risk,
        "channels": [channel for channel, _ in view.words],
        "urgency": urgency,
        "author": view.author,
        "number": str(view.number),
    }


def look_line(workspace: Workspace, look: Look) -> dict[str, str]:
    """A look that is owed as one entry of the inbox."""
    zone_name = workspace.config.organisation.zone
    due = due_of(look.debt.due_at, now=workspace.clock(), zone_name=zone_name)
    return {
        "title": look.request.row.title,
        "path": f"/signoff/{look.request.row.id}",
        "text": sentence(look, workspace),
        "late": "late" if look.overdue else "",
        "span": due.span,
    }


def request_view(workspace: Workspace, request: Request) -> RequestView:
    """Put a request into words."""
    state, fields = request.state, request.revision.fields
    chain = state.chain
    stage, asked, due = _turn(workspace, request)
    also = tuple(
        _named(name, fields[name]) for name in chain.material if name in fields and name != "arms"
    )
    return RequestView(
        title=request.row.title,
        id=request.row.id,
        revision=request.revision.id,
        number=request.revision.number,
        state=STATES.get(state.state, state.state.value),
        waits=_waits(workspace, request),
        stage=stage,
        asked=asked,
        due=due,
        risk=_value(state.facts["risk"]) if state.facts.get("risk") else "",
        author=_name(workspace, state.author),
        planned=_planned(workspace, state),
        words=tuple((c, variants_of(arms)) for c, arms in fields.get("arms", {}).items()),
        also=also,
        facts=tuple(_named(name, value) for name, value in sorted(state.facts.items())),
        stages=tuple(_stage_row(workspace, request, stage) for stage in state.stages),
        said=tuple(said_row(workspace, said) for said in state.signoffs),
        digest=state.digest[:12],
    )


def said_by(workspace: Workspace, request: Request, person: str) -> dict[str, str] | None:
    """The last thing that a person said about a request; None when nothing is on record."""
    ended = request.state.ended_by
    if ended is not None and ended.actor == person and ended.kind == "withdrawn":
        return {
            "who": _name(workspace, person),
            "what": "withdraw the request",
            "when": _when(workspace, ended.at.isoformat()),
            "standing": "the request has ended",
            "note": "",
            "for": "",
        }
    mine = [s for s in request.state.signoffs if s.actor == person]
    return said_row(workspace, mine[-1]) if mine else None


def said_row(workspace: Workspace, said: SignOff) -> dict[str, str]:
    """A decision as a row."""
    instead = said.principal if said.principal != said.actor else ""
    return {
        "who": _name(workspace, said.actor),
        "for": _name(workspace, instead) if instead else "",
        "what": spoken(said.decision.value),
        "stage": said.stage,
        "when": _when(workspace, said.at.isoformat()),
        "standing": STANDINGS.get(said.standing, said.standing),
        "note": said.said.note,
    }


def offer_rows(
    offers: tuple[Offer, ...], *, blocks: bool = False
) -> tuple[tuple[str, str, str, str], ...]:
    """The decisions that a page has buttons for; ``blocks`` is whether a block of theirs stands."""
    rows = []
    for offer in offers:
        label, meaning = LABELS[offer.decision], MEANINGS[offer.decision]
        if offer.decision is Decision.WITHDRAW and not offer.stage:
            label, meaning = "Withdraw the request", "These words will not go out."
        elif blocks and offer.decision is not Decision.BLOCK:
            meaning += " It lifts your block."
        rows.append((offer.decision.value, label, meaning, offer.stage))
    return tuple(rows)


def finding_rows(findings: Iterable[Finding]) -> tuple[dict[str, str], ...]:
    """Findings for a page: errors first, and what holds in several places said once.

    Examples:
        >>> from testkit.kernel.findings import Finding
        >>> two = [Finding(code="RS052", severity="note", message="m", where=w) for w in "ab"]
        >>> [row["where"] for row in finding_rows(two)]
        ['a, b']
    """
    places: dict[Finding, list[str]] = {}
    for finding in by_severity(findings):
        places.setdefault(replace(finding, where=""), []).append(finding.where)
    return tuple(
        {**finding.as_dict(), "where": ", ".join(dict.fromkeys(w for w in where if w))}
        for finding, where in places.items()
    )


def _name(workspace: Workspace, person: str) -> str:
    known = workspace.roster.get(person)
    return known.name if known else person


def _when(workspace: Workspace, moment: str) -> str:
    return shown(from_text(moment), zone_name=workspace.config.organisation.zone)


def _planned(workspace: Workspace, state: RequestState) -> str:
    at, embargo = state.publish_at, state.embargo_until
    if state.state in service.ENDED or (at is None and embargo is None):
        return ""
    parts = []
    if at is not None:
        parts.append(f"planned for {_when(workspace, at.isoformat())}")
    if embargo is not None:
        parts.append(f"under embargo until {_when(workspace, embargo.isoformat())}")
    last = (
        f", so not before {_when(workspace, max(at, embargo).isoformat())}"
        if (at is not None and embargo is not None)
        else ""
    )
    return f"{' and '.join(parts)}{last}"


def _named(name: str, value: Any) -> tuple[str, str]:
    if name.endswith("_cents") and isinstance(value, int):
        return spoken(name.removesuffix("_cents")), f"{value / 100:,.2f}"
    return spoken(name), _value(value)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "" | [] | {}:
            return "none"
        case str():
            return value
        case int() | float():
            return f"{value:,}"
        case list():
            return ", ".join(_value(item) for item in value)
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def _waits(workspace: Workspace, request: Request) -> str:
    state = request.state
    stage = state.chain.stage(state.waiting)
    if state.state is not State.IN_REVIEW or stage is None:
        return ""
    if stage.auto:
        status = state.stage(stage.id)
        failed = ", ".join(status.checks_failed) if status else ""
        return f"stage {stage.id}: automatic checks" + (f"; failed: {failed}" if failed else "")
    _, asked, _ = _turn(workspace, request)
    due = _due_at(workspace, request)
    text = f"stage {stage.id}: {asked}"
    return f"{text}, due {_when(workspace, due.isoformat())}" if due else text


def _turn(workspace: Workspace, request: Request) -> tuple[str, str, Due | None]:
    """The stage in which people are asked now, their names, and until when."""
    state = request.state
    stage = state.chain.stage(state.waiting)
    if state.state is not State.IN_REVIEW or stage is None or stage.auto:
        return "", "", None
    due = _due_at(workspace, request)
    zone_name = workspace.config.organisation.zone
    return (
        stage.id,
        _asked(workspace, request, stage.id) or "nobody here",
        due_of(due, now=workspace.clock(), zone_name=zone_name) if due else None,
    )


def _due_at(workspace: Workspace, request: Request) -> datetime | None:
    zone_name = workspace.config.organisation.zone
    return deadlines(request.state, calendar_of(workspace.roster, zone_name=zone_name)).due_at


def _asked(workspace: Workspace, request: Request, stage_id: str) -> str:
    with workspace.db.read() as conn:
        roster = office_of(conn, workspace).roster
    names: dict[str, None] = {}
    for ask in asks_of(request.state, stage_id, roster, workspace.clock()):
        for asked in ask.asked:
            name = _name(workspace, asked.person)
            copied = f" (for {_name(workspace, asked.copied)})" if asked.copied else ""
            names[f"{name}{copied}"] = None
    return " or ".join(names)


def _stage_row(workspace: Workspace, request: Request, status: StageStatus) -> dict[str, str]:
    signed = [said for group in status.groups for said in group.by]
    who = ", ".join(dict.fromkeys(_name(workspace, said.actor) for said in signed))
    if not who and status.status in {"waiting", "later"}:
        asked = _asked(workspace, request, status.id)
        who = f"asks {asked}" if asked else "asks nobody who is here"
    if status.status == "skipped":
        who = "not needed with these facts"
    return {
        "id": status.id,
        "status": status.status,
        "need": f"{sum(g.have for g in status.groups)} of {sum(g.need for g in status.groups)}"
        if status.groups
        else "",
        "who": who,
    }
