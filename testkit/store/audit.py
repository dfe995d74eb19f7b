"""Experiments against their records: plans, lists, sends, batches, looks, decisions, data files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.audit import WHOLE, Recorded, Table, compare, problem
from testkit.kernel.digest import digest_file

if TYPE_CHECKING:
    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding

__all__ = ["AMENDMENT", "ASSIGNMENT", "BATCH", "DECISION", "LOOK", "PLAN", "SENDING", "audit"]

_SUBJECT: Final = "experiment/{experiment}"

PLAN: Final = Table(
    name="plan",
    key=("experiment", "version"),
    subject=_SUBJECT,
    digested=("definition", "plan", "void_reason"),
)
AMENDMENT: Final = Table(
    name="amendment",
    key=("id",),
    subject=_SUBJECT,
    settled=(
        "experiment", "plan_version", "number", "plan", "definition", "definition_digest", "digest",
        "changes", "reason", "at", "by",
    ),
)  # fmt: skip
ASSIGNMENT: Final = Table(
    name="assignment",
    key=("id",),
    subject=_SUBJECT,
    settled=(
        "experiment", "plan_version", "first_wave", "source_name", "source_sha256", "data_sha256",
        "rows", "counts", "columns", "at",
    ),
)  # fmt: skip
SENDING: Final = Table(name="sending", key=("experiment", "plan_version", "wave"), subject=_SUBJECT)
BATCH: Final = Table(
    name="batch",
    key=("id",),
    subject=_SUBJECT,
    settled=(
        "experiment", "plan_version", "kind", "source_name", "source_sha256", "data_sha256", "rows",
        "summary", "at", "added_by",
    ),
    digested=("retract_reason",),
)  # fmt: skip
LOOK: Final = Table(
    name="look",
    key=("id",),
    subject=_SUBJECT,
    settled=("experiment", "plan_version", "number", "at", "data_digest", "figures", "by"),
    digested=("figures",),
)
DECISION: Final = Table(
    name="decision",
    key=("id",),
    subject=_SUBJECT,
    settled=("experiment", "plan_version", "number", "look_id", "at", "by", "decision"),
    digested=("decision",),
)


def audit(case: Case) -> list[Finding]:
    """Compare the tables and data files of experiments with their records (LG005 to LG008)."""
    recorded = {
        PLAN: _plans(case),
        AMENDMENT: _by_id(case, "plan.amended", "amendment", digest="plan_digest"),
        ASSIGNMENT: _assignments(case),
        SENDING: _sends(case),
        BATCH: _batches(case),
        LOOK: _by_id(
            case, "look.recorded", "look", data_digest="data_digest", figures="figures_digest"
        ),
        DECISION: _by_id(
            case, "experiment.decided", "decision", look_id="look", decision="decision_digest"
        ),
    }
    found = [f for table, rows in recorded.items() for f in compare(case.conn, table, rows)]
    return [*found, *_files(case)]


def _plans(case: Case) -> dict[Key, Recorded]:
    recorded: dict[Key, Recorded] = {}
    for row in case.of("plan.locked"):
        key = (_name(row.subject), row.payload.get("version"))
        recorded[key] = Recorded(
            subject=row.subject,
            columns={
                "definition": row.payload.get("definition_digest"),
                "definition_digest": row.payload.get("definition_digest"),
                "plan": row.payload.get("plan_digest"),
                "digest": row.payload.get("plan_digest"),
                "locked_at": row.at,
                "locked_by": row.actor,
                "voided_at": None,
                "void_reason": None,
            },
        )
    for row in case.of("plan.voided"):
        voided = recorded.get((_name(row.subject), row.payload.get("version")))
        if voided is not None:
            voided.columns |= {"voided_at": row.at, "void_reason": row.payload.get("reason_digest")}
    return recorded


def _assignments(case: Case) -> dict[Key, Recorded]:
    recorded = _by_id(
        case, "list.assigned", "assignment", source_sha256="source_sha256",
        data_sha256="data_sha256", rows="rows", plan_version="version",
    )  # fmt: skip
    voids = {(row.subject, row.payload.get("version")): row.at for row in case.of("plan.voided")}
    for entry in recorded.values():
        entry.columns["voided_at"] = voids.get((entry.subject, entry.columns["plan_version"]))
    return recorded


def _sends(case: Case) -> dict[Key, Recorded]:
    """The latest record of a wave counts: a send time may be mended, or taken back."""
    recorded: dict[Key, Recorded] = {}
    for row in case.of("wave.sent", "wave.unsent", "batch.taken_in"):
        if row.kind == "wave.unsent":
            gone = (_name(row.subject), row.payload.get("version"), row.payload.get("wave"))
            recorded.pop(gone, None)
            continue
        if row.kind == "wave.sent":
            waves = {row.payload.get("wave"): row.payload.get("sent_at")}
        else:
            waves = {int(w): at for w, at in row.payload.get("sent", {}).items()}
        for wave, sent_at in waves.items():
            recorded[_name(row.subject), row.payload.get("version"), wave] = Recorded(
                subject=row.subject,
                columns={"sent_at": sent_at, "recorded_at": row.at, "recorded_by": row.actor},
            )
    return recorded


def _batches(case: Case) -> dict[Key, Recorded]:
    recorded = _by_id(
        case, "batch.taken_in", "batch", source_sha256="source_sha256",
        data_sha256="data_sha256", rows="rows",
    )  # fmt: skip
    for entry in recorded.values():
        entry.columns |= {"retracted_at": None, "retracted_by": None, "retract_reason": None}
    for row in case.of("batch.retracted"):
        batch = recorded.get((row.payload.get("batch"),))
        if batch is not None:
            batch.columns |= {
                "retracted_at": row.at,
                "retracted_by": row.actor,
                "retract_reason": row.payload.get("reason_digest"),
            }
    return recorded


def _by_id(case: Case, kind: str, id_in: str, **columns: str) -> dict[Key, Recorded]:
    """Rows that one record calls for: ``columns`` says which of its values a column holds."""
    return {
        (row.payload.get(id_in),): Recorded(
            subject=row.subject,
            columns={name: row.payload.get(value) for name, value in columns.items()}
            | {WHOLE: row.payload.get(WHOLE)},
        )
        for row in case.of(kind)
    }


def _files(case: Case) -> list[Finding]:
    """Files that a record names; those of a batch that was taken back stay, too."""
    folders = {"list.assigned": "assignments", "batch.taken_in": "results"}
    named: dict[Any, str] = {}
    for row in case.of(*folders):
        path = case.data / folders[row.kind] / f"{row.payload.get('data_sha256')}.parquet"
        named.setdefault(path, row.subject)
    findings: list[Finding] = []
    for path, subject in named.items():
        where = f"{subject}, {path.relative_to(case.data.parent).as_posix()}"
        if not path.is_file():
            findings.append(problem("LG008", "the data file is missing", where))
        elif case.hashing and digest_file(path) != path.stem:
            findings.append(problem("LG008", "the data file's bytes were changed", where))
    return findings


def _name(subject: str) -> str:
    return subject.partition("/")[2]
