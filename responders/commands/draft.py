"""``whistlestop draft``: words in progress, with the reason they were raised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from responders.services.standing import Standing
    from responders.store.drafts import DraftRow


@click.group()
def draft() -> None:
    """Drafts: read, edit, put before the chain.

    \b
    Example:
      whistlestop draft list
    """


def _data(row: DraftRow) -> dict[str, Any]:
    return {
        "draft": row.id,
        "story": row.story,
        "issue": row.issue,
        "issue_version": row.issue_version,
        "title": row.title,
        "reason": row.reason,
        "risk": row.risk,
        "hold": row.hold,
        "raised_at": row.raised_at,
        "dropped_at": row.dropped_at,
        "content": row.content,
        "facts": row.facts,
    }


def _text(row: DraftRow) -> str:
    from testkit.commands.signoff import words_text

    lines = [
        row.title,
        f"{row.id}, issue {row.issue} (version {row.issue_version}), risk {row.risk}",
        f"why: {row.reason}",
    ]
    if row.facts.get("reading"):
        lines.append(row.facts["reading"])
    if row.hold:
        lines.append("HOLD: nothing should be asked of anybody yet")
    for finding in row.facts.get("findings", []):
        hint = f" ({finding['hint']})" if finding.get("hint") else ""
        where = f"{finding['where']}: " if finding.get("where") else ""
        lines.append(
            f"  {where}{finding['severity']} {finding['code']}: {finding['message']}{hint}"
        )
    lines.append(words_text(row.content))
    for channel, proposal in row.facts.get("proposed", {}).items():
        words = proposal["words"]
        lines.append(f"--- {channel}, proposed by your hook (not part of the draft)")
        lines += [f"{name}: {words[name]}" for name in ("subject", "preheader") if name in words]
        lines.append(words["body"].rstrip())
        lines += [
            f"  {finding['severity']} {finding['code']}: {finding['message']}"
            for finding in proposal["findings"]
        ]
    return "\n".join(lines)


def _level(place: Standing) -> str:
    return place.urgency.level if place.urgency else "digest"


def _standing(place: Standing) -> dict[str, Any]:
    return {
        "urgency": _level(place),
        "urgent_because": place.urgency.reasons if place.urgency and place.urgency.rank else (),
        "moved_by_thumbs_hours": place.lift.hours if place.lift else 0.0,
    }


@draft.command("list")
@click.option("--all", "dropped", is_flag=True, help="Also those put aside.")
@json_option
@pass_app
def list_(app: App, dropped: bool, as_json: bool) -> None:
    """Drafts, the urgent ones first, then as thumbs move their stories, then the newest.

    \b
    Example:
      whistlestop draft list
    """
    from responders.services.standing import drafts_in_order
    from testkit.signoff import service
    from testkit.signoff import store as requests

    workspace = app.workspace()
    rows = []
    found = drafts_in_order(workspace, dropped=dropped)
    with workspace.db.read() as conn:
        for row, place in found:
            request = requests.of_subject(conn, f"draft/{row.id}")
            state = service.load(conn, request.id).state.state.value if request else "draft"
            state = "put aside" if row.dropped_at else state.replace("_", " ")
            rows.append((row.id, state, row.issue, row.risk, _level(place), row.title[:60]))
    headers = ["draft", "state", "issue", "risk", "urgency", "headline"]
    lines = [table(rows, headers) if rows else "no draft yet"]
    lines += [f"{row.id}: {place.in_words()}" for row, place in found if place.in_words()]
    emit(
        [
            {**_data(row), "state": line[1], **_standing(place)}
            for (row, place), line in zip(found, rows, strict=True)
        ],
        "\n".join(lines),
        as_json=as_json,
    )


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@json_option
@pass_app
def show(app: App, draft_id: str, as_json: bool) -> None:
    """The words of a draft, why it was raised, and what lint says.

    \b
    Example:
      whistlestop draft show draft_01k...
    """
    from responders.services.draft import lint_now
    from responders.services.standing import standing
    from responders.store import drafts

    workspace = app.workspace()
    with workspace.db.read() as conn:
        row = drafts.get(conn, draft_id)
        row = replace(
            row, facts={**row.facts, "findings": lint_now(conn, workspace, row, row.content)}
        )
    place = standing(workspace, row)
    now = f"now: {place.in_words()}\n" if place.in_words() else ""
    text = f"{now}{_text(row)}\nnext: whistlestop --as NAME draft submit {row.id}"
    emit({**_data(row), **_standing(place)}, text, as_json=as_json)


@draft.command("raise")
@click.argument("story")
@click.option("--issue", "issue_slug", help="The issue, where the story matches several.")
@json_option
@pass_app
def raise_(app: App, story: str, issue_slug: str | None, as_json: bool) -> None:
    """Raise a draft for a matched story now, however few outlets carry it.

    \b
    Example:
      whistlestop draft raise story_01k...
    """
    from responders.services.draft import raise_one

    done = raise_one(app.workspace(), story, issue_slug)
    head = "" if done.new else "this story has a draft for that issue; nothing was raised\n"
    emit({"new": done.new, **_data(done.row)}, f"{head}{_text(done.row)}", as_json=as_json)


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@click.option("--channel", required=True, help="email, sms, post or call.")
@click.option("--variant", required=True, help="a, b ...")
@click.option("--subject", help="New subject.")
@click.option("--preheader", help="New preheader.")
@click.option("--body", help="New words.")
@click.option(
    "--body-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the new words.",
)
@json_option
@pass_app
def edit(
    app: App,
    draft_id: str,
    channel: str,
    variant: str,
    subject: str | None,
    preheader: str | None,
    body: str | None,
    body_file: Path | None,
    as_json: bool,
) -> None:
    """Change words; under review this makes a new revision and voids sign-offs on the old one.

    \b
    Example:
      whistlestop draft edit draft_01k... --channel sms --variant a --body "Call 555 0100 today"
    """
    from responders.services.draft import edit as run
    from testkit.commands.signoff import asked_now, turn_lines
    from testkit.errors import InputError
    from testkit.kernel.yamlfile import read_text
    from testkit.signoff.service import find

    if body_file is not None:
        body = read_text(body_file)
    given = {"subject": subject, "preheader": preheader, "body": body}
    changes = {name: text for name, text in given.items() if text is not None}
    if not changes:
        raise InputError("nothing to change", field="body", hint="give --body, --body-file ...")
    workspace = app.workspace()
    row, changed, revision = run(
        workspace, draft_id, channel=channel, variant=variant, changes=changes
    )
    text = "nothing changed" if not changed else f"{row.id}: {channel}/{variant} has new words"
    data: dict[str, Any] = {"changed": changed, "revision": revision or None}
    if revision:
        with workspace.db.read() as conn:
            request = find(conn, revision)
        names = {person.id: person.name for person in workspace.roster.people}
        outdated = dict.fromkeys(s.actor for s in request.state.standing("outdated"))
        voided = [names.get(actor, actor) for actor in outdated]
        data |= {"voided": list(outdated), "asked": asked_now(workspace, request)}
        text += f"; revision {revision} is before the chain"
        if voided:
            text += f"\nno longer counts, said of other words: {', '.join(voided)}"
        text = "\n".join([text, *turn_lines(workspace, request)])
    emit({**data, **_data(row)}, text, as_json=as_json)


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@click.option("--channel", required=True, help="email, sms, post or call.")
@click.option("--variant", required=True, help="The variant to give up: a, b ...")
@json_option
@pass_app
def take(app: App, draft_id: str, channel: str, variant: str, as_json: bool) -> None:
    """Put what your hook proposed into the place of a variant; an edit that says where it is from.

    \b
    Example:
      whistlestop draft take draft_01k... --channel sms --variant b
    """
    from responders.services.draft import take as run

    row, changed, revision = run(app.workspace(), draft_id, channel=channel, variant=variant)
    text = "nothing changed" if not changed else f"{row.id}: {channel}/{variant} has new words"
    if revision:
        text += f"; revision {revision} is before the chain, earlier sign-offs are outdated"
    emit({"changed": changed, "revision": revision or None, **_data(row)}, text, as_json=as_json)


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@click.argument("number", type=int)
@json_option
@pass_app
def accept(app: App, draft_id: str, number: int, as_json: bool) -> None:
    """Take over a suggestion that somebody made with `signoff comment`; makes a new revision.

    You become an editor of the words; whoever suggested them does not, and may still approve.

    \b
    Example:
      whistlestop --as sam draft accept draft_01k... 3
    """
    from responders.services.suggestions import accept as run
    from testkit.commands.signoff import turn_lines
    from testkit.signoff.service import find

    workspace = app.workspace()
    row, revision = run(workspace, draft_id, number)
    with workspace.db.read() as conn:
        request = find(conn, revision)
    text = "\n".join(
        [f"taken over; revision {revision} is before the chain", *turn_lines(workspace, request)]
    )
    emit({"revision": revision, "suggestion": number, **_data(row)}, text, as_json=as_json)


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@click.option("--author", help="Whose words they are; else you (see --as).")
@click.option(
    "--spend",
    "spend_cents",
    type=click.IntRange(min=0),
    default=0,
    help="Money behind it, in cents.",
)
@click.option(
    "--risk", type=click.Choice(["low", "medium", "high"]), help="Other than the draft's."
)
@click.option("--no-candidate", is_flag=True, help="It names no candidate.")
@click.option("--known-position", is_flag=True, help="It says nothing new for us.")
@click.option("--lane", default="", help="Pre-cleared words to send instead of the draft's.")
@click.option(
    "--slot", "slots", metavar="NAME=TEXT", multiple=True, help="What a slot of them holds."
)
@json_option
@pass_app
def submit(
    app: App,
    draft_id: str,
    author: str | None,
    spend_cents: int,
    risk: str | None,
    no_candidate: bool,
    known_position: bool,
    lane: str,
    slots: tuple[str, ...],
    as_json: bool,
) -> None:
    """Put a draft before the chain of its issue. What you do not state counts as if it mattered.

    With --lane, words that were cleared beforehand take the place of the draft's own and go
    through the fast lane: nobody is asked, somebody looks afterwards.

    \b
    Example:
      whistlestop --as sam draft submit draft_01k... --no-candidate --known-position
      whistlestop --as sam draft submit draft_01k... --lane vote-thanks --slot bill="HR 12"
    """
    from responders.services.draft import submit as run
    from testkit.commands.powers import slots_of
    from testkit.commands.signoff import as_data, as_text

    if slots and not lane:
        from testkit.errors import InputError

        raise InputError(
            "--slot fills pre-cleared words, and no lane is named",
            field="--slot",
            value=slots[0],
            hint="add --lane NAME",
        )
    workspace = app.workspace()
    facts: dict[str, Any] = {}
    if risk:
        facts["risk"] = risk
    if no_candidate:
        facts["names_candidate"] = False
    if known_position:
        facts["position_is_new"] = False
    request, new = run(
        workspace,
        draft_id,
        author=author or workspace.actor.name,
        spend_cents=spend_cents,
        facts=facts,
        lane=lane,
        slots=slots_of(slots),
    )
    head = "before the chain" if new else "it was before the chain already; nothing changed"
    then = f"--as NAME signoff approve {request.revision.id}"
    if new and lane:
        head = "through the fast lane"
    if request.state.cleared_by:
        then = f"release {draft_id}"
    text = f"{head}\n{as_text(workspace, request)}\nnext: whistlestop {then}"
    emit({"new": new, **as_data(request)}, text, as_json=as_json)


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@json_option
@pass_app
def drop(app: App, draft_id: str, as_json: bool) -> None:
    """Put a draft aside; `keep` takes it up again.

    \b
    Example:
      whistlestop draft drop draft_01k...
    """
    from responders.services.draft import put_aside

    row = put_aside(app.workspace(), draft_id, aside=True)
    emit(_data(row), f"{row.id} is put aside; to take it up: whistlestop draft keep {row.id}",
         as_json=as_json)  # fmt: skip


@draft.command()
@click.argument("draft_id", metavar="DRAFT")
@json_option
@pass_app
def keep(app: App, draft_id: str, as_json: bool) -> None:
    """Take up a draft that was put aside.

    \b
    Example:
      whistlestop draft keep draft_01k...
    """
    from responders.services.draft import put_aside

    row = put_aside(app.workspace(), draft_id, aside=False)
    emit(_data(row), f"{row.id} counts again", as_json=as_json)


@draft.command()
@click.argument("channel")
@click.option("--lang", default="en", show_default=True, help="Language: en or es.")
@json_option
@pass_app
def template(app: App, channel: str, lang: str, as_json: bool) -> None:
    """Copy the bundled template of CHANNEL into the workspace, to be changed and adopted.

    \b
    Example:
      whistlestop draft template sms --lang es
    """
    from responders.services.template_page import copy_template

    path, new = copy_template(app.workspace(), channel, lang=lang)
    said = f"wrote {path}" if new else f"{path} is there already; nothing changed"
    emit({"path": path, "new": new}, f"{said}\nnext: whistlestop adopt {path}", as_json=as_json)


@draft.command()
@click.option("--cause", default="", help="Only this issue's stories, e.g. labor.")
@click.option("--story", "names", multiple=True, help="Only this story; may be repeated.")
@click.option(
    "--marks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file with a reader's marks: story,cause,mark,note,reader,date.",
)
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write pages into this folder instead of printing.",
)
@json_option
@pass_app
def rehearse(
    app: App,
    cause: str,
    names: tuple[str, ...],
    marks: Path | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """What would be drafted for a hundred replayed stories; with marks, the share that can go out.

    In a workspace the adopted issues and templates are used, elsewhere the bundled ones.

    \b
    Example:
      whistlestop draft rehearse --cause labor --story meatpacking-strike
    """
    from responders.services import rehearsal
    from testkit.errors import NotFoundError
    from testkit.kernel.yamlfile import read_text

    try:
        workspace = app.workspace()
    except NotFoundError:
        if app.folder is not None:
            raise
        workspace = None
    done = rehearsal.run(
        workspace,
        clock=app.clock,
        cause=cause,
        names=names,
        marks=read_text(marks) if marks else "",
        folder=folder,
    )
    emit(done.data, done.text, as_json=as_json)
