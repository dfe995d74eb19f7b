"""deliver: tell people what waits, send what is due, and say what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testkit.errors import InputError, StateError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import from_text, shown
from testkit.kernel.findings import Finding
from testkit.outbox import store
from testkit.outbox.delivery import Round
from testkit.outbox.delivery import deliver as run
from testkit.outbox.letter import LINK, Message
from testkit.services import notify
from testkit.services.digest import digest_due
from testkit.signoff import service as signoff
from testkit.signoff.table import State
from testkit.web import links

if TYPE_CHECKING:
    from collections.abc import Callable

    from testkit.kernel.workspace import Workspace
    from testkit.outbox.letter import Sender
    from testkit.outbox.store import Row

__all__ = ["Delivered", "deliver_due", "findings", "put_aside", "retry", "settle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round did.

    Attributes:
        added: New messages.
        sent: Messages that arrived.
        failed: Messages that will be tried again.
        gave_up: Messages that will not.
        unsure: Messages of which nobody knows whether they arrived.
        busy: Another process is delivering.
        down: ``channel -> problem`` of peers that do not answer.
    """

    added: int = 0
    sent: int = 0
    failed: int = 0
    gave_up: int = 0
    unsure: int = 0
    busy: bool = False
    down: dict[str, str] = field(default_factory=dict)


def deliver_due(
    workspace: Workspace,
    *,
    impatient: bool = False,
    only: str | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Delivered:
    """One step of delivery; harmless to repeat, and to kill.

    Args:
        workspace: The workspace.
        impatient: Try peers that are paused.
        only: This message only, due or not.
        stop: Asked between two messages.
    """
    added = 0
    if only is None:
        added = notify.collect(workspace) + digest_due(workspace)
        if not _anything(workspace):
            return Delivered(added=added)
    done = run(
        workspace.db,
        root=workspace.root,
        clock=workspace.clock,
        sender_of=lambda channel: _sender(workspace, channel),
        letter_of=lambda row: _letter(workspace, row),
        impatient=impatient,
        only=only,
        stop=stop,
    )
    return _told(done, added)


def _told(done: Round, added: int) -> Delivered:
    return Delivered(
        added=added,
        sent=done.sent,
        failed=done.failed,
        gave_up=done.gave_up,
        unsure=done.unsure,
        busy=done.busy,
        down=done.down or {},
    )


def _anything(workspace: Workspace) -> bool:
    row = workspace.db.row(
        "SELECT 1 AS one FROM outbox WHERE status IN ('queued', 'failed', 'sending', 'handed')"
    )
    return row is not None


def _letter(workspace: Workspace, row: Row) -> Message | str:
    """The message as it goes out now: to today's address, with its link."""
    if row.channel.startswith("out:"):
        refused = _held_back(workspace, row)
        if refused:
            return refused
    to, body = row.address, row.body
    if row.person:
        person = workspace.roster.get(row.person)
        if person is None or not person.email:
            return f"{row.person} has no e-mail address here"
        to = person.email
        with workspace.db.read() as conn:
            mine = links.token_for(conn, workspace, row.id)
        base = workspace.config.web.base_url
        if mine is not None:
            where = links.address(base, mine[1])
        elif row.data.get("revision"):
            where = notify.page_of(workspace, str(row.data["revision"]))
        else:
            where = base
        body = body.replace(LINK, where)
    return Message(
        id=row.id,
        kind=row.kind,
        to=to,
        subject=row.subject,
        body=body,
        data=row.data,
        made_at=from_text(row.created_at),
    )


def _held_back(workspace: Workspace, row: Row) -> str:
    """Why a release may not leave after all; asked at the last moment."""
    with workspace.db.read() as conn:
        if proposals.in_practice(conn):
            return "practice mode: nothing leaves to a live channel"
        if row.kind == "released":
            state = signoff.load(conn, str(row.data["request"])).state.state
            if state in {State.KILLED, State.RECALLED}:
                return f"the release was {state.value}"
    return ""


def _sender(workspace: Workspace, channel: str) -> Sender | str:
    """The way to a peer as configured, or what is missing."""
    kind, _, name = channel.partition(":")
    try:
        if channel == "mail":
            return _mail(workspace)
        if kind == "hook":
            return _hook(workspace, name)
        if kind == "out":
            out = workspace.config.channels.get(name)
            if out is None:
                return f"there is no channel {name} any more"
            return _mail(workspace) if out.out == "mail" else _release_hook(workspace, name)
    except InputError as cause:
        return str(cause)
    return f"nothing sends to {channel}"


def _mail(workspace: Workspace) -> Sender | str:
    from testkit.outbox.mail import FolderSender, MailServer, SmtpSender

    mail = workspace.config.delivery.mail
    if mail.folder:
        return FolderSender(workspace.root / mail.folder, sender=mail.sender)
    if not mail.host:
        return "no mail server: set delivery.mail.host"
    return SmtpSender(
        MailServer(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            user=mail.user,
            password=workspace.text_secret("mail_password"),
            sender=mail.sender,
        )
    )


def _hook(workspace: Workspace, name: str) -> Sender | str:
    from testkit.outbox.apprise import AppriseSender
    from testkit.outbox.hook import Hook, HookSender

    hook = workspace.config.delivery.hooks.get(name)
    if hook is None:
        return f"there is no hook {name} any more"
    url = hook.url or workspace.text_secret(f"hook_{name}_url")
    if not url:
        return f"no address: put hook_{name}_url into secrets.toml"
    if hook.style == "apprise":
        return AppriseSender(url)
    key = _key(workspace, f"hook_{name}_key")
    return HookSender(Hook(url=url, style=hook.style, key=key), clock=workspace.clock)


def _release_hook(workspace: Workspace, name: str) -> Sender | str:
    from testkit.outbox.hook import Hook, HookSender

    url = workspace.config.channels[name].url or workspace.text_secret(f"channel_{name}_url")
    key = _key(workspace, f"channel_{name}_key")
    if not url or not key:
        missing = "url" if not url else "key"
        return f"put channel_{name}_{missing} into secrets.toml: releases are signed"
    return HookSender(Hook(url=url, key=key), clock=workspace.clock)


def _key(workspace: Workspace, name: str) -> bytes:
    from testkit.outbox.hook import signing_key

    text = workspace.text_secret(name)
    return signing_key(text) if text else b""


def retry(workspace: Workspace, message_id: str) -> Row:
    """Let a message go again, under the same id.

    Raises:
        NotFoundError: There is none of that id.
        StateError: It has arrived, or it is under way.
    """
    return _decide(workspace, message_id, "queued", ("failed", "unsure", "gave_up", "dropped"))


def put_aside(workspace: Workspace, message_id: str) -> Row:
    """Never send a message.

    Raises:
        NotFoundError: There is none of that id.
        StateError: It has arrived, or it is under way.
    """
    return _decide(workspace, message_id, "dropped", ("queued", "failed", "unsure", "gave_up"))


def settle(workspace: Workspace, message_id: str) -> Row:
    """Note that a message of which nobody knew has arrived: somebody looked.

    Raises:
        NotFoundError: There is none of that id.
        StateError: It is not unsure.
    """
    return _decide(workspace, message_id, "sent", ("unsure",))


def _decide(
    workspace: Workspace, message_id: str, status: store.Status, allowed: tuple[str, ...]
) -> Row:
    now = workspace.clock()
    with workspace.db.write() as conn:
        row = store.get(conn, message_id)
        if row.status not in allowed:
            raise StateError(
                f"{message_id} is {row.status}",
                current=row.status,
                allowed=allowed,
                hint="see `whistlestop outbox show`",
            )
        again = status == "queued"
        store.mark(
            conn,
            message_id,
            status,
            now=now,
            problem="" if again else f"by {workspace.actor.name}",
            attempts=0 if again else None,
            next_at=now if again else None,
        )
        # What becomes of a message by a person's word is a decision; what a peer answers is not.
        ledger.append(
            conn,
            kind=f"outbox.{'retried' if again else status}",
            subject=row.about,
            actor=workspace.actor,
            payload={"message": row.id, "channel": row.channel, "was": row.status},
            now=now,
        )
        return store.get(conn, message_id)


def findings(workspace: Workspace) -> list[Finding]:
    """Delivery, for ``doctor``: DR010 and DR020 to DR023."""
    config = workspace.config
    mail, hooks = config.delivery.mail, config.delivery.hooks
    ways = []
    if mail.folder:
        ways.append(f"mail into the folder {mail.folder}")
    elif mail.host:
        ways.append(f"mail by {mail.host}")
    ways += [f"{hook.style} hook {name}" for name, hook in hooks.items()]
    found = []

    def add(code: str, severity: str, message: str, hint: str = "") -> None:
        found.append(Finding(code=code, severity=severity, message=message, hint=hint))  # type: ignore[arg-type]

    if ways:
        add("DR010", "note", f"delivery: {', '.join(ways)}")
    else:
        add(
            "DR010",
            "note",
            "delivery: nobody is told by mail or chat; people look at their inbox",
            "set delivery.mail or delivery.hooks in whistlestop.yaml",
        )
    with workspace.db.read() as conn:
        rows, peers = store.listed(conn), store.peers(conn)
    bad = [row for row in rows if row.status in {"gave_up", "failed"}]
    unsure = [row for row in rows if row.status == "unsure"]
    if bad:
        given_up = sum(row.status == "gave_up" for row in bad)
        add(
            "DR020",
            "warning",
            f"{len(bad)} messages did not arrive, {given_up} of them were given up; the last:"
            f" {bad[0].problem}",
            "whistlestop outbox list",
        )
    for row in unsure:
        add(
            "DR021",
            "error",
            f"nobody knows whether {row.id} ({row.about}, {row.channel}) arrived",
            f"look there, then: whistlestop outbox settle {row.id}, or outbox retry {row.id}",
        )
    for peer in peers:
        since = shown(from_text(peer.since), zone_name=config.organisation.zone)
        add("DR022", "warning", f"{peer.channel} has not answered since {since}: {peer.problem}")
    mute = [p.id for p in workspace.roster.people if not p.email]
    if mute and (mail.host or mail.folder):
        add("DR023", "warning", f"no e-mail address: {', '.join(mute)}; nobody tells them")
    return found
