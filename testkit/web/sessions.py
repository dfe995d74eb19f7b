"""Who is signed in: one row per browser, found by the hash of its cookie, ended by one command."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.ids import new_id
from testkit.web import links
from testkit.web.security import hashed

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.web.links import Link

__all__ = ["LASTS", "Session", "end", "find", "listed", "revoke", "revoke_absent", "start"]

LASTS: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in browser; its token is only in the cookie.

    Attributes:
        id: Its id.
        person: Who.
        made_at: ISO-8601 text.
        expires_at: ISO-8601 text.
        revoked_at: When it was ended; None while it lives.
    """

    id: str
    person: str
    made_at: str
    expires_at: str
    revoked_at: str | None

    def state(self, now: datetime) -> str:
        """``open``, ``expired`` or ``ended``."""
        if self.revoked_at:
            return "ended"
        return "open" if to_text(now) < self.expires_at else "expired"


_SELECT: Final = "SELECT id, person, made_at, expires_at, revoked_at FROM web_session"


def start(conn: Connection, link: Link, *, now: datetime) -> tuple[Session, str]:
    """Sign the person of a link in, in the write transaction that used the link up.

    Returns:
        The session and its token for the cookie.
    """
    token = secrets.token_urlsafe(32)
    session = Session(
        id=new_id("ses", now=now),
        person=link.person,
        made_at=to_text(now),
        expires_at=to_text(now + LASTS),
        revoked_at=None,
    )
    conn.execute(
        "INSERT INTO web_session (id, token_hash, person, link, made_at, expires_at)"
        " VALUES (:id, :hash, :person, :link, :made_at, :expires_at)",
        {
            "id": session.id,
            "hash": hashed(token),
            "person": session.person,
            "link": link.id,
            "made_at": session.made_at,
            "expires_at": session.expires_at,
        },
    )
    return session, token


def find(conn: Connection, token: str, *, now: datetime) -> Session | None:
    """The living session of a cookie, or None."""
    row = conn.execute(f"{_SELECT} WHERE token_hash = :hash", {"hash": hashed(token)}).fetchone()
    session = Session(**dict(row)) if row else None
    return session if session is not None and session.state(now) == "open" else None


def end(conn: Connection, session: Session, *, now: datetime) -> None:
    """Sign one browser out, in a write transaction."""
    conn.execute(
        "UPDATE web_session SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL",
        {"at": to_text(now), "id": session.id},
    )


def listed(conn: Connection) -> list[Session]:
    """Every session, newest first."""
    return [Session(**dict(row)) for row in conn.execute(f"{_SELECT} ORDER BY rowid DESC")]


def revoke(workspace: Workspace, person: str) -> tuple[int, int]:
    """Sign a person out everywhere and take back their unused links.

    Args:
        workspace: The workspace.
        person: Their id; it need not be in the roster any more.

    Returns:
        How many sessions were ended, and how many links taken back.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        ended = conn.execute(
            "UPDATE web_session SET revoked_at = :at WHERE person = :p AND revoked_at IS NULL"
            " AND expires_at > :at",
            {"at": to_text(now), "p": person},
        ).rowcount
        taken = links.revoke(conn, person, now=now)
        if ended or taken:
            ledger.append(
                conn,
                kind="access.revoked",
                subject=f"person/{person}",
                actor=workspace.actor,
                payload={"sessions": int(ended), "links": taken},
                now=now,
            )
    return int(ended), taken


def revoke_absent(workspace: Workspace) -> tuple[str, ...]:
    """Sign out everybody who is not here: they left, have not joined yet, or are not known.

    Returns:
        The ids of those who had a session.
    """
    now, roster = workspace.clock(), workspace.roster
    with workspace.db.read() as conn:
        signed_in = {s.person for s in listed(conn) if s.state(now) == "open"}
    known = {person: roster.get(person) for person in sorted(signed_in)}
    absent = tuple(id_ for id_, person in known.items() if not (person and person.here(now)))
    for person in absent:
        revoke(workspace, person)
    return absent
