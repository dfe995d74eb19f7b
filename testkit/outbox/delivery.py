"""The loop: claim, send, settle; one process at a time, no transaction open while a peer answers.

The lock is a database file of its own, ``delivery.lock``, held exclusively for the round: the
operating system lets go of it when a process dies, on every system alike. So whoever holds it
knows that a message still marked as under way was left behind by a killed process.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.kernel.clock import from_text
from testkit.kernel.sqlite import driver
from testkit.outbox import store
from testkit.outbox.letter import Message, Outcome
from testkit.outbox.retry import next_try, peer_pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from testkit.kernel.clock import Clock
    from testkit.kernel.sqlite import Database
    from testkit.outbox.letter import Sender
    from testkit.outbox.store import Row

__all__ = ["LOCK_NAME", "Round", "deliver", "locked"]

LOCK_NAME: Final = "delivery.lock"


@dataclass(slots=True, kw_only=True)
class Round:
    """What one round of delivery did.

    Attributes:
        sent: Messages that arrived.
        failed: Messages that will be tried again.
        gave_up: Messages that will not.
        unsure: Messages of which nobody knows whether they arrived.
        busy: Another process is delivering; nothing was done here.
        down: ``channel -> problem`` of peers that do not answer.
    """

    sent: int = 0
    failed: int = 0
    gave_up: int = 0
    unsure: int = 0
    busy: bool = False
    down: dict[str, str] | None = None


@contextlib.contextmanager
def locked(root: Path) -> Iterator[bool]:
    """Hold the delivery lock; False when another process has it."""
    conn = driver.connect(str(root / LOCK_NAME), timeout=0, isolation_level=None)
    try:
        try:
            conn.execute("BEGIN EXCLUSIVE")
        except driver.OperationalError:
            yield False
            return
        try:
            yield True
        finally:
            conn.execute("ROLLBACK")
    finally:
        conn.close()


def deliver(
    database: Database,
    *,
    root: Path,
    clock: Clock,
    sender_of: Callable[[str], Sender | str],
    letter_of: Callable[[Row], Message | str],
    impatient: bool = False,
    only: str | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Round:
    """Send what is due.

    Args:
        database: Where the outbox is.
        root: Folder for the lock.
        clock: The present moment.
        sender_of: A sender for a channel, or why there is none.
        letter_of: The message as it goes out, or why it cannot.
        impatient: Try peers that are paused.
        only: This message only, due or not.
        stop: Asked between two messages.
    """
    done = Round(down={})
    with locked(root) as mine:
        if not mine:
            done.busy = True
            return done
        senders: dict[str, Sender] = {}
        with database.write() as conn:
            done.unsure += store.heal(conn, now=clock())
            paused = {
                p.channel
                for p in store.peers(conn)
                if not impatient and from_text(p.next_at) > clock()
            }
        try:
            while not stop():
                with database.write() as conn:
                    row = store.claim(conn, now=clock(), without=paused, only=only)
                if row is None:
                    break
                sender = senders.get(row.channel) or sender_of(row.channel)
                if not isinstance(sender, str):
                    senders[row.channel] = sender
                outcome = _try(database, row, sender, letter_of)
                _settle(database, row, outcome, now=clock(), done=done)
                if outcome.down:
                    paused.add(row.channel)
                if only is not None:
                    break
        finally:
            for sender in senders.values():
                sender.close()
    return done


def _try(
    database: Database,
    row: Row,
    sender: Sender | str,
    letter_of: Callable[[Row], Message | str],
) -> Outcome:
    if isinstance(sender, str):
        return Outcome(problem=sender, down=True)
    letter = letter_of(row)
    if isinstance(letter, str):
        return Outcome(problem=letter, final=True)

    def handing_over() -> None:
        if row.careful:
            with database.write() as conn:
                store.handed(conn, row.id)

    return sender.send(letter, handing_over=handing_over)


def _settle(database: Database, row: Row, outcome: Outcome, *, now: datetime, done: Round) -> None:
    with database.write() as conn:
        if outcome.down:
            before = next((p for p in store.peers(conn) if p.channel == row.channel), None)
            failures = (before.failures if before else 0) + 1
            store.peer_failed(
                conn,
                row.channel,
                failures=failures,
                next_at=now + peer_pause(failures),
                problem=outcome.problem,
                now=now,
            )
            store.mark(conn, row.id, "failed", now=now, problem=outcome.problem)
            done.failed += 1
            assert done.down is not None
            done.down[row.channel] = outcome.problem
            return
        store.peer_answered(conn, row.channel)
        attempts = row.attempts + 1
        if outcome.sent:
            store.mark(conn, row.id, "sent", now=now, attempts=attempts)
            done.sent += 1
            return
        if outcome.unsure and row.careful:
            problem = f"{outcome.problem}; nobody knows whether it arrived"
            store.mark(conn, row.id, "unsure", now=now, problem=problem, attempts=attempts)
            done.unsure += 1
            return
        again = next_try(row.id, attempts=attempts, now=now, asked=outcome.wait)
        if outcome.final or again is None:
            store.mark(conn, row.id, "gave_up", now=now, problem=outcome.problem, attempts=attempts)
            done.gave_up += 1
        else:
            store.mark(
                conn, row.id, "failed", now=now, problem=outcome.problem, attempts=attempts,
                next_at=again,
            )  # fmt: skip
            done.failed += 1
