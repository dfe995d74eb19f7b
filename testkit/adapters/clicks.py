"""Clicks that no person made, where the tool does not say so: three rules, each reported.

A click within 5 seconds of delivery, three links within 2 seconds, and a link that nobody is shown:
mail scanners do that. A rule that took more from one arm than from the other would make a
difference by itself, so what was taken is reported by arm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.engines.sources import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

__all__ = ["mark_scanners"]

SECONDS_AFTER_DELIVERY: Final = 5
LINKS: Final = 3
SECONDS_FOR_LINKS: Final = 2


def mark_scanners(
    connection: duckdb.DuckDBPyConnection, events: str, *, decoys: Sequence[str] = ()
) -> None:
    """Mark clicks as a machine's, with the rule that says so.

    Args:
        connection: The session.
        events: The table of events; changed in place.
        decoys: Addresses in the message that no person is shown.
    """
    same = "a.id_kind = b.id_kind AND a.id = b.id AND a.message IS NOT DISTINCT FROM b.message"
    clicks = f"SELECT * FROM {events} WHERE kind = 'clicked'"
    deliveries = f"SELECT * FROM {events} WHERE kind = 'delivered' AND done_at IS NOT NULL"
    soon = f"INTERVAL {SECONDS_AFTER_DELIVERY} SECOND"
    links = f"INTERVAL {SECONDS_FOR_LINKS} SECOND"
    bursts = f"""
        SELECT a.id_kind, a.id, a.message, a.done_at
        FROM ({clicks}) a JOIN ({clicks}) b
          ON {same} AND b.done_at >= a.done_at AND b.done_at <= a.done_at + {links}
        GROUP BY ALL HAVING count(DISTINCT b.url) >= {LINKS}
        """
    hit = ", ".join(map(literal, decoys)) or "NULL"
    # Who opens the decoy is a scanner: none of its clicks on this message is a person's.
    rules = {
        "opened a link that nobody is shown": (f"{clicks} AND url IN ({hit})", "true"),
        f"within {SECONDS_AFTER_DELIVERY} seconds of delivery": (
            deliveries,
            f"a.done_at >= b.done_at AND a.done_at < b.done_at + {soon}",
        ),
        f"{LINKS} links within {SECONDS_FOR_LINKS} seconds": (
            bursts,
            f"a.done_at >= b.done_at AND a.done_at <= b.done_at + {links}",
        ),
    }
    for why, (others, condition) in rules.items():
        connection.execute(
            f"""
            UPDATE {events} AS a SET machine = true, machine_why = {literal(why)}
            FROM (SELECT DISTINCT id_kind, id, message, done_at FROM ({others})) b
            WHERE a.kind = 'clicked' AND a.machine IS NOT TRUE AND {same} AND {condition}
            """
        )
