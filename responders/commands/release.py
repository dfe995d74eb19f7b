"""``whistlestop release`` and ``whistlestop bridge``: cleared words out, and on to their test."""

from __future__ import annotations

import click

from testkit.kernel.console import App, emit, json_option, pass_app


@click.command()
@click.argument("draft", metavar="DRAFT")
@json_option
@pass_app
def release(app: App, draft: str, as_json: bool) -> None:
    """Hand the signed words of DRAFT out as a folder of files, once.

    \b
    Example:
      whistlestop release draft_01k...
    """
    from responders.services.release import release as run

    workspace = app.workspace()
    done = run(workspace, draft)
    head = f"released as {done.row.id}" if done.new else f"was released before, as {done.row.id}"
    mark = " (PRACTICE: marked, not for sending)" if done.row.practice else ""
    files = [workspace.shown(path) for path in done.files]
    lines = [f"{head}{mark}", *(f"  {path}" for path in files)]
    lines.append(
        f"next: whistlestop bridge {done.row.id} --list-size N --base-rate R --outcome called"
    )
    emit(
        {"release": done.row.id, "new": done.new, "practice": done.row.practice,
         "revision": done.row.revision, "material_digest": done.row.material_digest,
         "files": files},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip


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
    from responders.store import drafts
    from testkit.services.define import new
    from testkit.signoff import store as requests

    workspace = app.workspace()
    with workspace.db.read() as conn:
        row = drafts.release(conn, release_id)
        draft = drafts.get(conn, row.draft)
        fields = requests.revision(conn, row.revision).fields
    name = name or f"{draft.issue}-{row.id.removeprefix('rel_')[-6:]}"
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
