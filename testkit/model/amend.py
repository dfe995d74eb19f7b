"""What a locked plan may still change, by how far it has come. Pure.

Before anybody was assigned, everything may. Once people have their arms, nothing may that says who
gets what. Once results were looked at, only what cannot bias the result: names of owners, money,
dates, the title.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testkit.model.plan import Plan

__all__ = ["Change", "Stage", "changes", "refused"]

Stage = Literal["locked", "assigned", "looked"]

HARMLESS: Final = (
    *("title", "owner", "channel", "source", "list_size", "budget_cents", "staff_hours"),
    *("send_on", "arms.*.cents_per_unit", "metrics.*.owner"),
)
"""What cannot bias a result that somebody has seen."""

PLACING: Final = (
    *("experiment", "unit_kind", "unit_column", "unit_group", "arms.*", "test_size", "holdout"),
    *("suppress", "exclude", "clock", "waves", "wave_sizes", "scheme", "salt", "strata"),
    *("split",),
)
"""What says who gets what, when: settled once people have their arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that an amendment changes.

    Attributes:
        key: Dotted name in the plan; items of a list by their name.
        before: The value that was locked; None when there was none.
        after: The value from now on; None when there is none.
    """

    key: str
    before: Any
    after: Any


def changes(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Every value that differs, in the order of the plan."""
    before, after = dict(_flat(old.as_dict())), dict(_flat(new.as_dict()))
    keys = [*before, *(key for key in after if key not in before)]
    return tuple(
        Change(key=key, before=before.get(key), after=after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    )


def refused(found: tuple[Change, ...], *, stage: Stage) -> tuple[Change, ...]:
    """The changes that the plan's stage forbids.

    Args:
        found: What an amendment would change.
        stage: ``locked``: nobody is assigned; ``assigned``: people have their arms; ``looked``:
            a look was taken.
    """
    if stage == "locked":
        return ()
    if stage == "looked":
        return tuple(change for change in found if not _matches(change.key, HARMLESS))
    return tuple(
        change
        for change in found
        if _matches(change.key, PLACING) and not _matches(change.key, HARMLESS)
    )


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    parts = key.split(".")
    for pattern in patterns:
        wanted = pattern.split(".")
        pairs = zip(wanted, parts, strict=False)
        if len(parts) >= len(wanted) and all(w in ("*", part) for w, part in pairs):
            return True
    return False


def _flat(value: dict[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _flat(item, f"{at}{key}.")
        elif isinstance(item, (list, tuple)) and item and isinstance(item[0], dict):
            for inner in item:
                name = inner.get("name") or inner.get("column")
                yield from _flat(inner, f"{at}{key}.{name}.")
        else:
            yield f"{at}{key}", list(item) if isinstance(item, tuple) else item
