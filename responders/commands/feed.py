"""``whistlestop feed``: watched sources."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app


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
@click.option("--ask/--no-ask", default=True, help="Ask each address now what it is.")
@json_option
@pass_app
def add(app: App, sources: tuple[str, ...], title: str, ask: bool, as_json: bool) -> None:
    """Watch feeds: addresses of feeds or of sites, or a reader's OPML list.

    A site is asked which feeds it has; the first that is not about comments is watched.

    \b
    Example:
      whistlestop feed add https://example.org/feed.xml
      whistlestop feed add example.org
      whistlestop feed add my-reader.opml
    """
    from responders.feeds.guard import tidy_url
    from responders.feeds.opml import read_opml
    from responders.services.find import Found, find
    from responders.services.poll import add as run

    workspace = app.workspace()
    feeds: list[tuple[str, str, tuple[str, ...]]] = []
    notes: tuple[str, ...] = ()
    dead: dict[str, str] = {}
    for source in sources:
        path = Path(source)
        if path.is_file():
            listed = read_opml(path.read_bytes())
            feeds += [(f.url, f.title, f.folder) for f in listed.feeds]
            notes += listed.notes
            continue
        url = tidy_url(source)
        if not url.startswith(("http://", "https://")) or source.lower().endswith(".opml"):
            raise InputError(
                f"{source!r} is neither a web address nor a file",
                field="source",
                value=source,
                hint="addresses start with https://",
            )
        found = (
            find(workspace, url, scheme_guessed="//" not in source)
            if ask
            else Found(feeds=((url, ""),))
        )
        feeds += [(address, title or name, ()) for address, name in found.feeds]
        notes += found.notes
        dead |= dict(found.dead)
    done = run(workspace, feeds, notes=notes)
    alive = [url for url in done.added if url not in dead]
    lines = [f"watching {url}" for url in alive[:10]]
    if len(alive) > 10:
        lines.append(f"... and {len(alive) - 10} more")
    for url, problem in dead.items():
        lines += [
            f"nothing could be read at {url}: {problem}",
            "  it stays on the list: the next tick asks again, then less and less often",
            f"  what happened: whistlestop feed why {url}",
            f"  a wrong address: whistlestop feed remove {url}",
        ]
    if done.known:
        lines.append(f"{len(done.known)} were watched before: due again at once")
    lines += list(done.notes)
    lines.append("next: whistlestop tick")
    emit(
        {"added": done.added, "known": done.known, "notes": done.notes, "unreadable": dead},
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
    from responders.feeds.schedule import describe, health
    from responders.store import archive

    workspace = app.workspace()
    now = workspace.clock()
    with workspace.archive.read() as conn:
        rows = archive.feeds(conn)
    lines, data = [], []
    for row in rows:
        words = describe(row.history, now=now, next_at=row.due_at)
        lines += [f"{row.title or '(no title yet)'} ({row.url})", f"  {words}"]
        data.append(
            {"id": row.id, "title": row.title, "url": row.url,
             "health": health(row.history, next_at=row.due_at), "words": words,
             "failures": row.history.failures, "problem": row.history.problem,
             "last_success": row.history.last_success, "last_new": row.history.last_new,
             "due_at": row.due_at}
        )  # fmt: skip
    emit(data, "\n".join(lines) or "no feed is watched yet", as_json=as_json)


@feed.command()
@click.argument("source", metavar="URL")
@click.option("--now", "ask", is_flag=True, help="Ask it now, due or not, and keep what it brings.")
@json_option
@pass_app
def why(app: App, source: str, ask: bool, as_json: bool) -> None:
    """The last fetch of a feed step by step, and how the ones before it ended.

    \b
    Example:
      whistlestop feed why https://example.org/feed.xml
      whistlestop feed why https://example.org/feed.xml --now
    """
    from responders.feeds.schedule import describe
    from responders.services.poll import poll
    from responders.store import archive
    from testkit.kernel.clock import from_text, shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        row = archive.feed(conn, source)
    if ask:
        poll(workspace, only=row)
    with workspace.archive.read() as conn:
        row = archive.feed(conn, row.id)
        log = archive.fetches(conn, row.id, limit=10)
        before = archive.left_addresses(conn, row.id)
    words = describe(row.history, now=workspace.clock(), next_at=row.due_at)
    lines = [f"{row.title or row.url} ({row.url})", words]
    for number, fetch in enumerate(log):
        lines.append(
            f"{shown(from_text(fetch['at']), zone_name=zone)}: {fetch['outcome']}"
            f" (HTTP {fetch['status'] or 'none'}, {fetch['elapsed_ms']:.0f} ms,"
            f" {fetch['body_bytes']:,} bytes, {fetch['entries_new']} new)"
            + (f": {fetch['problem']}" if fetch["problem"] and number else "")
        )
        if number == 0:
            lines += [f"  {place}. {step}" for place, step in enumerate(fetch["steps"], start=1)]
    lines += [
        f"until {shown(from_text(a['until']), zone_name=zone)} at {a['url']}: {a['reason']}"
        for a in before
    ]
    lines.append(
        f"next: {shown(row.due_at, zone_name=zone)}" if row.due_at else "it is not asked any more"
    )
    data = {"feed": row.url, "words": words, "due_at": row.due_at, "fetches": log,
            "addresses_before": before}  # fmt: skip
    emit(data, "\n".join(lines), as_json=as_json)


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
