"""``whistlestop signoff`` beside the yes and no: override, stop, correct, re-open, look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.signoff.service import Request

WHAT = click.argument("what", metavar="REQUEST")
WHY = click.option("-m", "--reason", required=True, help="Why; it stands in the record.")
DRY = click.option("--dry-run", is_flag=True, help="Say whether it would be taken; record nothing.")


def _answer(app: App, request: Request, head: str, *, dry_run: bool, as_json: bool) -> None:
    from testkit.commands.signoff import as_data, as_text

    first = "it would be taken; nothing was recorded" if dry_run else head
    emit(
        {"recorded": not dry_run, **as_data(request)},
        f"{first}\n{as_text(app.workspace(), request)}",
        as_json=as_json,
    )


@click.command()
@WHAT
@WHY
@DRY
@json_option
@pass_app
def override(app: App, what: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Clear these words in an emergency; a second person has to look afterwards.

    REQUEST is a request, a revision or a draft. Only the roles that the chain and the charter name
    may, in person. To undo it before the release: withdraw, block or kill.

    \b
    Example:
      whistlestop --as jo signoff override draft_01k... -m "the vote is in ten minutes"
    """
    from testkit.signoff.acts import override as run

    done = run(app.workspace(), what, reason=reason, dry_run=dry_run)
    _answer(app, done, "overridden; a second person has to look", dry_run=dry_run, as_json=as_json)


def slots_of(given: Sequence[str]) -> dict[str, str]:
    """What ``--slot NAME=TEXT`` says.

    Raises:
        InputError: It is no such pair.
    """
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise InputError(
                f"{text!r} is not NAME=TEXT",
                field="slot",
                value=text,
                hint='write --slot bill="HR 12"',
            )
        found[name.strip()] = value
    return found


@click.command()
@WHAT
@click.option("--words", default="", help="Name of the cleared words; else those that fit best.")
@click.option(
    "--slot", "slots", metavar="NAME=TEXT", multiple=True, help="What a slot holds; else read off."
)
@DRY
@json_option
@pass_app
def lane(
    app: App, what: str, words: str, slots: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Send a request through the fast lane: pre-cleared words, nothing changed but their slots.

    Nobody is asked; a look afterwards is owed. One other word, and the stages decide: you are
    told which word it was. Words are cleared by adopting lanes/NAME.yaml.

    \b
    Example:
      whistlestop --as sam signoff lane draft_01k... --dry-run
      whistlestop --as sam signoff lane draft_01k... --words vote-thanks
    """
    from testkit.signoff.cleared import enter as run

    done = run(app.workspace(), what, words=words, slots=slots_of(slots), dry_run=dry_run)
    _answer(app, done, "through the fast lane", dry_run=dry_run, as_json=as_json)


@click.command("lane-close")
@click.argument("name")
@WHY
@DRY
@json_option
@pass_app
def lane_close(app: App, name: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Take pre-cleared words back: from now on they need the stages again.

    Whoever may clear them may take them back, alone: it is the brake. What went through before
    stays cleared; see kill. Adopting lanes/NAME.yaml again undoes it.

    \b
    Example:
      whistlestop --as kim signoff lane-close vote-thanks -m "the law has changed"
    """
    from testkit.signoff.cleared import close as run

    version = run(app.workspace(), name, reason=reason, dry_run=dry_run)
    text = (
        f"you may take {name}, version {version}, back; nothing was changed"
        if dry_run
        else f"{name}, version {version}, is taken back: its words need the stages again"
    )
    emit({"words": name, "version": version, "closed": not dry_run}, text, as_json=as_json)


@click.command()
@WHAT
@click.option("--object", "objects", is_flag=True, help="You would not have agreed.")
@click.option("-m", "--note", default="", help="What you want to say with it.")
@DRY
@json_option
@pass_app
def review(app: App, what: str, objects: bool, note: str, dry_run: bool, as_json: bool) -> None:
    """The look afterwards that an override, a fast lane or the author's own yes owes.

    \b
    Example:
      whistlestop --as rosa signoff review draft_01k... -m "right call"
    """
    from testkit.signoff.acts import review as run

    done = run(
        app.workspace(),
        what,
        outcome="objected" if objects else "accepted",
        note=note,
        dry_run=dry_run,
    )
    _answer(app, done, "recorded; nothing more is owed", dry_run=dry_run, as_json=as_json)


@click.command()
@WHAT
@WHY
@DRY
@json_option
@pass_app
def kill(app: App, what: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Stop it for good: nothing of it goes out any more. What is out stays out; see recall.

    The author, every approver of the chain and those whom it names under stop may. There is no
    way back but a new request.

    \b
    Example:
      whistlestop --as kim signoff kill draft_01k... -m "the report was a hoax"
    """
    from testkit.signoff.acts import kill as run

    done = run(app.workspace(), what, reason=reason, dry_run=dry_run)
    _answer(app, done, "killed", dry_run=dry_run, as_json=as_json)


@click.command()
@WHAT
@WHY
@DRY
@json_option
@pass_app
def recall(app: App, what: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Record that what went out is taken back in public.

    \b
    Example:
      whistlestop --as kim signoff recall draft_01k... -m "the quotation was wrong"
    """
    from testkit.signoff.acts import recall as run

    done = run(app.workspace(), what, reason=reason, dry_run=dry_run)
    _answer(app, done, "recalled", dry_run=dry_run, as_json=as_json)


@click.command()
@WHAT
@DRY
@json_option
@pass_app
def correct(app: App, what: str, dry_run: bool, as_json: bool) -> None:
    """Begin the correction of released words: a new request with them, for you to edit.

    Once the correction is released, the old request is marked as corrected by it. Until then,
    withdraw undoes it.

    \b
    Example:
      whistlestop --as sam signoff correct draft_01k...
    """
    from testkit.signoff.acts import correct as run

    done = run(app.workspace(), what, dry_run=dry_run)
    draft = done.row.subject.removeprefix("draft/")
    head = f"a correction begins as {done.row.id}; next: whistlestop draft edit {draft} ..."
    _answer(app, done, head, dry_run=dry_run, as_json=as_json)


@click.command()
@WHAT
@DRY
@json_option
@pass_app
def reopen(app: App, what: str, dry_run: bool, as_json: bool) -> None:
    """Take an expired or withdrawn request up again: a new one with the same words.

    Sign-offs do not come along: everybody is asked again. Withdraw undoes it.

    \b
    Example:
      whistlestop --as sam signoff reopen draft_01k...
    """
    from testkit.signoff.acts import reopen as run

    done = run(app.workspace(), what, dry_run=dry_run)
    _answer(app, done, f"taken up again as {done.row.id}", dry_run=dry_run, as_json=as_json)


@click.command("facts-changed")
@WHAT
@WHY
@DRY
@json_option
@pass_app
def facts_changed(app: App, what: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Say that the story changed: cleared words are held until an approver has looked.

    \b
    Example:
      whistlestop --as sam signoff facts-changed draft_01k... -m "the vote was moved to Tuesday"
    """
    from testkit.signoff.acts import facts_changed as run

    done = run(app.workspace(), what, reason=reason, dry_run=dry_run)
    _answer(app, done, "recorded; an approver has to look", dry_run=dry_run, as_json=as_json)


@click.command("facts-checked")
@WHAT
@click.option("-m", "--note", default="", help="What you looked at.")
@DRY
@json_option
@pass_app
def facts_checked(app: App, what: str, note: str, dry_run: bool, as_json: bool) -> None:
    """Say, as an approver, that the words hold with the new facts.

    \b
    Example:
      whistlestop --as kim signoff facts-checked draft_01k... -m "our date is still right"
    """
    from testkit.signoff.acts import facts_checked as run

    done = run(app.workspace(), what, note=note, dry_run=dry_run)
    _answer(app, done, "recorded; the words hold", dry_run=dry_run, as_json=as_json)
