"""init, doctor: a workspace that works from the first minute, and what is wrong with one."""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import stat
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from testkit.kernel import audit, ledger, proposals
from testkit.kernel import kinds as proposal_kinds
from testkit.kernel.clock import shown
from testkit.kernel.findings import Finding, Severity
from testkit.kernel.sqlite import SOUND_WAL, driver, journal_mode
from testkit.kernel.workspace import CONFIG_NAME, SECRETS_NAME, Workspace, write_once
from testkit.services import deliver
from testkit.signoff import owed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from testkit.kernel.audit import Auditor
    from testkit.kernel.clock import Clock
    from testkit.kernel.kinds import Kind
    from testkit.kernel.workspace import Schema

__all__ = ["Made", "doctor", "init"]

NAMES: Final = ("testkit", "responders", "experiments", "cli")
CHARTER_ENDS_SOON: Final = timedelta(days=30)
SYNCED: Final = ("Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "iCloud", "CloudStorage")
NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afpfs", "9p"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What ``init`` did.

    Attributes:
        root: The folder.
        written: Files that were new.
        adopted: Proposals that were adopted.
    """

    root: Path
    written: tuple[str, ...]
    adopted: tuple[str, ...]


CONFIG: Final = """\
# One workspace is one organisation. Every key is explained in docs/workspace/configuration.md.
# Who is here, and in which roles, stands in people.yaml.
organisation:
  name: Your organisation   # how messages are signed
  zone: {zone}   # deadlines and pages are in this time zone
  lang: en
  link: https://example.org/act   # where asks lead when an issue names no address of its own
  currency: USD            # of amounts in plans and briefs; empty shows none
  phone: ""
  signer: ""               # who signs an e-mail
  address: ""              # postal address under an e-mail
  email_opt_out: Reply with the word UNSUBSCRIBE to leave this list   # or your tool's own line
  sms_opt_out: Reply STOP to end

# Drafts are made for the channels that are on.
channels:
  email: {{kind: email, on: true}}
  sms: {{kind: sms, on: true}}
  social: {{kind: post, on: true}}
  phones: {{kind: call, on: false}}

drafting:
  min_outlets: 2   # how many outlets must carry a story before a draft is raised

polling:
  requests_per_day: 5000   # over all feeds
  floor_minutes: 10        # never ask one feed more often
  ceiling_hours: 12
  allow_hosts: []          # intranet hosts that feeds may be read from
"""

IGNORED: Final = """\
# Keep the proposal files in git if you like; never these.
secrets.toml
*.db
*.db-wal
*.db-shm
delivery.lock
data/
backups/
releases/
outbox/
"""


def init(
    root: Path,
    *,
    schemas: Sequence[Schema],
    kinds: Sequence[Kind],
    files: Mapping[str, str],
    clock: Clock,
    actor: ledger.Actor,
    zone_name: str = "UTC",
) -> Made:
    """Make a workspace that works at once, in practice mode; run twice, it changes nothing.

    Args:
        root: The folder; made when missing.
        schemas: Migrations of every product.
        kinds: Kinds of proposals.
        files: Starter files, ``path below the root -> text``.
        clock: The present moment.
        actor: Who makes it.
        zone_name: IANA zone of the organisation.
    """
    fresh = not (root / CONFIG_NAME).exists()
    written: list[str] = []
    own = {CONFIG_NAME: CONFIG.format(zone=zone_name), ".gitignore": IGNORED}
    # An existing workspace is somebody's work: what they threw away does not come back.
    for name, text in {**own, **files}.items() if fresh else ():
        if write_once(root / name, text):
            written.append(name)
    key = (
        "# Keys of this workspace. Losing them loses every join; keep a backup.\n"
        f'hmac = "{secrets.token_hex(32)}"\n'
    )
    if fresh and write_once(root / SECRETS_NAME, key, mode=0o600):
        written.append(SECRETS_NAME)
    workspace = Workspace(root, schemas=schemas, clock=clock, environment=os.environ, actor=actor)
    adopted: list[str] = []
    if fresh:
        for kind, name in proposal_kinds.files(workspace, kinds):
            if kind in {"charter", "lane"}:  # what a person has to sign
                continue
            adoption, _ = proposal_kinds.adopt(workspace, kinds, f"{kind}/{name}")
            if adoption.changed:
                adopted.append(f"{kind} {name}" if kind != name else kind)
    return Made(root=workspace.root, written=tuple(written), adopted=tuple(adopted))


def doctor(workspace: Workspace, *, auditors: Sequence[Auditor] = ()) -> list[Finding]:
    """What could go wrong here: DR001 to DR024; a healthy workspace gives notes only.

    Args:
        workspace: The workspace.
        auditors: Compare the tables with the ledger; data files only have to be there.
    """
    findings: list[Finding] = []

    def add(code: str, severity: Severity, message: str, hint: str = "") -> None:
        findings.append(Finding(code=code, severity=severity, message=message, hint=hint))

    add("DR001", "note", f"Python {sys.version.split()[0]}, whistlestop {_version()}")
    sqlite = ".".join(map(str, driver.sqlite_version_info))
    if journal_mode() == "WAL":
        add("DR002", "note", f"SQLite {sqlite}, write-ahead log")
    else:
        add(
            "DR002",
            "warning",
            f"SQLite {sqlite} is older than {'.'.join(map(str, SOUND_WAL))}: readers wait for"
            " writers",
            "install pysqlite3 0.6.1 or later",
        )
    for name, owners in _owners().items():
        if len(owners) > 1:
            add(
                "DR003",
                "error",
                f"the package name {name!r} belongs to {' and '.join(sorted(owners))}",
                "install whistlestop alone, in an environment of its own (pipx)",
            )
    _folder(workspace.root, add)
    key = workspace.root / SECRETS_NAME
    if not key.exists():
        add("DR006", "error", "secrets.toml is missing", "restore it from a backup")
    elif os.name == "posix" and stat.S_IMODE(key.stat().st_mode) & 0o077:
        add("DR006", "error", "secrets.toml can be read by others", "chmod 600 secrets.toml")
    with workspace.db.read() as conn:
        findings.extend(ledger.verify(conn))
        findings.extend(audit.run(conn, auditors, data=workspace.data))
        seq, head = ledger.head(conn)
        now = workspace.clock()
        charter = proposals.adopted(conn, kind="charter", name="charter", now=now)
        end = None if charter is None else proposals.end_of_force(conn, charter)
        waiting = conn.execute("SELECT count(*) FROM proposal WHERE state = 'waiting'").fetchone()
    add("DR007", "note", f"ledger: {seq} rows, head {head[:12]}")
    if charter is None:
        add(
            "DR008",
            "note",
            "practice mode: everything works, nothing leaves to a live channel",
            "a signed charter ends it",
        )
    else:
        zone_name = workspace.config.organisation.zone
        until = "" if end is None else f", until {shown(end[0], zone_name=zone_name)}"
        ending = end is not None and end[0] - now < CHARTER_ENDS_SOON
        add(
            "DR008",
            "warning" if ending else "note",
            f"charter, version {charter.version}, is in force{until}",
            "practice mode comes back then: sign the next one" if ending else "",
        )
    if waiting[0]:
        add("DR009", "warning", f"{waiting[0]} proposals wait for a second role")
    findings.extend(deliver.findings(workspace))
    findings.extend(owed.findings(workspace))
    return findings


def _version() -> str:
    try:
        return importlib.metadata.version("whistlestop")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _owners() -> dict[str, set[str]]:
    found = importlib.metadata.packages_distributions()
    return {name: set(found.get(name, ())) for name in NAMES}


def _folder(root: Path, add: Callable[..., None]) -> None:
    for part in root.resolve().parts:
        if any(part.startswith(name) for name in SYNCED):
            add(
                "DR004",
                "error",
                f"the folder lies in {part}, which is synced",
                "a database and a sync program damage each other: use a local folder",
            )
    mounts = Path("/proc/mounts")
    if mounts.exists():
        best, kind = "", ""
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            _, point, fstype, *_ = line.split(" ")
            point = point.replace("\\040", " ")
            if (f"{root.resolve()}/").startswith(point.rstrip("/") + "/") and len(point) >= len(
                best
            ):
                best, kind = point, fstype
        if kind in NETWORK:
            add("DR004", "error", f"the folder is on a network drive ({kind})", "use a local disk")
    free = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize if hasattr(os, "statvfs") else None
    if free is not None and free < 200 * 1024 * 1024:
        add("DR005", "warning", f"only {free // 1024**2} MB of disk are free")
