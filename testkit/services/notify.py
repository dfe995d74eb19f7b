"""Who is told what: messages worked out from the requests, and sent.

The record of a request is the source; the outbox is derived from it. Each message has a key made
from what caused it (an event's number, a stage that began to wait), so working it out twice adds
nothing, and a notifier that was killed, or not running for a day, loses nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from testkit.errors import KitError
from testkit.kernel import proposals
from testkit.kernel.clock import shown
from testkit.outbox import store
from testkit.outbox.letter import one_line
from testkit.outbox.words import RequestWords, write
from testkit.signoff import events as ev
from testkit.signoff import service as signoff
from testkit.signoff import store as requests
from testkit.signoff.chain import fold
from testkit.signoff.model import SYSTEM
from testkit.signoff.office import office_of
from testkit.signoff.sla import deadlines
from testkit.signoff.table import State
from testkit.signoff.turns import whose_turn
from testkit.web import deciding, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from testkit.kernel.people import Person
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.office import Office
    from testkit.signoff.service import Request
    from testkit.signoff.state import RequestState
    from testkit.signoff.turns import Asked, Turn

__all__ = ["collect", "page_of", "tell", "was_told"]

OLD: Final = timedelta(hours=24)
"""News older than this is not told: a workspace that starts to send does not tell its history."""

_ASKS: Final = ("asked", "copied", "reminded")
"""Kinds that are of no use once it is somebody else's turn."""

_ENDS: Final = {
    ev.Released.kind: "released",
    ev.Killed.kind: "stopped: nothing of it goes out any more",
    ev.Recalled.kind: "taken back in public",
    ev.Corrected.kind: "corrected by a later release",
    ev.Withdrawn.kind: "withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something to tell, before it is a message.

    Attributes:
        key: What makes it this news.
        kind: Name of its template.
        to: Ids of those who are told.
        room: The same in one line, for chat rooms; empty when it is no news to a room.
        words: What it says; the reader's name is filled in.
        urgent: Not held back by quiet hours.
        decides: The reader can decide: they get a link of their own.
        until: A moment before which quiet hours must have ended for it to wait; None lets it wait.
    """

    key: str
    kind: str
    to: tuple[str, ...]
    words: RequestWords
    room: str = ""
    urgent: bool = False
    decides: bool = False
    until: datetime | None = None


def page_of(workspace: Workspace, revision: str) -> str:
    """Address of the page with the words."""
    return f"{workspace.config.web.base_url.rstrip('/')}/requests/{revision}"


def collect(workspace: Workspace) -> int:
    """Add every message that follows from the record and is not in the outbox; drop overtaken ones.

    Returns:
        How many were added.
    """
    delivery = workspace.config.delivery
    if not (delivery.mail.host or delivery.mail.folder or delivery.hooks):
        return 0
    with workspace.db.read() as conn:
        ids = [row["id"] for row in conn.execute(_TO_READ)]
    return sum(_of_request(workspace, request_id) for request_id in ids)


def was_told(conn: Connection, key: str, person: Person) -> bool:
    """Whether a person has, or will get, the message of that key (see :func:`tell`)."""
    given = {"k": f"mail:{key}:{person.id}"}
    return conn.execute("SELECT 1 FROM outbox WHERE key = :k", given).fetchone() is not None


def tell(
    conn: Connection,
    workspace: Workspace,
    *,
    key: str,
    kind: str,
    about: str,
    people: Iterable[Person],
    words: RequestWords,
    room: str = "",
    data: Mapping[str, object] | None = None,
) -> int:
    """Put news that is about no request into the outbox; what is there already stays as it is.

    Args:
        conn: A connection to ``workspace.db`` in a write transaction.
        workspace: The workspace.
        key: What makes it this news.
        kind: Name of its template.
        about: ``alarm/ID``, say.
        people: Who is told by mail, outside of their quiet hours.
        words: What it says; the reader's name is filled in.
        room: The same in one line, for chat rooms; empty when it is no news to a room.
        data: For programs.

    Returns:
        How many messages there are of it, new or not: 0 says that nobody can be reached.
    """
    delivery, now = workspace.config.delivery, workspace.clock()
    practice, there = proposals.in_practice(conn), 0
    add = functools.partial(store.add, conn, kind=kind, about=about, data=data, now=now)
    for person in people:
        if not person.email or not (delivery.mail.host or delivery.mail.folder):
            continue
        subject, body = write(kind, replace(words, name=person.name))
        add(
            key=f"mail:{key}:{person.id}",
            channel="mail",
            person=person.id,
            subject=_marked(subject, practice=practice),
            body=body,
            not_before=person.quiet_until(now, zone_name=workspace.config.organisation.zone),
        )
        there += 1
    for name, hook in delivery.hooks.items():
        if room and (not hook.about or kind in hook.about):
            add(
                key=f"hook:{name}:{key}",
                channel=f"hook:{name}",
                subject=_marked(one_line(room, most=500), practice=practice),
                body=f"{workspace.config.web.base_url.rstrip('/')}/inbox",
            )
            there += 1
    return there


_TO_READ: Final = (
    "SELECT r.id FROM request r LEFT JOIN outbox_seen s ON s.request = r.id"
    " WHERE r.open = 1 OR s.watched = 1 OR coalesce(s.seq, 0) <"
    " (SELECT max(e.seq) FROM request_event e WHERE e.request = r.id) ORDER BY r.rowid"
)


def _of_request(workspace: Workspace, request_id: str) -> int:
    added = 0
    with workspace.db.write() as conn:
        request = signoff.load(conn, request_id)
        told = requests.events(conn, request_id)
        seen = conn.execute(
            "SELECT seq, watched FROM outbox_seen WHERE request = :r", {"r": request_id}
        ).fetchone()
        office = office_of(conn, workspace)
        teller = _Teller(workspace, office, request, now=workspace.clock())
        now_asked = list(teller.of_turn())
        for item in (*teller.of_events(told, after=seen["seq"] if seen else 0), *now_asked):
            added += _add(conn, workspace, request, item)
        store.drop_about(
            conn,
            f"request/{request_id}",
            kinds=_ASKS,
            keep=teller.of_use(now_asked, told),
            problem="overtaken: it is not their turn any more, or not on these words",
        )
        watched = int(any(debt.done_at is None for debt in request.state.debts))
        if seen is None or (seen["seq"], seen["watched"]) != (len(told), watched):
            conn.execute(
                "INSERT INTO outbox_seen (request, seq, watched) VALUES (:r, :seq, :watched)"
                " ON CONFLICT (request) DO UPDATE SET seq = :seq, watched = :watched",
                {"r": request_id, "seq": len(told), "watched": watched},
            )
    return added


class _Teller:
    """Works out the news of one request at one moment."""

    def __init__(
        self, workspace: Workspace, office: Office, request: Request, *, now: datetime
    ) -> None:
        self.request, self.now = request, now
        self.state = request.state
        self.hooks = tuple(workspace.config.delivery.hooks)
        self.roster = office.roster
        self.zone_name = workspace.config.organisation.zone
        self.turn: Turn = whose_turn(self.state, self.roster, now)
        self.ends = deadlines(self.state, office.calendar)

    def of_use(self, asked: list[News], told: list[ev.Event]) -> set[str]:
        """Keys of asks and reminders that somebody should still get."""
        ways = ("mail", *(f"hook:{name}" for name in self.hooks))
        keys = {f"mail:{news.key}:{person}" for news in asked for person in news.to}
        keys |= {f"{way}:{news.key}" for news in asked for way in ways}
        begun = self.state.opened_at
        if self.turn.kind == "sign" and begun is not None:
            for number, event in enumerate(told, start=1):
                this = isinstance(event, ev.Reminded) and event.stage == self.state.waiting
                if this and event.at >= begun:
                    key = f"event:{self.request.row.id}:{number}"
                    keys |= {f"mail:{key}:{person}" for person in self.turn.people}
                    keys |= {f"{way}:{key}" for way in ways}
        return keys

    def _asked(self) -> Iterator[Asked]:
        for ask in self.turn.asks:
            yield from ask.asked

    def name(self, person: str) -> str:
        return "the clock" if person == SYSTEM else self.roster.name(person)

    def when(self, moment: datetime | None) -> str:
        return shown(moment, zone_name=self.zone_name) if moment else ""

    def words(self, **more: object) -> RequestWords:
        base = RequestWords(
            name="",
            title=one_line(self.request.row.title),
            author=self.name(self.state.author),
            stage=self.state.waiting,
            due=self.when(self.ends.due_at),
            expires=self.when(self.ends.stage_expires_at),
        )
        return replace(base, **more)  # type: ignore[arg-type]

    def of_turn(self) -> Iterator[News]:
        """Whom the request waits for now."""
        state, at = self.state, self.request.row.id
        title = one_line(self.request.row.title)
        match self.turn.kind:
            case "sign":
                yield from self._asks(at, title)
            case "look":
                yield News(
                    key=f"look:{at}:{state.facts_changed_at}",
                    kind="look",
                    to=self.turn.people,
                    words=self.words(
                        decision="the story has changed",
                        reason="The words were signed before the story changed. Look whether they"
                        " still hold.",
                    ),
                    room=f"the story behind {title} has changed: somebody has to look",
                    urgent=True,
                )
            case "unlock":
                yield News(
                    key=f"unlock:{at}:{state.digest}",
                    kind="look",
                    to=self.turn.people,
                    words=self.words(
                        decision="no stage applies",
                        reason="No stage of the chain applies to these words, so nobody can clear"
                        " them but you, with an override and its reason.",
                    ),
                    urgent=True,
                )
            case "review":
                for debt in state.debts:
                    if debt.done_at is None:
                        late = debt.status(self.now) == "overdue"
                        yield News(
                            key=f"review:{at}:{debt.of}:{debt.since}:{late}",
                            kind="review",
                            to=self.turn.people,
                            words=self.words(
                                reason={"override": "an override", "lane": "the fast lane"}.get(
                                    debt.of, "the author's own yes"
                                ),
                                due=self.when(debt.due_at),
                            ),
                            room=f"a look afterwards at {title} is owed" if late else "",
                            urgent=late,
                        )

    def _asks(self, at: str, title: str) -> Iterator[News]:
        state, stage = self.state, self.state.waiting
        begun = f"{at}:{stage}:{state.opened_at}"
        escalated = stage in state.escalated
        for asked in self._asked():
            seat = self.name(asked.principal) if asked.copied else ""
            yield News(
                key=f"asked:{begun}:{asked.person}",
                kind="asked",
                to=(asked.person,),
                words=self.words(instead_of=seat, reason=self._reason()),
                urgent=escalated,
                decides=True,
                until=self.ends.due_at or self.ends.stage_expires_at,
            )
            if asked.copied:
                yield News(
                    key=f"copied:{begun}:{asked.person}",
                    kind="copied",
                    to=(asked.copied,),
                    words=self.words(actor=self.name(asked.person)),
                )
        if self.turn.people:
            who = ", ".join(map(self.name, self.turn.people))
            until = f", until {self.when(self.ends.due_at)}" if self.ends.due_at else ""
            yield News(
                key=f"asked:{begun}",
                kind="asked",
                to=(),
                words=self.words(),
                room=f"{title} waits in the stage {stage} for {who}{until}",
            )

    def _reason(self) -> str:
        return str(self.request.revision.fields.get("reason", ""))

    def of_events(self, told: list[ev.Event], *, after: int) -> Iterator[News]:
        """What happened since, as far as it is still news."""
        for number, event in enumerate(told[after:], start=after + 1):
            if self.now - event.at > OLD:
                continue
            state = fold(self.state.chain, told[:number])
            yield from self._of_event(f"event:{self.request.row.id}:{number}", event, state)

    def _of_event(self, key: str, event: ev.Event, state: RequestState) -> Iterator[News]:
        title, author = one_line(self.request.row.title), state.author
        if isinstance(event, ev.Reminded):
            if self.turn.kind == "sign" and event.stage == self.state.waiting:
                late = event.level == "due"
                yield News(
                    key=key,
                    kind="reminded",
                    to=self.turn.people,
                    words=self.words(overdue=late),
                    room=f"{title} is overdue in the stage {event.stage}" if late else "",
                    urgent=late,
                    decides=True,
                )
        elif isinstance(event, ev.Escalated):
            names = ", ".join(event.to)
            yield News(
                key=key,
                kind="ended",
                to=(author,),
                words=self.words(
                    actor="The clock",
                    stage=event.stage,
                    decision=f"{event.stage} is overdue; {names} may decide there as well",
                ),
                room=f"{title} is overdue in the stage {event.stage}: {names} may decide as well",
                urgent=True,
            )
        elif isinstance(event, ev.Expired):
            yield News(
                key=key,
                kind="expired",
                to=(author,),
                words=self.words(reason=event.reason),
                room=f"{title} expired: {event.reason}",
            )
        elif isinstance(event, ev.Signed):
            yield from self._of_decision(key, event, state)
        elif isinstance(event, ev.Overridden):
            yield News(
                key=key,
                kind="ended",
                to=(author,),
                words=self.words(
                    actor=self.name(event.actor),
                    decision="cleared in an emergency; a second person looks afterwards",
                    reason=event.reason,
                ),
                room=f"{self.name(event.actor)} cleared {title} in an emergency: {event.reason}",
                urgent=True,
            )
        elif event.kind in _ENDS:
            signers = dict.fromkeys([author, *(s.actor for s in state.signoffs)])
            stopped = event.kind in {ev.Killed.kind, ev.Recalled.kind}
            everybody = tuple(p for p in signers if p != event.actor)
            yield News(
                key=key,
                kind="ended",
                to=everybody if stopped else tuple(p for p in everybody if p == author),
                words=self.words(
                    actor=self.name(event.actor),
                    decision=_ENDS[event.kind],
                    reason=getattr(event, "reason", ""),
                ),
                room=f"{title}: {_ENDS[event.kind]} ({self.name(event.actor)})",
                urgent=stopped,
            )

    def _of_decision(self, key: str, event: ev.Signed, state: RequestState) -> Iterator[News]:
        actor, said = self.name(event.actor), deciding.spoken(event.decision.value)
        common = self.words(actor=actor, stage=event.stage, decision=said, note=event.note)
        if event.actor != state.author:
            yield News(
                key=key,
                kind="decided",
                to=(state.author,),
                words=replace(common, next=_next(state)),
                room=f"{actor} said {said} to {common.title} ({event.stage}). {_next(state)}",
                urgent=state.state in {State.CLEARED, State.RETURNED, State.BLOCKED},
            )
        if event.seat != event.actor:
            yield News(key=f"{key}:seat", kind="spoken_for", to=(event.seat,), words=common)


def _next(state: RequestState) -> str:
    match state.state:
        case State.CLEARED:
            return "All have signed: the words can be released."
        case State.RETURNED:
            return "Change the words, and they go before the chain again."
        case State.BLOCKED:
            return "Only those who block can lift it."
        case State.IN_REVIEW:
            return f'Next is the stage "{state.waiting}".'
    return ""


def _add(conn: Connection, workspace: Workspace, request: Request, news: News) -> int:
    delivery, now = workspace.config.delivery, workspace.clock()
    about, added = f"request/{request.row.id}", 0
    practice = proposals.in_practice(conn)
    data = {"request": request.row.id, "revision": request.revision.id,
            "subject_id": request.row.subject, "state": request.state.state.value,
            "stage": news.words.stage, "practice": practice}  # fmt: skip
    for person_id in dict.fromkeys(news.to):
        person = workspace.roster.get(person_id)
        if person is None or not person.email or not (delivery.mail.host or delivery.mail.folder):
            continue
        key = f"mail:{news.key}:{person_id}"
        if conn.execute("SELECT 1 FROM outbox WHERE key = :k", {"k": key}).fetchone():
            continue
        stage, lasts = _seat(workspace, request, person_id) if news.decides else ("", None)
        until = shown(now + lasts, zone_name=workspace.config.organisation.zone) if lasts else ""
        subject, body = write(news.kind, replace(news.words, name=person.name, link_until=until))
        row = store.add(
            conn,
            key=key,
            kind=news.kind,
            about=about,
            channel="mail",
            person=person_id,
            stage=news.words.stage,
            subject=_marked(subject, practice=practice),
            body=body,
            data=data,
            now=now,
            not_before=_not_before(workspace, person, news, now),
        )
        if row is not None:
            added += 1
            if lasts is not None:
                links.mailed(
                    conn, workspace, row.id, person=person_id, revision=request.revision.id,
                    stage=stage, lasts=lasts,
                )  # fmt: skip
    for name, hook in delivery.hooks.items():
        if news.room and (not hook.about or news.kind in hook.about):
            added += store.add(
                conn,
                key=f"hook:{name}:{news.key}",
                kind=news.kind,
                about=about,
                channel=f"hook:{name}",
                subject=_marked(one_line(news.room, most=500), practice=practice),
                body=page_of(workspace, request.revision.id),
                data=data,
                now=now,
            ) is not None  # fmt: skip
    return added


def _marked(subject: str, *, practice: bool) -> str:
    return f"[PRACTICE] {subject}" if practice else subject


def _seat(workspace: Workspace, request: Request, person: str) -> tuple[str, timedelta | None]:
    """The stage that a link lets a person decide in; without a duration they have to sign in."""
    try:
        return deciding.stage_for(workspace, request, person), links.DECIDE_FOR
    except KitError:
        return "", None


def _not_before(workspace: Workspace, person: Person, news: News, now: datetime) -> datetime:
    if news.urgent:
        return now
    until = person.quiet_until(now, zone_name=workspace.config.organisation.zone)
    if until is None:
        return now
    # A promise that ends during the night is kept by asking now.
    return now if news.until is not None and news.until <= until else until
