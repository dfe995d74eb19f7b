"""Counts of two arms, parsed once and trusted after that.

What lives here: the checked 2x2 table that every comparison of two rates starts from.
What must not: any statistic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.stats.domain import successes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TwoByTwo", "tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoByTwo:
    """Conversions and units of two arms: one wave, one stratum, or a whole experiment.

    Attributes:
        successes_control: Units of the control with the outcome, 0 <= s <= n.
        n_control: Units of the control, at least 1.
        successes_arm: Units of the arm with the outcome, 0 <= s <= n.
        n_arm: Units of the arm, at least 1.

    Raises:
        InputError: A count is negative, fractional or NaN, an arm is empty, or there are more
            successes than units.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> round(table.difference, 3), table.successes
        (0.2, 104)
    """

    successes_control: int
    n_control: int
    successes_arm: int
    n_arm: int

    def __post_init__(self) -> None:
        for arm in ("control", "arm"):
            fields = (f"successes_{arm}", f"n_{arm}")
            given = (getattr(self, name) for name in fields)
            for name, count in zip(fields, successes_of(*given, fields=fields), strict=True):
                object.__setattr__(self, name, count)

    @property
    def rate_control(self) -> float:
        """Share of the control's units with the outcome."""
        return self.successes_control / self.n_control

    @property
    def rate_arm(self) -> float:
        """Share of the arm's units with the outcome."""
        return self.successes_arm / self.n_arm

    @property
    def difference(self) -> float:
        """Rate of the arm minus rate of the control."""
        return self.rate_arm - self.rate_control

    @property
    def n(self) -> int:
        """Units of both arms."""
        return self.n_control + self.n_arm

    @property
    def successes(self) -> int:
        """Successes of both arms."""
        return self.successes_control + self.successes_arm

    @property
    def swapped(self) -> TwoByTwo:
        """The same table with arm and control exchanged."""
        return TwoByTwo(
            successes_control=self.successes_arm,
            n_control=self.n_arm,
            successes_arm=self.successes_control,
            n_arm=self.n_control,
        )


def tables(strata: Iterable[TwoByTwo], *, field: str = "strata") -> tuple[TwoByTwo, ...]:
    """The strata as a tuple with at least one table.

    Args:
        strata: One table a stratum (wave, segment, or wave x segment).
        field: Name of the argument, for the error.

    Returns:
        The same tables.

    Raises:
        InputError: There is no stratum, or an item is not a :class:`TwoByTwo`.

    Examples:
        >>> table = TwoByTwo(successes_control=1, n_control=9, successes_arm=2, n_arm=9)
        >>> len(tables([table, table]))
        2
    """
    found = tuple(strata)
    if not found:
        raise InputError(f"{field} is empty", field=field, value=found, hint="give one table")
    for index, table in enumerate(found):
        if not isinstance(table, TwoByTwo):
            raise InputError(
                f"{field}[{index}] is not a TwoByTwo", field=f"{field}[{index}]", value=table
            )
    return found
