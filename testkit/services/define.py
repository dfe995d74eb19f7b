"""new, check, lock, void: from a file that a person wrote to a plan that cannot move."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testkit.errors import DefinitionError, InputError, NotFoundError, PlanFrozenError, StateError
from testkit.kernel import ledger, yamlfile
from testkit.kernel.digest import digest_bytes
from testkit.kernel.findings import by_severity, has_errors
from testkit.kernel.ids import new_id
from testkit.kernel.workspace import write_once
from testkit.store import amendments, audit, events, looks, plans

if TYPE_CHECKING:
    from testkit.kernel.findings import Finding
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.kernel.yamlfile import Key
    from testkit.model.amend import Change, Stage
    from testkit.model.check_calendar import Neighbour
    from testkit.model.plan import Plan
    from testkit.services.templates import Template
    from testkit.store.plans import LockedPlan

__all__ = [
    "Amended",
    "Answers",
    "Checked",
    "amend",
    "check",
    "definition_path",
    "drift",
    "lock",
    "new",
    "void",
]

FOLDER = "experiments"
FILE = "experiment.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The five questions of ``experiment new``.

    Attributes:
        question: What you want to know, in one line.
        control_text: What people get today.
        arm_text: What you want to try.
        outcome: The deed that counts, one or two words (``gave``, ``called``).
        base_rate: What share does it today, in (0, 1).
        list_size: How many people the list has.
        control_name: Name of the control.
        arm_name: Name of the other arm.
        channel: Where the message goes out; empty takes the template's.
        source: Where the words come from; empty for new ones.
    """

    question: str
    control_text: str
    arm_text: str
    outcome: str
    base_rate: float
    list_size: int
    control_name: str = "control"
    arm_name: str = "new"
    channel: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A checked file: its plan (None with errors), text and findings."""

    path: Path
    text: str
    plan: Plan | None
    findings: tuple[Finding, ...]


def definition_path(workspace: Workspace, name: str) -> Path:
    """The definition of an experiment: by name, or the path of a file or folder.

    Raises:
        NotFoundError: There is no such file; close names are suggested.
    """
    given = Path(name)
    home = workspace.root / FOLDER
    for path in (given, given / FILE, home / name / FILE):
        if path.is_file():
            return path
    import difflib

    known = sorted(p.parent.name for p in home.glob(f"*/{FILE}"))
    near = difflib.get_close_matches(name, known, n=2)
    hint = "" if near else f"make it with `whistlestop experiment new {name}`"
    raise NotFoundError("experiment file", name, did_you_mean=near, hint=hint)


def new(workspace: Workspace, name: str, answers: Answers, *, template: str = "") -> Path:
    """Write a commented definition from five answers; an existing one is left alone.

    Args:
        workspace: The workspace.
        name: Name of the experiment.
        answers: The five answers.
        template: Name of a ready-made definition; empty for the plain one.

    Raises:
        InputError: A value is out of range, or the file exists.
    """
    from testkit.kernel.config import slug

    try:
        slug(name)
    except ValueError as cause:
        raise InputError(str(cause), field="name", value=name) from cause
    if not 0 < answers.base_rate < 1:
        raise InputError(
            f"{answers.base_rate:g} is not a share between 0 and 1",
            field="base_rate",
            value=answers.base_rate,
            hint="write 2 % as 0.02",
        )
    path = workspace.root / FOLDER / name / FILE
    from testkit.services.templates import PLAIN, TEMPLATES

    text = _definition_text(name, answers, TEMPLATES[template] if template else PLAIN)
    if not write_once(path, text):
        raise InputError(
            f"{workspace.shown(path)} exists",
            field="name",
            value=name,
            hint="edit it, or choose another name; nothing was changed",
        )
    return path


def _definition_text(name: str, answers: Answers, template: Template) -> str:
    outcome = re.sub(r"[^a-z0-9]+", "_", answers.outcome.lower()).strip("_") or "did_it"
    # A fifth of the base rate is a difference that most teams would act on; two points at most
    # keep frequent outcomes from asking for the impossible.
    mde = _rounded(min(answers.base_rate / 5, 0.02))
    filled = {"$outcome": outcome, "$base_rate": f"{answers.base_rate:g}", "$mde": f"{mde:g}"}
    metrics = template.metrics
    for key, value in filled.items():
        metrics = metrics.replace(key, value)
    source = f"source: {_quoted(answers.source)}\n" if answers.source else ""
    factor = [
        f"    factors: {{{template.factor}: {level}}}  # what this arm differs in\n"
        if template.factor
        else ""
        for level in ("as today", "new")
    ]
    return f"""\
# {name}: an honest message test. Every key is explained in docs/experiments/definition.md.
experiment: {name}
title: {_quoted(answers.question)}
hypothesis: ""          # what do you expect, and why?
what_will_change: ""    # what will you do differently if the answer is yes?
owner: ""               # who decides?
channel: {answers.channel or template.channel}
{source}
unit:
{template.unit}
list:
  size: {answers.list_size}
  # test: 20000         # how many go into the test; left out, the planner says how many it needs

arms:
  - name: {answers.control_name}
    control: true
    text: {_quoted(answers.control_text)}
{factor[0]}  - name: {answers.arm_name}
    text: {_quoted(answers.arm_text)}
{factor[1]}
metrics:
{metrics}
design:
{template.design}
if_inconclusive: control  # what the rest of the list gets when nothing was proven
"""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _rounded(value: float) -> float:
    from math import floor, log10

    digits = 1 - floor(log10(value))
    return round(value, digits)


def check(workspace: Workspace, name: str) -> Checked:
    """Read a definition and report everything that is wrong or weak; changes nothing."""
    from testkit.model.check_calendar import check_calendar
    from testkit.model.checks import check as check_definition
    from testkit.model.definition import Definition
    from testkit.model.resolve import resolve

    path = definition_path(workspace, name)
    text = yamlfile.read_text(path)
    document = yamlfile.parse(text, name=workspace.shown(path))
    definition, findings = yamlfile.validate(document, Definition)
    if definition is None:
        return Checked(path=path, text=text, plan=None, findings=by_severity(findings))
    folder = path.parent.name if path.parent.parent == workspace.root / FOLDER else ""
    findings = [*findings, *check_definition(definition, document, folder=folder)]
    if has_errors(findings):
        return Checked(path=path, text=text, plan=None, findings=by_severity(findings))
    with workspace.db.read() as conn:
        locked = plans.current(conn, definition.experiment)
        near = _neighbours(conn, definition.experiment)
        settled = None
        if locked and events.assignments(conn, definition.experiment, locked.version):
            settled = locked.plan.test_size

    def warn(code: str, key: Key, message: str, hint: str) -> None:
        findings.append(document.finding(code, message, key=key, hint=hint, severity="warning"))

    contact = workspace.config.contact
    check_calendar(definition, neighbours=near, most=contact.most, days=contact.days, warn=warn)
    # The salt of a locked plan is kept, so that the same text always gives the same plan.
    salt = locked.plan.salt if locked else secrets.token_hex(8)
    if settled is not None and definition.audience.test is None:
        # People have their arms: what was assigned is the test, whatever is planned anew.
        audience = definition.audience.model_copy(update={"test": settled})
        definition = definition.model_copy(update={"audience": audience})
    plan = resolve(definition, salt=salt)
    return Checked(path=path, text=text, plan=plan, findings=by_severity(findings))


def _neighbours(conn: Connection, name: str) -> list[Neighbour]:
    """The other tests that are locked and not decided."""
    from testkit.model.check_calendar import Neighbour

    found = []
    for other in plans.listed(conn):
        locked = plans.require(conn, other)
        if other == name or looks.decisions(conn, other, locked.version):
            continue
        sent = {at.date() for at in events.sends(conn, other, locked.version).values()}
        planned = {date.fromisoformat(day) for day in locked.plan.send_on}
        found.append(
            Neighbour(
                experiment=other,
                channel=locked.plan.channel,
                days=tuple(sorted(sent | planned)),
                exclude=locked.plan.exclude,
                window_hours=max(m.window_hours for m in locked.plan.metrics),
                running=bool(sent),
            )
        )
    return found


def lock(workspace: Workspace, name: str) -> tuple[LockedPlan, bool]:
    """Freeze the plan of a definition.

    Returns:
        The locked plan, and whether this call locked it (False when it already was, unchanged).

    Raises:
        DefinitionError: The file has errors.
        PlanFrozenError: Another text is locked under this name.
    """
    checked = check(workspace, name)
    if checked.plan is None:
        raise DefinitionError(checked.findings, path=workspace.shown(checked.path))
    plan = checked.plan
    text_digest = digest_bytes(checked.text.encode())
    now = workspace.clock()
    with workspace.db.write() as conn:
        before = plans.current(conn, plan.experiment)
        if before is not None and before.definition_digest == text_digest:
            return before, False
        if before is not None:
            raise PlanFrozenError(
                f"{plan.experiment} is locked since {before.locked_at[:16]} with another text",
                current="locked",
                allowed=("void", "new name"),
                hint=(
                    f"amend it: whistlestop experiment amend {plan.experiment} --reason WHY;"
                    " before the first send, `void` takes the whole lock back"
                ),
            )
        locked = plans.insert(
            conn,
            plan=plan,
            definition=checked.text,
            definition_digest=text_digest,
            by=workspace.actor.name,
            now=now,
        )
        ledger.append(
            conn,
            kind="plan.locked",
            subject=f"experiment/{plan.experiment}",
            actor=workspace.actor,
            payload={
                "version": locked.version,
                "plan_digest": locked.digest,
                "definition_digest": text_digest,
                "findings": sorted({f.code for f in checked.findings}),
            },
            now=now,
        )
    return locked, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """What an amendment does, or did.

    Attributes:
        stage: How far the experiment has come.
        changes: Every value that differs from the plan as it stands.
        refused: Those of them that this stage forbids.
        locked: The plan afterwards; the present one when nothing was written.
    """

    stage: Stage
    changes: tuple[Change, ...]
    refused: tuple[Change, ...]
    locked: LockedPlan


def amend(workspace: Workspace, name: str, *, reason: str, dry_run: bool = False) -> Amended:
    """Bring the file's changes into the locked plan, where that cannot bias the result.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        reason: Why; it is kept.
        dry_run: Say what would change, and change nothing.

    Raises:
        InputError: No reason is given.
        DefinitionError: The file has errors.
        PlanFrozenError: A change is one that this stage forbids; nothing was changed.
        StateError: The file says what the plan says, or the experiment is decided.
    """
    from testkit.model.amend import changes, refused

    if not reason.strip():
        raise InputError("an amendment needs a reason", field="reason", hint="--reason TEXT")
    checked = check(workspace, name)
    if checked.plan is None:
        raise DefinitionError(checked.findings, path=workspace.shown(checked.path))
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, checked.plan.experiment)
        stage = _stage(conn, locked)
        found = changes(locked.plan, checked.plan)
        if not found:
            raise StateError(
                f"the file and the plan of {name} say the same",
                current="locked",
                hint=f"edit {workspace.shown(checked.path)} first",
            )
        forbidden = refused(found, stage=stage)
        outcome = Amended(stage=stage, changes=found, refused=forbidden, locked=locked)
        if dry_run:
            return outcome
        if forbidden:
            done = "a look was taken" if stage == "looked" else "people have their arms"
            raise PlanFrozenError(
                f"{' and '.join(c.key for c in forbidden[:3])} cannot change any more: {done}",
                current=stage,
                allowed=("take the change back", "new name"),
                hint="see what is allowed with --dry-run; a new question is a new experiment",
            )
        before = amendments.amendments(conn, locked.plan.experiment, locked.version)
        amendment_id = new_id("amend", now=now)
        amendments.add_amendment(
            conn,
            amendment_id=amendment_id,
            experiment=locked.plan.experiment,
            version=locked.version,
            number=len(before) + 1,
            plan=checked.plan,
            definition=checked.text,
            definition_digest=digest_bytes(checked.text.encode()),
            changes=found,
            reason=reason,
            by=workspace.actor.name,
            now=now,
        )
        ledger.append(
            conn,
            kind="plan.amended",
            subject=f"experiment/{locked.plan.experiment}",
            actor=workspace.actor,
            payload={
                "amendment": amendment_id,
                "version": locked.version,
                "number": len(before) + 1,
                "stage": stage,
                "keys": sorted(c.key for c in found),
                "plan_digest": checked.plan.digest(),
                "reason_digest": digest_bytes(reason.encode()),
                "row_digest": audit.AMENDMENT.row_digest(conn, amendment_id),
            },
            now=now,
        )
        after = plans.require(conn, locked.plan.experiment)
    return Amended(stage=stage, changes=found, refused=(), locked=after)


def drift(workspace: Workspace, locked: LockedPlan) -> tuple[str, ...]:
    """Keys of the plan that the file on disk says otherwise; ``("errors",)`` where it has errors.

    The locked plan counts, whatever the file says. A file that is gone says nothing.
    """
    from testkit.model.amend import changes

    name = locked.plan.experiment
    path = workspace.root / FOLDER / name / FILE
    if not path.is_file() or yamlfile.read_text(path) == locked.definition:
        return ()
    try:
        checked = check(workspace, name)
    except InputError:
        return ("errors",)
    if checked.plan is None:
        return ("errors",)
    return tuple(change.key for change in changes(locked.plan, checked.plan))


def _stage(conn: Connection, locked: LockedPlan) -> Stage:
    name, version = locked.plan.experiment, locked.version
    if looks.decisions(conn, name, version):
        raise StateError(
            f"{name} is decided",
            current="decided",
            hint="a decided test stays as it was; a new question is a new experiment",
        )
    if looks.looks(conn, name, version):
        return "looked"
    if events.sends(conn, name, version) or events.assignments(conn, name, version):
        return "assigned"
    return "assigned" if events.batches(conn, name, version) else "locked"


def void(workspace: Workspace, name: str, *, reason: str) -> LockedPlan:
    """Take a lock back before anything was sent.

    Raises:
        InputError: No reason is given.
        StateError: A wave was sent, results came in, or a look was taken.
    """
    if not reason.strip():
        raise InputError("a void needs a reason", field="reason", hint="--reason TEXT")
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        used: dict[str, Any] = {
            "a wave was sent": events.sends(conn, name, locked.version),
            "results came in": events.batches(conn, name, locked.version),
            "a look was taken": looks.looks(conn, name, locked.version),
        }
        for what, found in used.items():
            if found:
                raise StateError(
                    f"{name} cannot be voided: {what}",
                    current="running",
                    hint="end it with `whistlestop experiment decide --stop REASON`",
                )
        plans.void(conn, experiment=name, version=locked.version, reason=reason, now=now)
        ledger.append(
            conn,
            kind="plan.voided",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={"version": locked.version, "reason_digest": digest_bytes(reason.encode())},
            now=now,
        )
    return locked
