"""``whistlestop search``: the archive and the past responses, in the language of issues."""

from __future__ import annotations

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, progress

HEADINGS = {"entries": "entries", "stories": "stories", "responses": "past responses"}


@click.command()
@click.argument("query", required=False)
@click.option(
    "--in",
    "within",
    multiple=True,
    type=click.Choice(list(HEADINGS)),
    help="Where to look; may be given again. Else stories and responses.",
)
@click.option("--since", metavar="TIME", help="Only what is newer: 2026-11-03, or 7 days ago.")
@click.option("-n", "limit", default=10, show_default=True, help="At most so many of each.")
@click.option("--rebuild", is_flag=True, help="Make the index anew first.")
@json_option
@pass_app
def search(
    app: App,
    query: str | None,
    within: tuple[str, ...],
    since: str | None,
    limit: int,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Find entries, stories and past responses; matched words stand in [brackets].

    QUERY is written as in an issue file: AND, OR, NOT, "a phrase", begin*, a NEAR/5 b, title:word.

    \b
    Example:
      whistlestop search 'strik* AND (nurses OR hospital)' --in stories --since '7 days ago'
    """
    from responders.services import search as service
    from testkit.kernel.clock import parse_local, shown

    if query is None and not rebuild:
        raise InputError(
            "nothing to look for", field="query", hint="whistlestop search 'strike AND nurses'"
        )
    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with progress() as say:
        read = service.rebuild(workspace, say=say) if rebuild else None
        if query is None:
            emit({"read": read}, f"the index was made anew from {read} texts", as_json=as_json)
            return
        moment = parse_local(since, zone_name=zone, now=app.clock()) if since else None
        places = [p for p in service.PLACES if p in (within or ("stories", "responses"))]
        found = service.search(workspace, query, within=places, since=moment, limit=limit, say=say)
    lines: list[str] = [f"caution: {c.message}; {c.hint}" for c in found.query.cautions]
    for place in places:
        hits = [hit for where, hit in found.hits if where == place]
        if not hits:
            continue
        lines.append(f"{HEADINGS[place]}:")
        for hit in hits:
            text = hit.text
            name = text.story if place == "stories" else text.id
            state = f", {text.state}" if text.state else ""
            lines.append(f"  {hit.title}")
            lines.append(f"    {name}, {text.source}{state}, {shown(text.at, zone_name=zone)}")
            if hit.snippet:
                lines.append(f"    {hit.snippet}")
        if place in found.more:
            lines.append(f"  ... and more; ask for them with -n {2 * limit}")
    if not found.hits:
        lines.append(f"nothing in {found.indexed} texts")
    data = {
        "query": str(found.query),
        "cautions": [{"message": c.message, "hint": c.hint} for c in found.query.cautions],
        "indexed": found.indexed,
        "more": found.more,
        "hits": [
            {
                "in": place,
                "id": hit.text.story if place == "stories" else hit.text.id,
                "story": hit.text.story,
                "title": hit.text.title,
                "marked": hit.title,
                "source": hit.text.source,
                "at": hit.text.at,
                "url": hit.text.url,
                "state": hit.text.state,
                "snippet": hit.snippet,
                "why": hit.result.why(),
                "spans": [[s.field, s.start, s.end] for s in hit.result.spans],
            }
            for place, hit in found.hits
        ],
    }
    emit(data, "\n".join(lines), as_json=as_json)
