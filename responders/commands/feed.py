"""``whistlestop feed``: watched sources."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, table


@click.group()
def feed() -> None:
    """Watched sources: add, list, see why one fails.

    \b
    Example:
      whistlestop feed add https://example.org/feed.xml
    """


@feed.command()
@click.argument("sources", nargs=-1, required=True, metavar="URL|FILE.opml ...")
@click.option("--title", default="", help="Name of the outlet; else the feed's own.")
@json_option
@pass_app
def add(app: App, sources: tuple[str, ...], title: str, as_json: bool) -> None:
    """Watch feeds: addresses, or a reader's OPML list.

    \b
    Example:
      whistlestop feed add https://example.org/feed.xml
      whistlestop feed add my-reader.opml
    """
    from responders.feeds.opml import read_opml
    from responders.services.poll import add as run

    feeds: list[tuple[str, str, tuple[str, ...]]] = []
    notes: tuple[str, ...] = ()
    for source in sources:
        if "://" in source:
            feeds.append((source, title, ()))
            continue
        path = Path(source)
        if not path.is_file():
            raise InputError(
                f"{source!r} is neither a web address nor a file",
                field="source",
                value=source,
                hint="addresses start with https://",
            )
        listed = read_opml(path.read_bytes())
        feeds += [(f.url, f.title, f.folder) for f in listed.feeds]
        notes += listed.notes
    done = run(app.workspace(), feeds, notes=notes)
    lines = [f"watching {url}" for url in done.added[:10]]
    if len(done.added) > 10:
        lines.append(f"... and {len(done.added) - 10} more")
    if done.known:
        lines.append(f"{len(done.known)} were watched before: due again at once")
    lines += list(done.notes)
    lines.append("next: whistlestop tick")
    emit(
        {"added": done.added, "known": done.known, "notes": done.notes},
        "\n".join(lines),
        as_json=as_json,
    )


@feed.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Every feed with its health in words.

    \b
    Example:
      whistlestop feed list
    """
    from responders.store import archive
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        rows = archive.feeds(conn)
    out, data = [], []
    for row in rows:
        history = row.history
        if row.due_at is None:
            health = "not asked any more"
        elif history.last_poll is None:
            health = "not asked yet"
        elif history.problem:
            health = f"failing ({history.failures}x): {history.problem}"
        else:
            health = "well"
        next_text = shown(row.due_at, zone_name=zone) if row.due_at else "never"
        out.append((row.title or "(no title yet)", health, next_text, row.url))
        data.append(
            {"id": row.id, "title": row.title, "url": row.url, "health": health,
             "failures": history.failures, "problem": history.problem,
             "last_success": history.last_success, "due_at": row.due_at}
        )  # fmt: skip
    text = table(out, ["feed", "health", "next", "address"]) if out else "no feed is watched yet"
    emit(data, text, as_json=as_json)


@feed.command()
@click.argument("source", metavar="URL")
@json_option
@pass_app
def why(app: App, source: str, as_json: bool) -> None:
    """The last fetches of a feed, and what became of each.

    \b
    Example:
      whistlestop feed why https://example.org/feed.xml
    """
    from responders.store import archive
    from testkit.kernel.clock import from_text, shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        row = archive.feed(conn, source)
        log = archive.fetches(conn, row.id, limit=10)
    lines = [f"{row.title or row.url} ({row.url})"]
    lines += [
        f"{shown(from_text(f['at']), zone_name=zone)}: {f['outcome']}"
        f" (HTTP {f['status'] or 'none'}, {f['elapsed_ms']:.0f} ms, {f['body_bytes']:,} bytes,"
        f" {f['entries_new']} new)" + (f": {f['problem']}" if f["problem"] else "")
        for f in log
    ]
    lines.append(
        f"next: {shown(row.due_at, zone_name=zone)}" if row.due_at else "it is not asked any more"
    )
    emit({"feed": row.url, "due_at": row.due_at, "fetches": log}, "\n".join(lines), as_json=as_json)


@feed.command()
@click.argument("source", metavar="URL")
@json_option
@pass_app
def remove(app: App, source: str, as_json: bool) -> None:
    """Watch a feed no longer; add it again to take it up.

    \b
    Example:
      whistlestop feed remove https://example.org/feed.xml
    """
    from responders.store import archive

    workspace = app.workspace()
    with workspace.archive.write() as conn:
        row = archive.feed(conn, source)
        archive.remove_feed(conn, row.id)
    emit({"removed": row.url}, f"{row.url} is not asked any more", as_json=as_json)


@feed.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@pass_app
def export(app: App, target: Path, as_json: bool) -> None:
    """Write the watched feeds as an OPML list for any reader.

    \b
    Example:
      whistlestop feed export feeds.opml
    """
    from responders.feeds.opml import ListedFeed, write_opml
    from responders.store import archive
    from testkit.kernel.workspace import replace_file

    workspace = app.workspace()
    with workspace.archive.read() as conn:
        rows = [row for row in archive.feeds(conn) if row.due_at is not None]
    listed = [
        ListedFeed(url=r.url, title=r.title, site_url=r.site_url, folder=r.folder) for r in rows
    ]
    replace_file(
        target,
        write_opml(listed, title=workspace.config.organisation.name, now=workspace.clock()),
    )
    emit({"file": str(target), "feeds": len(rows)}, f"wrote {len(rows)} feeds to {target}",
         as_json=as_json)  # fmt: skip
