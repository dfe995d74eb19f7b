"""``whistlestop replay``: a stored day once more, for training and for tests."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.kernel.console import App, emit, json_option, pass_app, progress


@click.command()
@click.argument("source", metavar="FOLDER|ARCHIVE|NAME")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day; else the fullest one.")
@click.option(
    "--speed",
    default=100.0,
    show_default=True,
    help="So many times as fast as it was; 0 takes one step after the other without a pause.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder, to keep the replay's workspace; else it is thrown away.",
)
@json_option
@pass_app
def replay(
    app: App, source: str, day: object, speed: float, into: Path | None, as_json: bool
) -> None:
    """Run a stored day through the newsroom again: poll, match, draft. Nothing leaves.

    Replays a workspace's archive, a folder of feed files, or a bundled stretch (first-light), with
    the issues adopted here, in a workspace of its own: no channel, key or alarm of yours is in it.

    \b
    Example:
      whistlestop replay first-light --speed 0
      whistlestop replay archive.db --day 2026-11-02 --into training
    """
    import time
    from datetime import datetime

    from responders.services import replay as service
    from testkit.errors import NotFoundError
    from testkit.kernel.clock import shown

    try:
        workspace = app.workspace()
    except NotFoundError:  # nobody needs a workspace to train
        files, settings, zone = dict(app.starter()), dict[str, str](), "UTC"
    else:
        files, settings = service.proposals_of(workspace, app.starter())
        zone = workspace.config.organisation.zone
    recording = service.recording_of(
        source,
        day=day.date() if isinstance(day, datetime) else None,
        zone_name=zone,
        now=app.clock(),
    )
    with progress() as say:
        done = service.replay(
            recording,
            schemas=app.schemas(),
            kinds=app.kinds(),
            files=files,
            settings=settings,
            speed=speed,
            into=into,
            timer=time.perf_counter,
            sleep=time.sleep,
            say=say,
        )
    first, last = (shown(moment, zone_name=zone) for moment in (done.start, done.end))
    lines = [f"replayed {first} to {last} in {done.ticks} steps"]
    lines.append(
        f"{done.entries} entries ({done.copies} copies), {done.matches} matches,"
        f" {len(done.drafts)} drafts"
    )
    for draft in done.drafts:
        after = "" if draft.after_s is None else f", {draft.after_s:.1f} s after it was fetched"
        lines.append(f"  {shown(draft.at, zone_name=zone)} {draft.issue}: {draft.title}{after}")
    lines += [f"problem: {feed}: {problem}" for feed, problem in done.problems]
    if into is not None:
        lines.append(f"look at it: whistlestop -C {into} draft list")
    data = {
        "name": done.name,
        "start": done.start,
        "end": done.end,
        "steps": done.ticks,
        "entries": done.entries,
        "copies": done.copies,
        "matches": done.matches,
        "drafts": [
            {"draft": d.draft, "issue": d.issue, "title": d.title, "at": d.at,
             "after_s": d.after_s}
            for d in done.drafts
        ],
        "problems": [{"feed": f, "problem": p} for f, p in done.problems],
        "into": str(into) if into else None,
    }  # fmt: skip
    emit(data, "\n".join(lines), as_json=as_json)
