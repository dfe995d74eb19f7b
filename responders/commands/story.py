"""``whistlestop story``: entries about one event, and why an issue asked for them."""

from __future__ import annotations

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table


@click.group()
def story() -> None:
    """Stories: entries about one event.

    \b
    Example:
      whistlestop story list
    """


@story.command("list")
@click.option("-n", "limit", default=20, show_default=True, help="How many of the newest.")
@click.option("--matched", is_flag=True, help="Only those that an issue asks for.")
@json_option
@pass_app
def list_(app: App, limit: int, matched: bool, as_json: bool) -> None:
    """The newest stories, and which issues they match.

    \b
    Example:
      whistlestop story list --matched
    """
    from responders.store import archive
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        issues: dict[str, list[str]] = {}
        for match in archive.matches(conn):
            issues.setdefault(match.story, []).append(match.issue)
        found = archive.stories(conn, limit=100_000 if matched else limit)
    if matched:
        found = [s for s in found if s.id in issues][:limit]
    rows = [
        (s.id, shown(s.first_at, zone_name=zone), len(s.outlets), s.title[:70],
         ", ".join(issues.get(s.id, [])))
        for s in found
    ]  # fmt: skip
    data = [
        {"story": s.id, "first_at": s.first_at, "outlets": s.outlets, "title": s.title,
         "entries": len(s.entries), "issues": issues.get(s.id, [])}
        for s in found
    ]  # fmt: skip
    headers = ["story", "first seen", "outlets", "headline", "issues"]
    emit(data, table(rows, headers) if rows else "no story yet", as_json=as_json)


@story.command()
@click.argument("story_id", metavar="STORY")
@json_option
@pass_app
def show(app: App, story_id: str, as_json: bool) -> None:
    """One story: who carries it, and the words that made an issue match.

    \b
    Example:
      whistlestop story show story_01k...
    """
    from responders.store import archive
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        found = archive.story(conn, story_id)
        matches = archive.matches(conn, story_id=found.id)
    lines = [found.title, f"{found.id}, first seen {shown(found.first_at, zone_name=zone)}"]
    lines += [
        f"- {outlet}: {entry.title}" + (" (copy)" if entry.copy_of else "")
        + (f"\n    {entry.url}" if entry.url else "")
        for entry, outlet in found.entries
    ]  # fmt: skip
    lines += [f"matches {m.issue} (version {m.issue_version}): {m.why}" for m in matches]
    if matches:
        lines.append(f"draft it now: whistlestop draft raise {found.id}")
    data = {
        "story": found.id,
        "first_at": found.first_at,
        "outlets": found.outlets,
        "entries": [
            {"title": e.title, "url": e.url, "outlet": o, "published": e.published,
             "copy_of": e.copy_of}
            for e, o in found.entries
        ],
        "matches": [
            {"issue": m.issue, "version": m.issue_version, "why": m.why, "matched": m.matched}
            for m in matches
        ],
    }  # fmt: skip
    emit(data, "\n".join(lines), as_json=as_json)
