"""What values a statistic takes: one refusal per kind of argument, in one wording.

Every function of this package that meets a caller checks its arguments here, so that a rate of
1.2 or a NaN is refused with the field's name instead of becoming a NaN three calls later.
Nothing here computes; nothing here repairs a value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "counts",
    "finite",
    "finite_array",
    "one_of",
    "positive",
    "positive_array",
    "probability",
    "rate",
    "successes_of",
    "whole",
]


def finite(value: float, field: str) -> float:
    """``value`` as a finite float.

    Args:
        value: Any real number.
        field: Name of the argument, for the error.

    Returns:
        The value as a float.

    Raises:
        InputError: It is NaN or infinite.

    Examples:
        >>> finite(2, "effect")
        2.0
    """
    number = float(value)
    if not math.isfinite(number):
        raise InputError(f"{field} must be a finite number", field=field, value=value)
    return number


def positive(value: float, field: str) -> float:
    """``value`` as a finite float above 0.

    Args:
        value: Any real number.
        field: Name of the argument, for the error.

    Returns:
        The value as a float.

    Raises:
        InputError: It is NaN, infinite, zero or negative.

    Examples:
        >>> positive(2, "sd")
        2.0
    """
    number = finite(value, field)
    if number <= 0:
        raise InputError(f"{field} must be above 0, got {value!r}", field=field, value=value)
    return number


def probability(value: float, field: str) -> float:
    """``value`` as a float strictly between 0 and 1.

    Args:
        value: A probability such as alpha, power or a base rate.
        field: Name of the argument, for the error.

    Returns:
        The value as a float.

    Raises:
        InputError: It is NaN, or not inside (0, 1).

    Examples:
        >>> probability(0.05, "alpha")
        0.05
    """
    number = float(value)
    if not 0 < number < 1:
        raise InputError(
            f"{field} must lie strictly between 0 and 1, got {value!r}",
            field=field,
            value=value,
            hint="write 5 % as 0.05",
        )
    return number


def rate(value: float, field: str) -> float:
    """``value`` as a float in [0, 1].

    Args:
        value: A rate that may be 0 or 1.
        field: Name of the argument, for the error.

    Returns:
        The value as a float.

    Raises:
        InputError: It is NaN, or outside [0, 1].

    Examples:
        >>> rate(0, "control")
        0.0
    """
    number = float(value)
    if not 0 <= number <= 1:
        raise InputError(
            f"{field} must lie between 0 and 1, got {value!r}",
            field=field,
            value=value,
            hint="write 5 % as 0.05",
        )
    return number


def whole(value: float, field: str, *, at_least: int = 1) -> int:
    """``value`` as an integer of at least ``at_least``.

    Args:
        value: A count.
        field: Name of the argument, for the error.
        at_least: Smallest value that makes sense.

    Returns:
        The value as an int.

    Raises:
        InputError: It is not a whole number, or is too small.

    Examples:
        >>> whole(1000.0, "n_control")
        1000
    """
    if not math.isfinite(value) or value != int(value) or value < at_least:
        raise InputError(
            f"{field} must be a whole number of at least {at_least}, got {value!r}",
            field=field,
            value=value,
        )
    return int(value)


def successes_of(
    successes: float, n: float, *, fields: tuple[str, str] = ("successes", "n")
) -> tuple[int, int]:
    """Successes and units of one arm as matching whole numbers; :func:`counts` is for many.

    Args:
        successes: Units with the outcome, a whole number >= 0.
        n: Units, a whole number >= 1.
        fields: Names of the two arguments, for the error.

    Returns:
        Both as ints.

    Raises:
        InputError: One is not whole or too small, or there are more successes than units.

    Examples:
        >>> successes_of(20, 1000)
        (20, 1000)
    """
    units = whole(n, fields[1])
    hits = whole(successes, fields[0], at_least=0)
    if hits > units:
        raise InputError(
            f"{fields[0]} is {hits}, above {fields[1]} = {units}",
            field=fields[0],
            value=successes,
            hint="count each unit once",
        )
    return hits, units


def one_of(value: str, field: str, *, allowed: tuple[str, ...]) -> None:
    """Refuse a name that is not on the list.

    Args:
        value: The name that was given.
        field: Name of the argument, for the error.
        allowed: The names that exist.

    Raises:
        InputError: The name is not one of them.

    Examples:
        >>> one_of("reml", "method", allowed=("dl", "reml"))
    """
    if value not in allowed:
        raise InputError(
            f"no {field} {value!r}", field=field, value=value, hint="one of " + ", ".join(allowed)
        )


def finite_array(values: ArrayLike, field: str, *, at_least: int = 1) -> NDArray[np.float64]:
    """``values`` as a one-dimensional array of finite floats.

    Args:
        values: Numbers, shape ``(k,)``.
        field: Name of the argument, for the error.
        at_least: Fewest entries that make sense.

    Returns:
        A float array of shape ``(k,)``.

    Raises:
        InputError: It is not one-dimensional, too short, or holds NaN or infinity.

    Examples:
        >>> finite_array([1, 2], "effects")
        array([1., 2.])
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < at_least:
        raise InputError(
            f"{field} must be a flat list of at least {at_least}, got shape {array.shape}",
            field=field,
            value=values,
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{field}[{bad[0]}] is not a finite number", field=field, value=float(array[bad[0]])
        )
    return array


def positive_array(values: ArrayLike, field: str, *, at_least: int = 1) -> NDArray[np.float64]:
    """``values`` as a one-dimensional array of finite floats above 0.

    Args:
        values: Numbers, shape ``(k,)``.
        field: Name of the argument, for the error.
        at_least: Fewest entries that make sense.

    Returns:
        A float array of shape ``(k,)``.

    Raises:
        InputError: As :func:`finite_array`, or an entry is zero or negative.

    Examples:
        >>> positive_array([1, 2], "se")
        array([1., 2.])
    """
    array = finite_array(values, field, at_least=at_least)
    bad = np.flatnonzero(array <= 0)
    if bad.size:
        raise InputError(
            f"{field}[{bad[0]}] must be above 0, got {float(array[bad[0]])!r}",
            field=field,
            value=float(array[bad[0]]),
        )
    return array


def counts(
    successes: ArrayLike, n: ArrayLike, *, fields: tuple[str, str] = ("conversions", "n")
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Conversions and recipients per arm (or test) as matching arrays of whole numbers.

    Args:
        successes: Conversions, whole numbers >= 0, shape ``(arms,)``.
        n: Recipients, whole numbers >= 1, shape ``(arms,)``.
        fields: Names of the two arguments, for the error.

    Returns:
        Both as float arrays of shape ``(arms,)``.

    Raises:
        InputError: The shapes differ, an entry is not whole or is negative, an arm is empty, or
            conversions exceed recipients.

    Examples:
        >>> counts([20, 30], [1000, 1000])
        (array([20., 30.]), array([1000., 1000.]))
    """
    s = finite_array(successes, fields[0])
    size = positive_array(n, fields[1])
    if s.shape != size.shape:
        raise InputError(
            f"{fields[0]} has {s.size} entries, {fields[1]} has {size.size}",
            field=fields[1],
            value=n,
        )
    for array, field in ((s, fields[0]), (size, fields[1])):
        bad = np.flatnonzero((array < 0) | (array != np.floor(array)))
        if bad.size:
            raise InputError(
                f"{field}[{bad[0]}] must be a whole number, got {float(array[bad[0]])!r}",
                field=field,
                value=float(array[bad[0]]),
            )
    bad = np.flatnonzero(s > size)
    if bad.size:
        raise InputError(
            f"{fields[0]}[{bad[0]}] is {s[bad[0]]:.0f}, more than {size[bad[0]]:.0f} recipients",
            field=fields[0],
            value=float(s[bad[0]]),
        )
    return s, size
