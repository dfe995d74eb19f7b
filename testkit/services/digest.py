"""The daily summary for those who are asked nothing, with the head of the ledger.

A writer of the workspace can rewrite its ledger, all of it. A head that has left the building by
mail is what such a rewriting cannot reach: that is why it is in every digest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from testkit.kernel import ledger, proposals
from testkit.kernel.clock import from_text, shown, to_text, zone
from testkit.outbox import store
from testkit.outbox.letter import one_line
from testkit.outbox.words import DigestWords, write
from testkit.signoff import service as signoff
from testkit.signoff import store as requests
from testkit.signoff.office import office_of
from testkit.signoff.owed import looks_owed
from testkit.signoff.turns import whose_turn

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["digest_due", "digest_for"]

SINCE = timedelta(hours=24)


def digest_due(workspace: Workspace) -> int:
    """Put today's summaries into the outbox when their hour has come; returns how many."""
    delivery = workspace.config.delivery
    now = workspace.clock()
    local = now.astimezone(zone(workspace.config.organisation.zone))
    if local.hour < delivery.digest.hour or not (delivery.mail.host or delivery.mail.folder):
        return 0
    day, added = local.date().isoformat(), 0
    for person_id in delivery.digest.people:
        person = workspace.roster.get(person_id)
        key = f"digest:{day}:{person_id}"
        if person is None or not person.email:
            continue
        with workspace.db.read() as conn:
            if conn.execute("SELECT 1 FROM outbox WHERE key = :k", {"k": key}).fetchone():
                continue
        with workspace.db.write() as conn:
            words = _words(conn, workspace, name=person.name, now=now)
            subject, body = write("digest", words)
            practice = "[PRACTICE] " if proposals.in_practice(conn) else ""
            added += store.add(
                conn,
                key=key,
                kind="digest",
                about=f"digest/{day}",
                channel="mail",
                person=person_id,
                subject=f"{practice}{subject}",
                body=body,
                data={"head": words.head, "rows": words.rows},
                now=now,
            ) is not None  # fmt: skip
    return added


def digest_for(workspace: Workspace, name: str = "all") -> tuple[str, str, DigestWords]:
    """The summary as it would go out now: subject, body and what they are made of."""
    with workspace.db.read() as conn:
        words = _words(conn, workspace, name=name, now=workspace.clock())
    return *write("digest", words), words


def _words(conn: Connection, workspace: Workspace, *, name: str, now: datetime) -> DigestWords:
    zone_name, roster = workspace.config.organisation.zone, office_of(conn, workspace).roster
    waiting, owed, happened = [], [], []
    for row in requests.open_requests(conn):
        request = signoff.load(conn, row.id)
        turn = whose_turn(request.state, roster, now)
        who = ", ".join(map(roster.name, turn.people)) or "nobody"
        since = request.state.opened_at or request.state.submitted_at
        when = f", since {shown(since, zone_name=zone_name)}" if since else ""
        state = request.state.state.value.replace("_", " ")
        waiting.append(f"{one_line(row.title)}: {state}, for {who}{when}")
    for look in looks_owed(conn, workspace):
        late = "overdue" if look.overdue else "due"
        until = shown(look.debt.due_at, zone_name=zone_name)
        title = one_line(look.request.row.title)
        owed.append(f"{title}: after {look.debt.of}, {late} {until}")
    rows = conn.execute(
        "SELECT kind, subject, at FROM ledger WHERE at > :since AND kind IN ('signoff.released',"
        " 'signoff.expired', 'signoff.killed', 'signoff.recalled', 'signoff.corrected',"
        " 'signoff.withdrawn', 'signoff.overridden') ORDER BY seq",
        {"since": to_text(now - SINCE)},
    ).fetchall()
    for row in rows:
        title = requests.request(conn, row["subject"].removeprefix("request/")).title
        what = row["kind"].removeprefix("signoff.")
        at = shown(from_text(row["at"]), zone_name=zone_name)
        happened.append(f"{one_line(title)}: {what}, {at}")
    count, head = ledger.head(conn)
    bad = store.listed(conn, statuses=("failed", "unsure", "gave_up"))
    return DigestWords(
        name=name,
        organisation=workspace.config.organisation.name,
        day=f"{now.astimezone(zone(zone_name)):%A %d %B %Y}",
        waiting=tuple(waiting),
        happened=tuple(happened),
        owed=tuple(owed),
        undelivered=len(bad),
        rows=count,
        head=head,
        link=f"{workspace.config.web.base_url.rstrip('/')}/inbox",
    )
