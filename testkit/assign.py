"""Which unit meets which arm: by a salted hash, so that anybody can check it later.

Two named schemes, both built on ``md5(salt + ":" + unit)`` written as hex text:

``md5-v1``
    Every unit is placed on its own by the first eight hex digits, compared as text with fixed cut
    points. The same formula runs in SQL, in a warehouse or at the moment of a click.
``md5-rank-v1``
    For a list in a file: units are ordered by the whole hash inside each stratum; the first ones
    form the test, in waves of exact size, each wave holding exact arm sizes. A later list makes
    further waves.

MD5 is used as a mixing function that every database has; nothing here is a secret.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SPACE",
    "arm_cuts",
    "cut_points",
    "hash_text",
    "independent_arm",
    "offset",
    "wave_sizes",
]

SPACE: Final = 16**8
"""Number of different values of the eight hex digits."""


def hash_text(salt: str, unit: str) -> str:
    """The 32 hex digits of a unit under a salt; the unit in Unicode NFC.

    Examples:
        >>> hash_text("s", "a1")
        '05ea4e70592ecde90d81ddefd46bc13f'
    """
    text = f"{salt}:{unicodedata.normalize('NFC', unit)}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def cut_points(shares: Sequence[float]) -> tuple[str, ...]:
    """Upper cut points of consecutive shares, as eight hex digits for comparison as text.

    Args:
        shares: Positive shares in order, dimensionless, that sum to 1.

    Returns:
        One cut per share but the last: a hash below cut ``i`` and not below cut ``i-1`` belongs to
        share ``i``; a hash below no cut belongs to the last.

    Raises:
        InputError: A share is not positive, or they do not sum to 1.
    """
    _check_shares(shares)
    cuts, total = [], 0.0
    for share in shares[:-1]:
        total += share
        cuts.append(f"{min(round(total * SPACE), SPACE - 1):08x}")
    return tuple(cuts)


def independent_arm(unit: str, *, salt: str, shares: Sequence[float]) -> int:
    """Index of the arm of one unit under ``md5-v1``."""
    digits = hash_text(salt, unit)[:8]
    for index, cut in enumerate(cut_points(shares)):
        if digits < cut:
            return index
    return len(shares) - 1


def wave_sizes(total: int, *, waves: int) -> tuple[int, ...]:
    """Sizes of equal waves, the first ones larger by one where it does not divide.

    Raises:
        InputError: A size is negative, or there are more waves than units.
    """
    if total < 0 or waves < 1 or (total and waves > total):
        raise InputError(f"{total} units do not make {waves} waves", field="waves", value=waves)
    base, extra = divmod(total, waves)
    return tuple(base + (1 if i < extra else 0) for i in range(waves))


def offset(salt: str, *, wave: int, stratum: str) -> float:
    """A number in [0, 1) that decides how a wave's arm sizes are rounded in a stratum.

    Small strata cannot be split exactly. A fixed rule would give every odd unit to the same arm;
    this one leaves each arm its share on average.
    """
    return int(hash_text(f"{salt}:cells", f"{wave}:{stratum}")[:8], 16) / SPACE


def arm_cuts(size: int, *, shares: Sequence[float], shift: float) -> tuple[int, ...]:
    """Positions at which the arms of one wave x stratum end.

    Systematic rounding: cut ``i`` is ``floor(size * (share_1 + .. + share_i) + shift)``, so that an
    arm is never off its exact size by one or more, and over a uniform ``shift`` has it on average.

    Args:
        size: Units in the cell.
        shares: Shares of the arms, summing to 1.
        shift: In [0, 1), from :func:`offset`.

    Returns:
        ``(arms,)`` non-decreasing positions, the last equal to ``size``: the unit at position
        ``p`` (from 0) belongs to the first arm whose cut is above ``p``.

    Examples:
        >>> arm_cuts(10, shares=[0.5, 0.5], shift=0.3)
        (5, 10)
    """
    _check_shares(shares)
    cuts, total = [], 0.0
    for share in shares[:-1]:
        total += share
        # The sum of shares such as .1 + .2 carries dust: without this 10 * .3 could floor to 2.
        cuts.append(min(size, int(size * total + shift + 1e-9)))
    return (*cuts, size)


def _check_shares(shares: Sequence[float]) -> None:
    if not shares or min(shares) <= 0:
        raise InputError("every share must be above 0", field="shares", value=list(shares))
    if abs(sum(shares) - 1) > 1e-9:
        raise InputError(
            f"the shares sum to {sum(shares):g}, not to 1", field="shares", value=list(shares)
        )
