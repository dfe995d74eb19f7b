"""``whistlestop release``, ``handback``, ``bridge``: cleared words out, and on to their test."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from responders.release.texting import Dialect
    from responders.services.release import Delivery
    from responders.store.releases import PlanRow
    from testkit.kernel.workspace import Workspace


@click.command()
@click.argument("draft", metavar="DRAFT", required=False)
@click.option("--at", "at_text", metavar="TIME", help='When, such as "2026-11-03 09:00".')
@click.option("--embargo", metavar="TIME", help="Not before; with --at, the later of both counts.")
@click.option("--cancel", is_flag=True, help="Take a planned release back.")
@click.option("--list", "listing", is_flag=True, help="What was released and what is planned.")
@json_option
@pass_app
def release(
    app: App,
    draft: str | None,
    at_text: str | None,
    embargo: str | None,
    cancel: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Hand the signed words of DRAFT to the channels, once: now, or when their time has come.

    They always come as a folder of files. Live channels (see channels.NAME.out) get them too, with
    the next tick, unless the workspace is in practice mode.

    \b
    Example:
      whistlestop release draft_01k...
      whistlestop release draft_01k... --at "2026-11-03 09:00" --embargo "2026-11-03 10:00"
    """
    from testkit.kernel.clock import parse_local

    workspace = app.workspace()
    if listing:
        _list(workspace, as_json=as_json)
        return
    if not draft:
        raise click.UsageError("name a DRAFT, or use --list")
    zone_name = workspace.config.organisation.zone

    def moment(text: str | None) -> datetime | None:
        return parse_local(text, zone_name=zone_name) if text else None

    if cancel:
        _show_plan(workspace, take_back_plan(workspace, draft), word="taken back", as_json=as_json)
    elif at_text or embargo:
        from responders.services.schedule import plan

        row = plan(workspace, draft, at=moment(at_text), embargo=moment(embargo))
        _show_plan(workspace, row, word="planned", as_json=as_json)
    else:
        _release_now(workspace, draft, as_json=as_json)


def take_back_plan(workspace: Workspace, draft: str) -> PlanRow:
    """Take a plan back; imported late, like every service."""
    from responders.services.schedule import take_back

    return take_back(workspace, draft)


def _show_plan(workspace: Workspace, row: PlanRow, *, word: str, as_json: bool) -> None:
    from testkit.kernel.clock import from_text, shown

    when = shown(from_text(row.publish_at), zone_name=workspace.config.organisation.zone)
    more = "\na tick sends it then: keep `whistlestop up` or `watch` running"
    emit(
        {"plan": row.id, "draft": row.draft, "request": row.request, "at": row.publish_at,
         "state": word},
        f"{word}: {row.draft}, {when}{more if word == 'planned' else ''}",
        as_json=as_json,
    )  # fmt: skip


def _list(workspace: Workspace, *, as_json: bool) -> None:
    from responders.services.release import corrected
    from responders.store import drafts, releases
    from testkit.kernel.clock import from_text, shown
    from testkit.signoff import service

    zone_name = workspace.config.organisation.zone
    with workspace.db.read() as conn:
        done, plans = drafts.releases(conn), releases.open_plans(conn)
        titles = {d.id: d.title for d in drafts.listed(conn, dropped=True)}
        old = {r.id: corrected(conn, r.request) for r in done}
        now = {r.id: service.load(conn, r.request).state.state.value for r in done}
    data: list[dict[str, Any]] = [
        {
            "release": None,
            "plan": p.id,
            "draft": p.draft,
            "at": p.publish_at,
            "by": p.by,
            "practice": None,
            "state": "planned",
            "corrects": None,
        }
        for p in plans
    ]
    data += [
        {"release": r.id, "plan": None, "draft": r.draft, "at": r.at, "by": r.by,
         "practice": r.practice, "state": now[r.id], "corrects": old[r.id] or None}
        for r in done
    ]  # fmt: skip
    rows = [
        (d["release"] or "(planned)", shown(from_text(d["at"]), zone_name=zone_name), d["by"],
         d["state"] + (f", corrects {d['corrects']}" if d["corrects"] else ""), d["draft"],
         titles.get(d["draft"], ""))
        for d in data
    ]  # fmt: skip
    text = table(rows, ["release", "when", "by", "state", "draft", "title"]) if rows else "none yet"
    emit(data, text, as_json=as_json)


def _delivery_lines(deliveries: Sequence[Delivery], zone_name: str) -> list[str]:
    """What arrived on which live channel, and what is still to go."""
    from testkit.kernel.clock import from_text, shown

    lines = []
    for each in deliveries:
        if each.last_at:
            when = shown(from_text(each.last_at), zone_name=zone_name)
            lines.append(f"{each.channel}: {each.sent} delivered, the last {when}")
        if each.kept_back:
            lines.append(f"{each.channel}: {each.kept_back} kept back")
        if each.unclear:
            lines.append(f"{each.channel}: {each.unclear} for you to decide: outbox list")
    waiting = [each.channel for each in deliveries if each.waiting]
    if waiting:
        lines.append(f"goes to {', '.join(waiting)} with the next tick, or: outbox send")
    return lines


def _release_now(workspace: Workspace, draft: str, *, as_json: bool) -> None:
    from responders.services.release import release as run
    from testkit.kernel.clock import from_text, shown

    done = run(workspace, draft)
    zone_name = workspace.config.organisation.zone
    head = f"released as {done.row.id}"
    if not done.new:
        known = workspace.roster.get(done.row.by)
        when = shown(from_text(done.row.at), zone_name=zone_name)
        by = known.name if known else done.row.by
        head = f"was released before, as {done.row.id}, by {by} {when}"
    mark = " (PRACTICE: marked, not for sending)" if done.row.practice else ""
    files = [workspace.shown(path) for path in done.files]
    lines = [f"{head}{mark}", *(f"  {path}" for path in files)]
    if done.corrected_by:
        lines.append(f"corrected since by {done.corrected_by}")
    lines += done.remarks
    lines += _delivery_lines(done.deliveries, zone_name)
    lines.append(
        f"next: whistlestop bridge {done.row.id} --list-size N --base-rate R --outcome called"
    )
    emit(
        {"release": done.row.id, "new": done.new, "practice": done.row.practice,
         "revision": done.row.revision, "material_digest": done.row.material_digest,
         "campaign": done.campaign, "live": done.live,
         "deliveries": [asdict(each) for each in done.deliveries],
         "corrected_by": done.corrected_by or None, "remarks": done.remarks, "files": files},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip


@click.command()
@click.argument("release_id", metavar="RELEASE")
@click.argument(
    "lists", metavar="LIST...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--tool",
    type=click.Choice(["spoke", "spoke-rewired"]),
    default="spoke",
    show_default=True,
    help="Whose upload.",
)
@click.option("--map", "pairs", metavar="WHAT=COLUMN", multiple=True,
              help="first, last, cell, zip or id = a column of the list.")  # fmt: skip
@json_option
@pass_app
def handback(
    app: App,
    release_id: str,
    lists: tuple[Path, ...],
    tool: Dialect,
    pairs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Join the lists of an experiment with the words of its RELEASE, for peer-to-peer texting.

    LIST is what `experiment assign` wrote: one file per wave and arm. Each gets a neighbour that
    the tool can import, with the arm and its words as custom fields.

    \b
    Example:
      whistlestop handback rel_01k... wave-01-a.csv --map cell=Mobile
    """
    from responders.services.handback import handback as run

    bad = [text for text in pairs if "=" not in text]
    if bad:
        raise click.BadParameter(f"{bad[0]!r} is not WHAT=COLUMN", param_hint="--map")
    workspace = app.workspace()
    made = run(
        workspace,
        release_id,
        lists,
        dialect=tool,
        given=dict(text.split("=", 1) for text in pairs),
    )
    data = [{"file": workspace.shown(path), "people": count} for path, count in made]
    emit(
        {"release": release_id, "tool": tool, "files": data},
        "\n".join(f"{d['file']}: {d['people']} people" for d in data),
        as_json=as_json,
    )


@click.command()
@click.argument("release_id", metavar="RELEASE")
@click.option("--channel", default="email", show_default=True, help="Whose two variants.")
@click.option("--name", help="Name of the experiment; else made from the issue.")
@click.option("--outcome", default="acted", show_default=True, help="The deed that counts.")
@click.option("--base-rate", type=float, required=True, help="Share that does it today.")
@click.option("--list-size", type=int, required=True, help="People on the list.")
@json_option
@pass_app
def bridge(
    app: App,
    release_id: str,
    channel: str,
    name: str | None,
    outcome: str,
    base_rate: float,
    list_size: int,
    as_json: bool,
) -> None:
    """Turn a release into an experiment: its two variants become the arms.

    \b
    Example:
      whistlestop bridge rel_01k... --list-size 40000 --base-rate 0.03 --outcome called
    """
    from responders.bridge import answers_of
    from responders.release.links import campaign_of
    from responders.store import drafts
    from testkit.services.define import new
    from testkit.signoff import store as requests

    workspace = app.workspace()
    with workspace.db.read() as conn:
        row = drafts.release(conn, release_id)
        draft = drafts.get(conn, row.draft)
        fields = requests.revision(conn, row.revision).fields
    name = name or campaign_of(draft.issue, row.id)
    answers = answers_of(
        fields,
        channel=channel,
        title=draft.title,
        release_id=row.id,
        outcome=outcome,
        base_rate=base_rate,
        list_size=list_size,
    )
    path = workspace.shown(new(workspace, name, answers))
    emit(
        {"experiment": name, "path": path, "release": row.id},
        f"wrote {path}\nnext: whistlestop experiment check {name}",
        as_json=as_json,
    )
