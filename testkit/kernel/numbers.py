"""Numbers as people write them, in and out: ``100,000``, ``2%``, ``1.2 million``, ``1 row``. Pure.

A text that can mean two numbers is none: ``1.751`` is a thousand and more for some, less than two
for others, and nobody notices afterwards which of them was read.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from testkit.errors import InputError

__all__ = ["counted", "difference", "people", "share"]

_MOST: Final = 10**10
"""More people than there are."""

_SPACES: Final = "[ \u00a0\u202f\u2009]"
_WORDS: Final = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_GROUPED: Final = rf"[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}})+"
_PLAIN: Final = r"[0-9]+(?:_[0-9]+)*"
_TWO_WAYS: Final = r"[0-9]{1,3}(?:\.[0-9]{3})+"
_DECIMAL: Final = r"(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)"


def counted(number: int, noun: str) -> str:
    """A number of things in words.

    Examples:
        >>> counted(1, "row"), counted(1200, "row"), counted(2, "person")
        ('1 row', '1,200 rows', '2 people')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {'people' if noun == 'person' else noun + 's'}"


def people(text: str) -> int:
    """A whole number of people.

    Args:
        text: Such as ``100000``, ``100,000``, ``100 000``, ``120k`` or ``1.2 million``.

    Raises:
        InputError: It is no whole number, or can mean two numbers.

    Examples:
        >>> people("100,000"), people("1.2 million"), people("40k")
        (100000, 1200000, 40000)
    """
    said = text.strip()
    if re.fullmatch(_TWO_WAYS, said):
        plain = said.replace(".", "")
        raise InputError(
            f"{said!r} can be read in two ways",
            field="number",
            value=text,
            hint=f"write {plain} or {int(plain):,}: a point may be a decimal point",
        )
    word = re.fullmatch(rf"({_DECIMAL}|{_GROUPED}){_SPACES}?([a-z]+)", said.lower())
    number: Decimal | None = None
    if re.fullmatch(f"{_PLAIN}|{_GROUPED}", said):
        number = Decimal(re.sub(r"[^0-9]", "", said))
    elif word and word[2] in _WORDS:
        grouped = re.fullmatch(_GROUPED, word[1]) is not None
        digits = re.sub(r"[^0-9]", "", word[1]) if grouped else word[1].replace(",", ".")
        number = Decimal(digits) * _WORDS[word[2]]
    if number is None or number != int(number):
        raise InputError(
            f"{said!r} is no whole number of people",
            field="number",
            value=text,
            hint="write it as 100000, 100,000, 100k or 1.2 million",
        )
    if number > _MOST:
        raise InputError(
            f"{said!r} is more people than there are", field="number", value=text,
            hint="how many are on the list?",
        )  # fmt: skip
    return int(number)


def share(text: str) -> float:
    """A share or a chance, as a number from 0 to 1.

    Args:
        text: Such as ``0.02``, ``2%`` or ``2.5 percent``.

    Raises:
        InputError: It is no share, or can mean two numbers.

    Examples:
        >>> share("2%"), share("0.02"), share("2,5 %")
        (0.02, 0.02, 0.025)
    """
    said = text.strip().lower()
    made = re.fullmatch(rf"({_DECIMAL}){_SPACES}*(%|percent|per cent)?", said)
    if made is None:
        raise InputError(
            f"{text.strip()!r} is no share",
            field="number",
            value=text,
            hint="write it as 2% or 0.02",
        )
    number = _decimal(made[1], said)
    if made[2]:
        number /= 100
    if number > 1 or (number == 1 and not made[2]):
        raise InputError(
            f"{text.strip()!r} is no share of people",
            field="number",
            value=text,
            hint=f"did you mean {made[1]}%? Write 2% or 0.02",
        )
    return float(number)


def difference(text: str) -> float:
    """A difference of two shares, as an absolute number.

    Args:
        text: Such as ``0.004`` or ``0.4 points``. A per cent sign is refused: half of those who
            write ``5%`` mean a twentieth of the base rate.

    Raises:
        InputError: It is no difference, or can mean two numbers.

    Examples:
        >>> difference("0.004"), difference("0.4 points")
        (0.004, 0.004)
    """
    said = text.strip().lower()
    made = re.fullmatch(rf"({_DECIMAL}){_SPACES}*(points?|pts?|pp)?", said)
    if made is None:
        raise InputError(
            f"{text.strip()!r} is no difference of shares",
            field="number",
            value=text,
            hint="from 2.0% to 2.4% are 0.4 points: write 0.4 points, or 0.004",
        )
    number = _decimal(made[1], said)
    if not made[2] and number >= 1:
        raise InputError(
            f"{text.strip()!r} is no difference of shares",
            field="number",
            value=text,
            hint=f"did you mean {made[1]} points? Write 0.4 points, or 0.004",
        )
    return float(number / 100 if made[2] else number)


def _decimal(digits: str, said: str) -> Decimal:
    """The number; ``1,751`` and ``1.751`` are refused, ``0.751`` has one meaning."""
    if re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", digits):
        raise InputError(
            f"{said!r} can be read in two ways",
            field="number",
            value=said,
            hint="write it as a share below 1, such as 0.01751",
        )
    return Decimal(digits.replace(",", "."))
