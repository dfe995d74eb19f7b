"""``whistlestop outbox`` and ``whistlestop digest``: messages that leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from testkit.outbox.store import Row


@click.group()
def outbox() -> None:
    """Messages that leave: to people, chat rooms and live channels.

    \b
    Example:
      whistlestop outbox list
    """


def _data(row: Row) -> dict[str, Any]:
    return {
        "message": row.id, "kind": row.kind, "about": row.about, "channel": row.channel,
        "to": row.person or row.address, "subject": row.subject, "status": row.status,
        "attempts": row.attempts, "next_at": row.next_at, "sent_at": row.sent_at,
        "problem": row.problem,
    }  # fmt: skip


@outbox.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what arrived or was dropped.")
@click.option("--about", metavar="ID", help="Only about this, such as request/ID or release/ID.")
@click.option("-n", "count", default=100, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_(app: App, everything: bool, about: str | None, count: int, as_json: bool) -> None:
    """What has not arrived, newest first.

    \b
    Example:
      whistlestop outbox list --all -n 20
    """
    from testkit.outbox import store

    workspace = app.workspace()
    statuses = (*store.OPEN, "sent", "dropped") if everything else store.OPEN
    with workspace.db.read() as conn:
        rows = store.listed(conn, statuses=statuses, about=about, limit=count)
    shown = [
        (r.id, r.status.replace("_", " "), r.kind, r.person or r.address or r.channel, r.subject,
         r.problem)
        for r in rows
    ]  # fmt: skip
    empty = "nothing was sent yet" if everything else "everything has arrived"
    text = table(shown, ["message", "status", "kind", "to", "subject", "problem"])
    emit([_data(r) for r in rows], text if rows else empty, as_json=as_json)


@outbox.command()
@click.argument("message", metavar="MESSAGE")
@json_option
@pass_app
def show(app: App, message: str, as_json: bool) -> None:
    """One message with its text; a one-time link in it is left out.

    \b
    Example:
      whistlestop outbox show msg_01k...
    """
    from testkit.outbox import store
    from testkit.outbox.letter import LINK

    workspace = app.workspace()
    with workspace.db.read() as conn:
        row = store.get(conn, message)
    body = row.body.replace(LINK, "[their link]")
    head = [
        f"{row.id}: {row.status.replace('_', ' ')} after {row.attempts} answers",
        *([f"problem: {row.problem}"] if row.problem else []),
        f"to: {row.person or row.address or row.channel}",
        f"subject: {row.subject}",
    ]
    emit({**_data(row), "body": body}, "\n".join([*head, "", body]), as_json=as_json)


@outbox.command()
@click.argument("message", metavar="MESSAGE", required=False)
@json_option
@pass_app
def send(app: App, message: str | None, as_json: bool) -> None:
    """Send what is due now, or one MESSAGE; peers that did not answer are tried again at once.

    \b
    Example:
      whistlestop outbox send
    """
    from testkit.services.deliver import deliver_due

    done = deliver_due(app.workspace(), impatient=True, only=message)
    parts = [f"{done.added} new", f"{done.sent} sent"]
    parts += [
        f"{count} {what}"
        for count, what in (
            (done.failed, "to be tried again"),
            (done.gave_up, "given up"),
            (done.unsure, "unsure: see `whistlestop doctor`"),
        )
        if count
    ]
    lines = ["another process is delivering" if done.busy else ", ".join(parts)]
    lines += [f"{channel}: {problem}" for channel, problem in done.down.items()]
    emit(
        {"added": done.added, "sent": done.sent, "failed": done.failed, "gave_up": done.gave_up,
         "unsure": done.unsure, "busy": done.busy, "down": done.down},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip


@outbox.command()
@click.argument("message", metavar="MESSAGE")
@json_option
@pass_app
def retry(app: App, message: str, as_json: bool) -> None:
    """Let MESSAGE go again, under the same id, so that the peer can drop a double.

    \b
    Example:
      whistlestop outbox retry msg_01k...
    """
    from testkit.services.deliver import retry as run

    row = run(app.workspace(), message)
    emit(_data(row), f"{row.id} goes with the next round", as_json=as_json)


@outbox.command()
@click.argument("message", metavar="MESSAGE")
@json_option
@pass_app
def drop(app: App, message: str, as_json: bool) -> None:
    """Never send MESSAGE.

    \b
    Example:
      whistlestop outbox drop msg_01k...
    """
    from testkit.services.deliver import put_aside

    row = put_aside(app.workspace(), message)
    emit(_data(row), f"{row.id} is not sent", as_json=as_json)


@outbox.command()
@click.argument("message", metavar="MESSAGE")
@json_option
@pass_app
def settle(app: App, message: str, as_json: bool) -> None:
    """You looked: MESSAGE, of which nobody knew, has arrived.

    \b
    Example:
      whistlestop outbox settle msg_01k...
    """
    from testkit.services.deliver import settle as run

    row = run(app.workspace(), message)
    emit(_data(row), f"{row.id} has arrived", as_json=as_json)


@click.command()
@json_option
@pass_app
def digest(app: App, as_json: bool) -> None:
    """Today in one page: what waits, what went out, what is owed, and the head of the ledger.

    The same goes by mail, once a day, to the people in delivery.digest.people.

    \b
    Example:
      whistlestop digest
    """
    from testkit.services.digest import digest_for

    subject, body, words = digest_for(app.workspace())
    emit(
        {"waiting": words.waiting, "happened": words.happened, "owed": words.owed,
         "undelivered": words.undelivered, "rows": words.rows, "head": words.head},
        f"{subject}\n\n{body}",
        as_json=as_json,
    )  # fmt: skip
