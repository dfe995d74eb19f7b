"""``whistlestop issue``: tracked policy topics."""

from __future__ import annotations

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table


@click.group()
def issue() -> None:
    """Tracked topics: files that say what to watch for and how we speak about it.

    \b
    Example:
      whistlestop issue list
    """


@issue.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """The adopted issues.

    \b
    Example:
      whistlestop issue list
    """
    from responders.kinds import adopted_issues

    workspace = app.workspace()
    with workspace.db.read() as conn:
        found = adopted_issues(conn)
    rows = [(slug, i.title, i.owner, i.lang, v) for slug, (i, _, v) in found.items()]
    data = [
        {"issue": slug, "title": i.title, "owner": i.owner, "lang": i.lang, "version": v,
         "query": i.query}
        for slug, (i, _, v) in found.items()
    ]  # fmt: skip
    emit(data, table(rows, ["issue", "title", "owner", "lang", "version"]), as_json=as_json)


@issue.command()
@click.argument("name")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """One adopted issue, and what worked last time: the tests that its releases became.

    \b
    Example:
      whistlestop issue show labor
    """
    from dataclasses import asdict

    from responders.kinds import adopted_issues
    from responders.services.lessons import what_worked
    from testkit.errors import NotFoundError
    from testkit.kernel.clock import from_text, shown

    workspace = app.workspace()
    with workspace.db.read() as conn:
        known = adopted_issues(conn)
        if name not in known:
            raise NotFoundError("adopted issue", name, hint=f"there are: {', '.join(known)}")
        lessons = what_worked(conn, name)
    found, _, version = known[name]
    zone_name = workspace.config.organisation.zone
    lines = [f"{found.title} ({name}, version {version}); owner: {found.owner}", "", found.query]
    lines += ["", "What worked last time:" if lessons else "No release on it was tested yet."]
    for lesson in lessons:
        when = shown(from_text(lesson.released_at), zone_name=zone_name)
        lines += [f"- {when}, {lesson.channel}: {lesson.title}", f"  {lesson.sentence}"]
    emit(
        {"issue": name, "title": found.title, "owner": found.owner, "version": version,
         "query": found.query, "lessons": [asdict(lesson) for lesson in lessons]},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip


@issue.command()
@click.argument("file")
@json_option
@pass_app
def check(app: App, file: str, as_json: bool) -> int:
    """Everything that is wrong or weak in an issue file; changes nothing.

    \b
    Example:
      whistlestop issue check issues/climate.yaml
    """
    from responders.kinds import ISSUE
    from testkit.kernel.findings import has_errors
    from testkit.kernel.kinds import find

    workspace = app.workspace()
    _, _, path, text = find(workspace, (ISSUE,), file)
    findings = ISSUE.check(workspace, text, path)
    bad = has_errors(findings)
    lines = [str(f) for f in findings]
    lines.append("" if bad else f"no errors; make it count with: whistlestop adopt {path}")
    emit({"ok": not bad, "findings": [f.as_dict() for f in findings]}, "\n".join(lines).strip(),
         as_json=as_json)  # fmt: skip
    return 2 if bad else 0


@issue.command("try")
@click.argument("file")
@click.option("-n", "limit", default=1000, show_default=True, help="Newest stories to ask.")
@json_option
@pass_app
def try_(app: App, file: str, limit: int, as_json: bool) -> None:
    """Ask an issue file about the stories in the archive, before it counts.

    \b
    Example:
      whistlestop issue try issues/climate.yaml
    """
    from responders.kinds import ISSUE, read_issue
    from responders.match import Document
    from responders.store import archive
    from testkit.kernel.kinds import find

    workspace = app.workspace()
    _, _, path, text = find(workspace, (ISSUE,), file)
    _, query, _ = read_issue(text, name=path, today=workspace.clock().date())
    with workspace.archive.read() as conn:
        stories = archive.stories(conn, limit=limit)
    hits = []
    for story in stories:
        for entry, outlet in story.entries:
            result = query.evaluate(
                Document.of(
                    title=entry.title,
                    summary=entry.summary_text,
                    source=outlet,
                    lang=entry.language,
                )
            )
            if result is not None:
                hits.append((story, entry, result))
                break
    days = {story.first_at.date() for story in stories}
    rate = len(hits) / max(1, len(days))
    lines = [
        f"{len(hits)} of {len(stories)} stories match, about {rate:.1f} a day",
        *(f"- {entry.title}\n    {result.why()}" for _, entry, result in hits[:15]),
    ]
    data = {
        "stories": len(stories),
        "hits": len(hits),
        "per_day": rate,
        "sample": [
            {"story": s.id, "title": e.title, "why": r.why(), **r.as_dict()}
            for s, e, r in hits[:50]
        ],
    }
    emit(data, "\n".join(lines), as_json=as_json)
