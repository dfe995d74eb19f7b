"""``whistlestop story``: entries about one event, and why an issue asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from responders.rank import Lift
    from responders.store.hands import Hand


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
    """The newest stories, the urgent ones first; thumbs move them, and hide none.

    \b
    Example:
      whistlestop story list --matched
    """
    from responders.services import stories as service
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    found = service.listed(workspace, limit=limit, matched=matched)
    told = any(i.lift for i in found)
    urgent = [i for i in found if i.urgency]
    rows = [
        [i.story.id, shown(i.story.first_at, zone_name=zone), len(i.story.outlets),
         i.story.title[:70], ", ".join(i.issues),
         *([i.lift.in_words() if i.lift else ""] if told else [])]
        for i in found
    ]  # fmt: skip
    data = [
        {"story": i.story.id, "first_at": i.story.first_at, "outlets": i.story.outlets,
         "title": i.story.title, "entries": len(i.story.entries), "issues": i.issues,
         "lift": _lift(i.lift) if i.lift else None,
         "urgency": i.urgency.level if i.urgency else "digest",
         "urgent_because": i.urgency.reasons if i.urgency else ()}
        for i in found
    ]  # fmt: skip
    headers = ["story", "first seen", "outlets", "headline", "issues"]
    headers += ["moved by thumbs"] if told else []
    lines = [table(rows, headers) if rows else "no story yet"]
    lines += [f"{i.urgency.level}: {i.story.id}: {i.urgency.in_words()}"
              for i in urgent if i.urgency]  # fmt: skip
    emit(data, "\n".join(lines), as_json=as_json)


def _lift(lift: Lift) -> dict[str, Any]:
    return {
        "issue": lift.issue,
        "hours": lift.hours,
        "own": lift.own,
        "reasons": [{"trait": trait, "weight": weight} for trait, weight in lift.reasons],
    }


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
    from responders.services.alarm import urgency
    from responders.store import archive
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        found = archive.story(conn, story_id)
        matches = archive.matches(conn, story_id=found.id)
        now = workspace.clock()
        urgent = {m.issue: urgency(conn, story=found.id, issue=m.issue, now=now) for m in matches}
    lines = [found.title, f"{found.id}, first seen {shown(found.first_at, zone_name=zone)}"]
    lines += [
        f"- {entry.id} {outlet}: {entry.title}" + (" (copy)" if entry.copy_of else "")
        + (f"\n    {entry.url}" if entry.url else "")
        for entry, outlet in found.entries
    ]  # fmt: skip
    for m in matches:
        lines.append(f"matches {m.issue} (version {m.issue_version}): {m.why}")
        if urgent[m.issue].rank:
            lines.append(f"  {urgent[m.issue].level}: {urgent[m.issue].in_words()}")
    if matches:
        lines.append(f"draft it now: whistlestop draft raise {found.id}")
    data = {
        "story": found.id,
        "first_at": found.first_at,
        "outlets": found.outlets,
        "entries": [
            {"entry": e.id, "title": e.title, "url": e.url, "outlet": o, "published": e.published,
             "copy_of": e.copy_of}
            for e, o in found.entries
        ],
        "matches": [
            {"issue": m.issue, "version": m.issue_version, "why": m.why, "matched": m.matched,
             "urgency": urgent[m.issue].level, "urgent_because": urgent[m.issue].reasons}
            for m in matches
        ],
    }  # fmt: skip
    emit(data, "\n".join(lines), as_json=as_json)


@story.command()
@click.argument("story_id", metavar="STORY")
@click.argument("issue", required=False)
@click.option("--undo", is_flag=True, help="Take your thumb back.")
@json_option
@pass_app
def up(app: App, story_id: str, issue: str | None, undo: bool, as_json: bool) -> None:
    """More like this: such stories move up the list. Nothing is hidden.

    \b
    Example:
      whistlestop story up story_01k... labor
    """
    _thumb(app, story_id, issue, up=None if undo else True, as_json=as_json)


@story.command()
@click.argument("story_id", metavar="STORY")
@click.argument("issue", required=False)
@click.option("--undo", is_flag=True, help="Take your thumb back.")
@json_option
@pass_app
def down(app: App, story_id: str, issue: str | None, undo: bool, as_json: bool) -> None:
    """Less like this: such stories move down the list. Nothing is hidden.

    \b
    Example:
      whistlestop story down story_01k... labor
    """
    _thumb(app, story_id, issue, up=None if undo else False, as_json=as_json)


def _thumb(app: App, story_id: str, issue: str | None, *, up: bool | None, as_json: bool) -> None:
    from responders.services import stories as service

    moved = service.thumb(app.workspace(), story_id, issue, up=up)
    way = {True: "up", False: "down", None: "up"}[up]
    lines = [moved.in_words() if moved.hours else f"not moved for {moved.issue}"]
    if up is not None:
        lines.append(f"take it back: whistlestop story {way} {story_id} {moved.issue} --undo")
    emit({"story": story_id, **_lift(moved)}, "\n".join(lines), as_json=as_json)


@story.command()
@click.argument("one", metavar="STORY")
@click.argument("other", metavar="OTHER")
@json_option
@pass_app
def merge(app: App, one: str, other: str, as_json: bool) -> None:
    """Make one story of two. Both ids lead to it, and drafts that were raised stay.

    \b
    Example:
      whistlestop story merge story_01k... story_01m...
    """
    from responders.services import stories as service

    hand = service.merge(app.workspace(), one, other)
    emit(_hand(hand), f"{hand.other} went into {hand.kept}\n{_back(hand)}", as_json=as_json)


@story.command()
@click.argument("story_id", metavar="STORY")
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True)
@json_option
@pass_app
def split(app: App, story_id: str, entries: tuple[str, ...], as_json: bool) -> None:
    """Take entries out of a story into one of their own. The two stay apart.

    `story show` lists the entries with their ids.

    \b
    Example:
      whistlestop story split story_01k... entry_01k... entry_01m...
    """
    from responders.services import stories as service

    hand = service.split(app.workspace(), story_id, entries)
    noun = "entry" if len(hand.entries) == 1 else "entries"
    text = f"{len(hand.entries)} {noun} went from {hand.kept} into {hand.other}"
    emit(_hand(hand), f"{text}\n{_back(hand)}", as_json=as_json)


@story.command()
@click.argument("story_id", metavar="STORY")
@json_option
@pass_app
def undo(app: App, story_id: str, as_json: bool) -> None:
    """Take the newest merge or split of a story back.

    \b
    Example:
      whistlestop story undo story_01k...
    """
    from responders.services import stories as service

    hand = service.undo(app.workspace(), story_id)
    done = {
        "merge": f"{hand.kept} and {hand.other} are two stories again",
        "split": f"{hand.other} went back into {hand.kept}",
    }[hand.kind]
    emit(_hand(hand), done, as_json=as_json)


def _hand(hand: Hand) -> dict[str, Any]:
    return {
        "kind": hand.kind,
        "kept": hand.kept,
        "other": hand.other,
        "entries": hand.entries,
    }


def _back(hand: Hand) -> str:
    return f"take it back: whistlestop story undo {hand.kept}"
