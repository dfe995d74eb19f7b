"""What tools say of opens and clicks by machines: proxies, scanners, link checkers. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from testkit.adapters.counts import gaps_of_counts, latest
from testkit.adapters.model import Snapshot
from testkit.model.look import MachineFigures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.adapters.model import Gap
    from testkit.model.plan import Plan
    from testkit.store.events import Batch

__all__ = ["told_by_tools"]


def told_by_tools(plan: Plan, batches: Sequence[Batch]) -> tuple[MachineFigures, ...]:
    """Opens and clicks with and without machines, by arm, over the files that count.

    Counts of messages are running totals: the newest of each stands. Files of people add up, so
    that a person whom two files name counts twice here (and nowhere else).

    Args:
        plan: The plan, for the order of its arms.
        batches: Batches that count, oldest first.
    """
    running: list[Snapshot] = []
    added: list[Snapshot] = []
    people: dict[tuple[str, str], list[MachineFigures]] = {}
    for batch in batches:
        read = [Snapshot(**one) for one in batch.summary.get("snapshots", ())]
        (added if batch.summary.get("increments") else running).extend(read)
        if read:
            continue  # its gaps are those of the counts
        for gap in batch.summary.get("gaps", ()):
            one = _figures(gap["kind"], gap["arm"], gap["all"], gap["human"], gap["why"])
            people.setdefault((one.what, one.arm), []).append(one)
    counted = [_of_gap(gap) for gap in gaps_of_counts([*latest(running), *added])]
    for one in counted:
        people.setdefault((one.what, one.arm), []).append(one)
    order = {arm.name: number for number, arm in enumerate(plan.arms)}
    keys = sorted(people, key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
    return tuple(_together(people[key]) for key in keys)


def _figures(
    what: str, arm: str, raw: int, human: int | None, why: dict[str, int]
) -> MachineFigures:
    return MachineFigures(what=what, arm=arm, metric=False, raw=raw, human=human, why=dict(why))


def _of_gap(gap: Gap) -> MachineFigures:
    return _figures(gap.kind, gap.arm, gap.all, gap.human, dict(gap.why))


def _together(rows: Sequence[MachineFigures]) -> MachineFigures:
    human = [one.human for one in rows if one.human is not None]
    why: Counter[str] = Counter()
    for one in rows:
        why.update(one.why)
    return _figures(
        rows[0].what,
        rows[0].arm,
        sum(one.raw for one in rows),
        sum(human) if len(human) == len(rows) else None,
        dict(why),
    )
