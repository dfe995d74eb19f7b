"""Made-up lists and results to practise with: large, plausible, and nobody's data."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from testkit.kernel.workspace import Workspace
    from testkit.store.plans import LockedPlan

__all__ = ["write_calls", "write_contacts", "write_results", "write_supporters"]

FIRST: Final = ("Ada", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jamal")
RARE: Final = 0.002
"""Share that does what the plan has no rate for."""
STATES: Final = ("CA", "FL", "GA", "MI", "NY", "OH", "PA", "TX", "WI")


def write_supporters(target: Path, *, size: int, seed: int) -> None:
    """Write a list of made-up supporters; an existing file is refused.

    Args:
        target: The CSV file: ``supporter_id, first_name, state, last_gift_cents``.
        size: How many, 1 to 10 million.
        seed: The same seed gives the same list.

    Raises:
        InputError: The size is out of range, or the file exists.
    """
    if not 1 <= size <= 10_000_000:
        raise InputError(f"{size} is not between 1 and 10,000,000", field="size", value=size)
    draw = np.random.default_rng(seed)
    first = draw.integers(0, len(FIRST), size)
    state = draw.integers(0, len(STATES), size)
    cents = (draw.lognormal(8.0, 0.8, size) / 100).astype(int) * 100
    with _new(target) as file:
        file.write("supporter_id,first_name,state,last_gift_cents\n")
        file.writelines(
            f"S{i:07d},{FIRST[f]},{STATES[s]},{c}\n"
            for i, (f, s, c) in enumerate(zip(first, state, cents, strict=True))
        )


def write_results(
    workspace: Workspace, name: str, target: Path, *, rates: Mapping[str, float], seed: int
) -> int:
    """Write made-up results for every wave of an experiment that was sent.

    Args:
        workspace: The workspace.
        name: The locked and assigned experiment.
        target: The CSV file; an existing one is refused.
        rates: ``arm -> share that does it``; other arms take the plan's base rate.
        seed: The same seed gives the same results.

    Returns:
        How many rows were written: the metric that decides, and every other rate of the plan
        (guardrails among them) as often as the plan expects it, alike in all arms.

    Raises:
        InputError: No such arm, a rate outside [0, 1], or the file exists.
        StateError: No wave was sent yet.
    """
    locked, arms = _rates(workspace, name, rates)
    others = [m for m in locked.plan.metrics[1:] if m.kind == "proportion"]
    # A stream of their own: the deeds that decide do not depend on what else a plan watches.
    beside = np.random.default_rng([seed, 1])
    count = 0
    with _new(target) as out:
        names = (locked.plan.unit_column, locked.plan.metric.name, *(m.name for m in others))
        out.write(",".join(names) + "\n")
        for _, units, did in _drawn(workspace, locked, arms, seed=seed):
            draws = [beside.random(len(units)) < (m.base or RARE) for m in others]
            rows = zip(units, did, *draws, strict=True)
            out.writelines(f"{u},{','.join(str(int(d)) for d in cells)}\n" for u, *cells in rows)
            count += len(units)
    return count


def write_contacts(source: Path, target: Path) -> int:
    """Write made-up ids for everybody of a list: what a database knows of them.

    Args:
        source: A list with ``supporter_id``.
        target: The CSV file: ``supporter_id, email, phone, vanid``; an existing one is refused.

    Returns:
        How many people were written.

    Raises:
        InputError: The list has no ``supporter_id``, or the file exists.
    """
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if "supporter_id" not in (reader.fieldnames or ()):
            raise InputError(
                f"{source.name} has no supporter_id", field="source", value=source.name
            )
        units = [row["supporter_id"] for row in reader]
    with _new(target) as out:
        out.write("supporter_id,email,phone,vanid\n")
        out.writelines(
            f"{unit},{unit.lower()}@example.org,+1212{5_550_000 + k:07d},{700_000 + k}\n"
            for k, unit in enumerate(units)
        )
    return len(units)


def write_calls(
    workspace: Workspace,
    name: str,
    target: Path,
    *,
    contacts: Path,
    rates: Mapping[str, float],
    seed: int,
) -> int:
    """Write made-up calls as EveryAction exports them: by VAN id, and only who was called.

    Args:
        workspace: The workspace.
        name: The locked and assigned experiment, a wave of which was sent.
        target: The CSV file; an existing one is refused.
        contacts: The file of :func:`write_contacts`, which knows everybody's VAN id.
        rates: ``arm -> share that calls``; other arms take the plan's base rate.
        seed: The same seed gives the same calls.

    Returns:
        How many calls were written.

    Raises:
        InputError: No such arm, a rate outside [0, 1], or the file exists.
        StateError: No wave was sent yet.
    """
    locked, arms = _rates(workspace, name, rates)
    with contacts.open(encoding="utf-8", newline="") as file:
        vanid = {row["supporter_id"]: row["vanid"] for row in csv.DictReader(file)}
    count = 0
    with _new(target) as out:
        out.write("VANID,Contact Type,Contact Result,Date Canvassed\n")
        for sent_at, units, did in _drawn(workspace, locked, arms, seed=seed):
            at = sent_at + timedelta(hours=min(3.0, locked.plan.metric.window_hours / 2))
            made = [vanid[u] for u, d in zip(units, did, strict=True) if d and u in vanid]
            out.writelines(f"{van},Phone,Canvassed,{at:%Y-%m-%dT%H:%M:%SZ}\n" for van in made)
            count += len(made)
    return count


def _rates(
    workspace: Workspace, name: str, rates: Mapping[str, float]
) -> tuple[LockedPlan, dict[str, float]]:
    """The locked plan, and the share of each arm that does it."""
    from testkit.store import events, plans

    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
    arms = {
        arm.name: rates.get(arm.name, locked.plan.metric.base or 0.0) for arm in locked.plan.arms
    }
    unknown = sorted(set(rates) - set(arms))
    if unknown:
        raise InputError(
            f"no arm {unknown[0]!r}", field="rate", value=unknown[0], hint=", ".join(arms)
        )
    bad = [arm for arm, rate in arms.items() if not 0 <= rate <= 1]
    if bad:
        raise InputError(f"the rate of {bad[0]} is not between 0 and 1", field="rate")
    with workspace.db.read() as conn:
        if not events.sends(conn, name, locked.version):
            raise StateError(
                f"no wave of {name} was sent", hint=f"whistlestop experiment sent {name} --wave 1"
            )
    return locked, arms


def _drawn(
    workspace: Workspace, locked: LockedPlan, arms: Mapping[str, float], *, seed: int
) -> Iterator[tuple[datetime, list[str], NDArray[np.bool_]]]:
    """For every arm of every wave that was sent: when, who, and whether they do it."""
    from testkit.store import events

    plan = locked.plan
    with workspace.db.read() as conn:
        sent = events.sends(conn, plan.experiment, locked.version)
    draw = np.random.default_rng(seed)
    lists = workspace.root / "experiments" / plan.experiment / "lists"
    for wave in sorted(sent):
        for arm, rate in arms.items():
            path = lists / f"wave-{wave:02d}-{arm}.csv"
            with path.open(encoding="utf-8", newline="") as file:
                units = [row[plan.unit_column] for row in csv.DictReader(file)]
            yield sent[wave], units, draw.random(len(units)) < rate


def _new(target: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a text file
    try:
        return target.open("x", encoding="utf-8", newline="\n")
    except FileExistsError as cause:
        raise InputError(
            f"{target} exists", field="target", value=str(target), hint="choose another name"
        ) from cause
