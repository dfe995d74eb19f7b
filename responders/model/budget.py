"""A budget of false alarms, in words people understand: "about one a week"."""

from __future__ import annotations

from typing import Final

import regex

from testkit.errors import InputError

__all__ = ["NEVER", "alarms_per_week", "budget_in_words"]

NEVER: Final = 0.0
"""No alarm ever rings: everything waits for the digest."""

_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
_WEEKS: Final = {"day": 1 / 7, "week": 1.0, "fortnight": 2.0, "month": 30.4375 / 7, "quarter": 13.0}
_TIMES: Final = {"once": 1, "twice": 2}
_PATTERN: Final = regex.compile(
    r"(?:about |at most |up to )?(?:(?P<times>once|twice)|(?P<number>\d{1,3}|[a-z]+)"
    r"(?: (?:false )?alarms?| times?)?)"
    r" (?:a|an|per|each|every) (?P<period>day|week|fortnight|month|quarter)"
)
_MOST: Final = 20.0


def alarms_per_week(words: str) -> float:
    """The budget as a number.

    Args:
        words: ``about one a week``, ``two a month``, ``once a day``, ``3 per week``, ``never``.

    Returns:
        False alarms in a week without news, on average; 0 for ``never``.

    Raises:
        InputError: The words are not understood, or ask for more than 20 a week.

    Examples:
        >>> alarms_per_week("about one a week")
        1.0
        >>> alarms_per_week("Twice a fortnight")
        1.0
        >>> alarms_per_week("never")
        0.0
    """
    text = " ".join(words.lower().split()).rstrip(".")
    if text in {"never", "none", "no alarms"}:
        return NEVER
    found = _PATTERN.fullmatch(text)
    amount: float | None = None
    if found is not None and found["times"]:
        amount = _TIMES[found["times"]]
    elif found is not None and found["number"].isdecimal():
        amount = int(found["number"])
    elif found is not None:
        amount = _NUMBERS.get(found["number"])
    if found is None or not amount:
        raise InputError(
            f"{words!r} is not understood",
            field="alarms",
            value=words,
            hint="write it like: about one a week, two a month, once a day, never",
        )
    per_week = amount / _WEEKS[found["period"]]
    if per_week > _MOST:
        raise InputError(
            f"{words!r} is more than {_MOST:.0f} a week: nobody would listen",
            field="alarms",
            value=words,
            hint="about one a week is what an office bears",
        )
    return per_week


def budget_in_words(per_week: float) -> str:
    """The budget in words.

    Args:
        per_week: False alarms in a week, 0 or more.

    Examples:
        >>> [budget_in_words(n) for n in (1.0, 0.46, 7.0, 0.0, 2.5)]
        ['about 1 a week', 'about 2 a month', 'about 1 a day', 'never', 'about 2.5 a week']
    """
    if per_week <= 0:
        return "never"
    for period in ("day", "week", "month", "quarter"):
        amount = per_week * _WEEKS[period]
        if abs(amount - round(amount)) < 0.02 and round(amount) >= 1:
            return f"about {round(amount)} a {period}"
    return f"about {per_week:.2g} a week"
