"""Commands about the workspace itself: init, doctor, status, adopt, ledger, backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.errors import DataError
from testkit.kernel.console import App, emit, json_option, pass_app, table


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--zone", default="UTC", show_default=True, help="Time zone of the organisation.")
@click.option(
    "--org-model",
    "model",
    type=click.Choice(["communications", "field", "embedded", "solo"]),
    help="Who owns digital: people, chain and charter to begin with.",
)
@json_option
@pass_app
def init(app: App, folder: Path, zone: str, model: str | None, as_json: bool) -> None:
    """Make a workspace that works at once, in practice mode. Run twice, it changes nothing.

    \b
    Example:
      whistlestop init our-team --zone America/New_York
      whistlestop init our-office --org-model solo
    """
    from testkit.kernel.clock import zone as known_zone
    from testkit.services.setup import init as run
    from testkit.signoff.starter import starter_rules

    known_zone(zone)
    made = run(
        folder,
        schemas=app.schemas(),
        kinds=app.kinds(),
        files={**app.starter(), **(starter_rules(model) if model else {})},
        clock=app.clock,
        actor=app.actor(),
        zone_name=zone,
    )
    if made.written:
        lines = [f"made {folder}, in practice mode: nothing leaves to a live channel", ""]
        lines += [f"  {name}" for name in made.written]
        lines += ["", f"adopted: {', '.join(made.adopted)}"]
        lines += [
            "",
            "next:",
            f"  cd {folder}",
            "  edit people.yaml, then: whistlestop adopt people",
            *(["  read charter.yaml; adopting it ends practice mode"] if model else []),
            "  whistlestop experiment new spring-appeal",
            "  whistlestop feed add https://example.org/feed.xml",
        ]
    else:
        lines = [f"{folder} is a workspace already; nothing was changed"]
    emit(
        {"root": str(made.root), "written": made.written, "adopted": made.adopted},
        "\n".join(lines),
        as_json=as_json,
    )


@click.command()
@click.option("--reach", is_flag=True, help="Also ask for a page at web.base_url.")
@json_option
@pass_app
def doctor(app: App, reach: bool, as_json: bool) -> int:
    """Check versions, folder, permissions, name clashes, keys, ledger and delivery.

    With --reach also whether the pages open at the address that links in mails begin with.

    \b
    Example:
      whistlestop doctor --reach
    """
    from testkit.services.setup import doctor as run

    workspace = app.workspace()
    findings = run(workspace, auditors=app.auditors())
    if reach:
        from testkit.services.reach import findings as reached

        findings += reached(workspace)
    bad = any(f.severity == "error" for f in findings)
    text = "\n".join(str(f) for f in findings)
    emit(
        {"healthy": not bad, "findings": [f.as_dict() for f in findings]},
        f"{text}\n{'something needs you' if bad else 'healthy'}",
        as_json=as_json,
    )
    return 1 if bad else 0


@click.command()
@click.option("--diff", is_flag=True, help="Show what changed.")
@json_option
@pass_app
def status(app: App, diff: bool, as_json: bool) -> None:
    """Files that are not what was adopted; only adopted text counts.

    \b
    Example:
      whistlestop status --diff
    """
    from testkit.kernel.kinds import status as run

    found = run(app.workspace(), app.kinds())
    rows = [
        (f.kind, f.name, f.state, f"version {f.version}" if f.version else "", f.path)
        for f in found
    ]
    text = table(rows, ["kind", "name", "state", "adopted", "file"])
    if diff:
        text += "".join(f"\n\n{f.diff}" for f in found if f.diff)
    open_files = [f.path for f in found if f.state in {"new", "changed"}]
    if open_files:
        text += f"\nto make a file count: whistlestop adopt {open_files[0]}"
    data = [
        {"kind": f.kind, "name": f.name, "state": f.state, "version": f.version,
         "path": f.path, "diff": f.diff}
        for f in found
    ]  # fmt: skip
    if app.workspace().practice:
        text += "\npractice mode: no signed charter is in force"
    emit(data, text, as_json=as_json)


@click.command()
@click.argument("file")
@json_option
@pass_app
def adopt(app: App, file: str, as_json: bool) -> None:
    """Make a proposal count: an issue, a chain, a template, the people, or the charter.

    \b
    Example:
      whistlestop adopt issues/heat.yaml
      whistlestop adopt people
    """
    from testkit.kernel.kinds import adopt as run

    workspace = app.workspace()
    done, findings = run(workspace, app.kinds(), file)
    if done.kind == "people" and done.state == "adopted":
        from testkit.web.sessions import revoke_absent

        revoke_absent(workspace)
    named = done.kind if done.kind == done.name else f"{done.kind} {done.name}"
    if not done.changed:
        verdict = "counts already; nothing changed"
    elif done.state == "waiting":
        verdict = "waits for a second role"
        verdict += f": {' or '.join(done.ask)}" if done.ask else ""
    else:
        verdict = "counts from now on"
    if done.kind == "charter" and done.state == "adopted" and done.changed:
        verdict += ": practice mode is over"
    word = f"{named}, version {done.version}, {verdict}"
    emit(
        {"kind": done.kind, "name": done.name, "version": done.version, "state": done.state,
         "changed": done.changed, "ask": list(done.ask),
         "findings": [f.as_dict() for f in findings]},
        "\n".join([*(str(f) for f in findings), word]),
        as_json=as_json,
    )  # fmt: skip


@click.group("ledger")
def ledger_group() -> None:
    """The record of decisions: append-only, each row chained to the one before.

    \b
    Example:
      whistlestop ledger verify
    """


@ledger_group.command()
@click.option("--head", metavar="HASH", help="A head that you kept: it must be in the chain.")
@json_option
@pass_app
def verify(app: App, head: str | None, as_json: bool) -> int:
    """Check that no row was changed, removed or added: of the ledger, and of what it records.

    \b
    Example:
      whistlestop ledger verify
    """
    from testkit.kernel import audit, ledger

    workspace = app.workspace()
    with workspace.db.read() as conn:
        findings = ledger.verify(conn, known_head=head)
        findings += audit.run(conn, app.auditors(), data=workspace.data, hashing=True)
        seq, newest = ledger.head(conn)
    lines = [str(f) for f in findings] or [f"whole: {seq} rows, head {newest}"]
    emit(
        {"whole": not findings, "rows": seq, "head": newest,
         "findings": [f.as_dict() for f in findings]},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip
    return 1 if findings else 0


@ledger_group.command("show")
@click.option("--about", metavar="SUBJECT", help="Only rows about this, such as experiment/NAME.")
@click.option("-n", "limit", default=20, show_default=True, help="How many of the newest.")
@json_option
@pass_app
def show_ledger(app: App, about: str | None, limit: int, as_json: bool) -> None:
    """The newest rows of the ledger.

    \b
    Example:
      whistlestop ledger show --about experiment/spring-appeal
    """
    from testkit.kernel import ledger
    from testkit.kernel.clock import from_text, shown

    workspace = app.workspace()
    with workspace.db.read() as conn:
        rows = ledger.history(conn, subject=about, limit=limit)
    zone = workspace.config.organisation.zone
    text = table(
        [
            (r.seq, shown(from_text(r.at), zone_name=zone), r.kind, r.subject, r.actor, r.auth)
            for r in rows
        ],
        ["row", "when", "what", "about", "who", "proof"],
    )
    data = [
        {"seq": r.seq, "at": r.at, "kind": r.kind, "subject": r.subject, "actor": r.actor,
         "via": r.via, "auth": r.auth, "payload": r.payload, "prev": r.prev, "hash": r.hash}
        for r in rows
    ]  # fmt: skip
    emit(data, text, as_json=as_json)


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@pass_app
def backup(app: App, target: Path, as_json: bool) -> None:
    """Save the whole workspace, keys included, in one zip; keep it as you keep keys.

    \b
    Example:
      whistlestop backup ../our-team-2026-11-21.zip
    """
    from testkit.kernel.workspace import save

    members = save(app.workspace(), target)
    emit(
        {"file": str(target), "members": members},
        f"wrote {target} with {len(members)} files; it holds your keys",
        as_json=as_json,
    )


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
@pass_app
def restore(app: App, source: Path, folder: Path, as_json: bool) -> None:
    """Unpack a backup into a new folder, and verify its ledger.

    \b
    Example:
      whistlestop restore our-team-2026-11-21.zip our-team
    """
    from testkit.kernel import audit, ledger
    from testkit.kernel.workspace import restore as run

    members = run(source, folder)
    app.folder = folder
    workspace = app.workspace()
    with workspace.db.read() as conn:
        findings = ledger.verify(conn)
        findings += audit.run(conn, app.auditors(), data=workspace.data)
        seq, head = ledger.head(conn)
    if findings:
        raise DataError(
            f"{source.name} is unpacked, but its ledger is not whole",
            rows=[str(f) for f in findings],
        )
    emit(
        {"folder": str(folder), "members": members, "ledger_rows": seq, "ledger_head": head},
        f"unpacked {len(members)} files into {folder}; the ledger is whole ({seq} rows)",
        as_json=as_json,
    )
