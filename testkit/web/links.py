"""One-time links: sign-in for a person, or one decision on one revision.

The token in the address is signed and names person, stage, revision and expiry; the row it stands
for is found by the SHA-256 of its random part. Opening a link changes nothing, however often a
mail scanner does it: only the form behind it uses it up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import from_text, shown, to_text
from testkit.kernel.ids import new_id
from testkit.web.security import derive, hashed

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = [
    "GoneError",
    "Link",
    "address",
    "by_id",
    "claim",
    "find",
    "issue",
    "mailed",
    "release",
    "require_in_force",
    "require_open",
    "revoke",
    "settle",
    "token_for",
]

Kind = Literal["signin", "decide"]

SIGN_IN_FOR: Final = timedelta(hours=1)
DECIDE_FOR: Final = timedelta(hours=24)


_SELECT: Final = (
    "SELECT id, kind, person, revision, stage, made_at, made_by, expires_at, used_at, used_for,"
    " settled_at, revoked_at FROM web_link"
)


class GoneError(StateError):
    """A link or a session that was good once: expired, used or taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link as it is kept; its token is not.

    Attributes:
        id: Its id, for the ledger.
        kind: ``signin`` or ``decide``.
        person: Whose it is.
        revision: What may be decided; empty for ``signin``.
        stage: In which stage; empty for ``signin``.
        made_at: ISO-8601 text.
        made_by: Who made it.
        expires_at: ISO-8601 text.
        used_at: When the form behind it was sent; None while open.
        used_for: What was said with it.
        settled_at: When that was on record.
        revoked_at: When it was taken back.
    """

    id: str
    kind: Kind
    person: str
    revision: str
    stage: str
    made_at: str
    made_by: str
    expires_at: str
    used_at: str | None
    used_for: str | None
    settled_at: str | None
    revoked_at: str | None


def issue(
    workspace: Workspace,
    *,
    person: str,
    revision: str = "",
    stage: str = "",
    lasts: timedelta | None = None,
) -> tuple[Link, str]:
    """Make a link.

    Args:
        workspace: The workspace.
        person: Id in the roster.
        revision: For one decision on these words; empty for a sign-in.
        stage: The stage of that decision.
        lasts: How long it can be used; an hour for a sign-in, a day for a decision if None.

    Returns:
        The link and its token. The token is in nobody's hands but the caller's.

    Raises:
        NotFoundError: Nobody has that id.
    """
    nonce = secrets.token_urlsafe(32)
    with workspace.db.write() as conn:
        link = _keep(
            conn, workspace, nonce, person=person, revision=revision, stage=stage, lasts=lasts
        )
    return link, _token(workspace, nonce, link)


def mailed(
    conn: Connection,
    workspace: Workspace,
    message: str,
    *,
    person: str,
    revision: str,
    stage: str,
    lasts: timedelta | None = None,
) -> Link:
    """Make the link of a message, in the transaction that keeps the message.

    Its random part comes from the workspace's key and the message's id, so the token can be worked
    out when the message leaves (:func:`token_for`) and is written down nowhere.

    Raises:
        NotFoundError: Nobody has that id.
    """
    nonce = _nonce_for(workspace, message)
    return _keep(conn, workspace, nonce, person=person, revision=revision, stage=stage, lasts=lasts)


def token_for(conn: Connection, workspace: Workspace, message: str) -> tuple[Link, str] | None:
    """The link that was made for a message and its token; None when it has none."""
    nonce = _nonce_for(workspace, message)
    row = conn.execute(f"{_SELECT} WHERE nonce_hash = :hash", {"hash": hashed(nonce)}).fetchone()
    if row is None:
        return None
    link = Link(**dict(row))
    return link, _token(workspace, nonce, link)


def _nonce_for(workspace: Workspace, message: str) -> str:
    made = hmac.new(
        derive(workspace.secret("hmac"), "web/mailed"), message.encode(), hashlib.sha256
    )
    return base64.urlsafe_b64encode(made.digest()).decode().rstrip("=")


def _keep(
    conn: Connection,
    workspace: Workspace,
    nonce: str,
    *,
    person: str,
    revision: str,
    stage: str,
    lasts: timedelta | None,
) -> Link:
    workspace.roster.person(person)
    now = workspace.clock()
    kind: Kind = "decide" if revision else "signin"
    if lasts is None:
        lasts = DECIDE_FOR if revision else SIGN_IN_FOR
    link = Link(
        id=new_id("link", now=now),
        kind=kind,
        person=person,
        revision=revision,
        stage=stage,
        made_at=to_text(now),
        made_by=workspace.actor.name,
        expires_at=to_text(now + lasts),
        used_at=None,
        used_for=None,
        settled_at=None,
        revoked_at=None,
    )
    conn.execute(
        "INSERT INTO web_link (id, nonce_hash, kind, person, revision, stage, made_at, made_by,"
        " expires_at) VALUES (:id, :nonce_hash, :kind, :person, :revision, :stage, :made_at,"
        " :made_by, :expires_at)",
        {**{name: getattr(link, name) for name in Link.__slots__}, "nonce_hash": hashed(nonce)},
    )
    # Who gets a link can act as its person: handing one out is a decision.
    ledger.append(
        conn,
        kind="access.link",
        subject=f"person/{person}",
        actor=workspace.actor,
        payload={"link": link.id, "kind": kind, "revision": revision, "stage": stage},
        now=now,
    )
    return link


def _token(workspace: Workspace, nonce: str, link: Link) -> str:
    return str(_signer(workspace).dumps([nonce, *_bound(link)]))


def _signer(workspace: Workspace) -> Any:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(
        derive(workspace.secret("hmac"), "web/link"),
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _bound(link: Link) -> list[str]:
    return [link.person, link.stage, link.revision, link.expires_at]


def address(base_url: str, token: str) -> str:
    """The whole address of a link."""
    return f"{base_url.rstrip('/')}/link/{token}"


def find(conn: Connection, workspace: Workspace, token: str) -> Link:
    """The link of a token, whatever its state.

    Raises:
        NotFoundError: We did not make it, or it was cut or changed on its way.
    """
    from itsdangerous import BadData

    try:
        nonce, *bound = _signer(workspace).loads(token)
    except (BadData, ValueError, TypeError):
        nonce, bound = "", []
    row = conn.execute(
        f"{_SELECT} WHERE nonce_hash = :hash", {"hash": hashed(str(nonce))}
    ).fetchone()
    link = Link(**dict(row)) if row else None
    if link is None or bound != _bound(link):
        raise NotFoundError(
            "link", "with this address", hint="copy the whole address, or ask for a new link"
        )
    return link


def by_id(conn: Connection, link_id: str) -> Link:
    """The link of an id that is known to exist."""
    return Link(**dict(conn.execute(f"{_SELECT} WHERE id = :id", {"id": link_id}).fetchone()))


def require_in_force(link: Link, *, now: datetime, zone_name: str) -> None:
    """Check that a link was not taken back and has not expired, used or not.

    Raises:
        GoneError: It was, or it has.
    """
    if link.revoked_at:
        raise GoneError("this link was taken back", current="revoked", hint="ask for a new one")
    if now >= from_text(link.expires_at):
        when = shown(from_text(link.expires_at), zone_name=zone_name)
        raise GoneError(f"this link expired {when}", current="expired", hint="ask for a new one")


def require_open(link: Link, *, now: datetime, zone_name: str) -> None:
    """Check that a link can still be used for the first time.

    Raises:
        GoneError: It was taken back or used, or has expired.
    """
    if link.used_at and not link.revoked_at:
        when = shown(from_text(link.used_at), zone_name=zone_name)
        raise GoneError(
            f"this link was used {when}, and it works once",
            current="used",
            hint="ask for a new one",
        )
    require_in_force(link, now=now, zone_name=zone_name)


def claim(conn: Connection, link: Link, *, use: str, now: datetime) -> bool:
    """Use a link up, in a write transaction; False when somebody was faster."""
    done = conn.execute(
        "UPDATE web_link SET used_at = :at, used_for = :use WHERE id = :id AND used_at IS NULL"
        " AND revoked_at IS NULL",
        {"at": to_text(now), "use": use, "id": link.id},
    )
    return done.rowcount == 1


def release(conn: Connection, link: Link) -> None:
    """Give a claimed link back: what it was to be used for was refused."""
    conn.execute(
        "UPDATE web_link SET used_at = NULL, used_for = NULL WHERE id = :id AND settled_at IS NULL",
        {"id": link.id},
    )


def settle(conn: Connection, link: Link, *, now: datetime) -> None:
    """Note that what a link was used for is on record: from here on a replay only shows it."""
    conn.execute(
        "UPDATE web_link SET settled_at = coalesce(settled_at, :at) WHERE id = :id",
        {"at": to_text(now), "id": link.id},
    )


def revoke(conn: Connection, person: str, *, now: datetime) -> int:
    """Take back every link of a person that has not settled anything; returns how many.

    Inside a write transaction. A link whose form was sent, but whose decision a crash kept off the
    record, is among them: it could still decide.
    """
    done = conn.execute(
        "UPDATE web_link SET revoked_at = :at WHERE person = :p AND settled_at IS NULL"
        " AND revoked_at IS NULL AND expires_at > :at",
        {"at": to_text(now), "p": person},
    )
    return int(done.rowcount)
