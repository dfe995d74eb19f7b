"""What people and tools write into cells: counts, money, yes, moments. As Python and as SQL.

Theory of operation. Every grammar below is one regular expression, used by Python for small files
and by DuckDB (RE2, the same subset) for large ones, so that both read the same. A text that can
mean two numbers (``1.751`` in a file with decimal points) is none: the caller is asked.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError
from testkit.kernel.clock import to_text, zone

if TYPE_CHECKING:
    from testkit.adapters.model import Options

__all__ = [
    "NO",
    "YES",
    "amount_sql",
    "cents",
    "composed_sql",
    "count",
    "count_sql",
    "guess_decimal",
    "is_yes",
    "moment",
    "moment_sql",
    "moment_text",
    "plain_text",
    "printable",
    "stripped_sql",
    "why_not_a_number",
    "yes_sql",
]

YES: Final = (
    "1", "true", "t", "yes", "y", "x", "ja", "j", "oui", "o", "si", "sí", "sì", "s", "wahr",
    "vrai", "on",
)  # fmt: skip
NO: Final = ("0", "false", "f", "no", "n", "nein", "non", "falsch", "faux", "off", "")

_BLANKS: Final = " \t\n\r\u00a0"
"""What may stand around a cell's text; one set for Python and SQL, which disagree on others."""

_BLANK: Final = f"[{_BLANKS}]*"
_SPACES: Final = "[ \u00a0\u202f\u2009']"
_MONEY: Final = r"(?:[$€£¥]|US\$|CA\$|A\$|USD|EUR|GBP|CAD|AUD|CHF)"
_AFTER: Final = r"(?:\([^()]*\))?"
"""``141 (8.1%)``: what stands in brackets after a count repeats it as a share."""

BLANKS_SQL: Final = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"

_LONGEST: Final = 15
"""Digits that a double holds exactly; longer ones are ids, not numbers."""


def _number(decimal: str, *, fraction: str) -> str:
    """Digits with at most one kind of thousands separator, and ``fraction`` after the decimal."""
    group = "," if decimal == "." else r"\."
    point = r"\." if decimal == "." else ","
    return (
        rf"(?:[0-9]{{1,{_LONGEST}}}|[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{1,4}}"
        rf"|[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}}){{1,4}})(?:{point}{fraction})?"
    )


def _count_pattern(decimal: str) -> str:
    number = _number(decimal, fraction="0{1,4}")
    return rf"^{_BLANK}\+?{number}{_BLANK}{_AFTER}{_BLANK}$"


def _amount_pattern(decimal: str) -> str:
    # Three decimals are no money, and would be thousands of the other style.
    number = _number(decimal, fraction="(?:[0-9]{1,2}|[0-9]{2}0{1,6})")
    return rf"^{_BLANK}[+-]?{_BLANK}{_MONEY}?{_BLANK}[+-]?{number}{_BLANK}{_MONEY}?{_BLANK}$"


def _digits(text: str, decimal: str) -> Decimal:
    kept = re.sub(rf"\([^()]*\)|[^0-9{re.escape(decimal)}-]", "", text).replace(decimal, ".")
    sign = -1 if "-" in kept else 1
    return sign * Decimal(kept.replace("-", ""))


def count(text: str, *, decimal: str = ".") -> int | None:
    """A count as tools write it; None where the text is none, or can mean two numbers.

    Args:
        text: Such as ``1,751`` or ``141 (8.1%)``.
        decimal: What separates decimals: ``.`` or ``,``.

    Examples:
        >>> count("1,751"), count("141 (8.1%)"), count("1.751"), count("1.751", decimal=",")
        (1751, 141, None, 1751)
    """
    if not re.fullmatch(_count_pattern(decimal)[1:-1], text):
        return None
    return int(_digits(text, decimal))


def cents(text: str, *, decimal: str = ".") -> int | None:
    """Money in integer cents; None where the text is none, or can mean two amounts.

    Args:
        text: Such as ``$1,751.50`` or ``-12.00``.
        decimal: What separates decimals: ``.`` or ``,``.

    Examples:
        >>> cents("$1,751.5"), cents("1.751,50 €", decimal=","), cents("1,5"), cents("-3")
        (175150, 175150, None, -300)
    """
    if not re.fullmatch(_amount_pattern(decimal)[1:-1], text):
        return None
    # A$ and CAD hold no digits, and at most one minus is left after them.
    return int(_digits(text, decimal) * 100)


def _sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sql_number(cell: str, decimal: str) -> str:
    kept = f"regexp_replace({cell}, '\\([^()]*\\)|[^0-9{re.escape(decimal)}-]', '', 'g')"
    return f"replace({kept}, '{decimal}', '.')"


def count_sql(cell: str, *, decimal: str) -> str:
    """:func:`count` as an SQL expression over a text cell; NULL where it is no count."""
    pattern = _sql_text(_count_pattern(decimal))
    number = f"try_cast({_sql_number(cell, decimal)} AS DECIMAL(30, 8))"
    return f"CASE WHEN regexp_matches({cell}, {pattern}) THEN {number}::BIGINT END"


def amount_sql(cell: str, *, decimal: str) -> str:
    """:func:`cents` as an SQL expression over a text cell; NULL where it is no amount."""
    pattern = _sql_text(_amount_pattern(decimal))
    digits = f"replace({_sql_number(cell, decimal)}, '-', '')"
    number = f"(try_cast({digits} AS DECIMAL(30, 8)) * 100)::BIGINT"
    sign = f"(CASE WHEN contains({cell}, '-') THEN -1 ELSE 1 END)"
    return f"CASE WHEN regexp_matches({cell}, {pattern}) THEN {sign} * {number} END"


def is_yes(text: str) -> bool | None:
    """Whether a cell says yes, in the languages that our users' tools speak; None: neither.

    Examples:
        >>> is_yes("Oui"), is_yes("nein"), is_yes("maybe")
        (True, False, None)
    """
    folded = _composed(text).strip(_BLANKS).lower()
    return True if folded in YES else False if folded in NO else None


def yes_sql(cell: str) -> str:
    """:func:`is_yes` as an SQL expression; an empty cell is a no."""
    yes, no = (", ".join(map(_sql_text, words)) for words in (YES, NO))
    told = f"coalesce({cell}, '')"
    folded = f"lower({stripped_sql(composed_sql(told), cell=cell)})"
    return f"CASE WHEN {folded} IN ({yes}) THEN true WHEN {folded} IN ({no}) THEN false END"


def why_not_a_number(text: str, *, decimal: str) -> str:
    """What is wrong with a cell that :func:`count` or :func:`cents` refused, and what to say.

    Args:
        text: The cell.
        decimal: What was said to separate decimals.
    """
    shown = text.strip()
    other = "," if decimal == "." else "."
    if re.fullmatch(r"[+-]?[0-9.,]*%|[0-9.,]+\s*%", shown):
        return f"{shown!r} is a share, a count is needed"
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?e\+?[0-9]+", shown, re.IGNORECASE):
        return f"{shown!r} was rounded by a spreadsheet: export the column as text"
    spelled = re.sub(rf"{_MONEY}|{_SPACES}", "", shown)
    as_other = re.fullmatch(_amount_pattern(other)[1:-1], shown) or re.fullmatch(
        _count_pattern(other)[1:-1], shown
    )
    if as_other and re.search(r"[.,]", spelled):
        return (
            f"{shown!r} has decimals of the other kind, or thousands: if the file is written so,"
            f" say --decimal {other!r}"
        )
    return f"{shown!r} is not a number"


def guess_decimal(cells: list[str]) -> str:
    """``,`` where some cell can only be read with decimal commas and none only with points.

    Returns:
        ``.``, ``,``, or empty where the cells disagree.
    """
    readings = {
        sign: [
            cents(c, decimal=sign) is not None or count(c, decimal=sign) is not None for c in cells
        ]
        for sign in ".,"
    }
    if all(readings["."]):
        return "."
    return "," if all(readings[","]) else ""


def plain_text(text: str) -> str:
    """A cell without the quote that guards it against being a formula, in NFC, trimmed."""
    return _composed(re.sub(r"^'(?=[=+\-@\t\r])", "", text)).strip(_BLANKS)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\0", ""))


def stripped_sql(text: str, *, cell: str) -> str:
    """Text without the blanks around it; ``cell`` is what it was made of.

    Measured: DuckDB's ``trim`` with a set of characters takes twice the time of the plain one, and
    nearly no cell has other blanks than spaces.
    """
    others = f"regexp_matches({cell}, '[\\t\\n\\r\\x{{00a0}}]')"
    return f"CASE WHEN {others} THEN trim({text}, {BLANKS_SQL}) ELSE trim({text}) END"


def composed_sql(text: str) -> str:
    """Text in NFC without NUL, at which DuckDB would cut it off, as an SQL expression."""
    return f"nfc_normalize(replace({text}, chr(0), ''))"


def printable(text: str) -> str:
    r"""Text of a stranger for a terminal: what would move its cursor is shown as ``?``.

    Examples:
        >>> printable("Sign\x1b[2J today")
        'Sign?[2J today'
    """
    return "".join(c if c.isprintable() else "?" for c in text)


_ISO: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FORMATS: Final = (
    "%a, %b %d, %Y %H:%M",
    "%a, %b %d, %Y %I:%M %p",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y, %I:%M %p",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
)
_SLASHED: Final = ("{} %H:%M:%S", "{} %H:%M", "{} %I:%M:%S %p", "{} %I:%M %p", "{}")
_DAYS: Final = {
    True: ("%d/%m/%Y", "%d.%m.%Y", "%d/%m/%y"),
    False: ("%m/%d/%Y", "%m/%d/%y"),
}


def _formats(*, day_first: bool | None) -> tuple[str, ...]:
    orders = () if day_first is None else _DAYS[day_first]
    # Nobody writes the month first with dots.
    dotted = ("%d.%m.%Y",) if day_first is None else ()
    return (*_FORMATS, *(shape.format(day) for day in (*orders, *dotted) for shape in _SLASHED))


def moment(text: str, options: Options) -> datetime | None:
    """A time as tools write it, in UTC; None where the text is none.

    Raises:
        InputError: Day and month cannot be told apart.
    """
    shown = text.strip()
    if re.match(_ISO, shown):
        try:
            found = datetime.fromisoformat(re.sub(r"\s+(?:UTC|GMT)$", "+00:00", shown))
        except ValueError:
            return None
        return _aware(found, options)
    if re.fullmatch(r"[0-9]{10}(?:\.[0-9]{1,9})?", shown):
        return datetime.fromtimestamp(float(shown), UTC)
    for form in _formats(day_first=options.day_first):
        try:
            return _aware(datetime.strptime(shown, form), options)  # noqa: DTZ007 - zone follows
        except ValueError:
            continue
    if options.day_first is None and re.match(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}", shown):
        raise InputError(
            f"{shown!r}: day or month first?",
            field="at",
            value=text,
            hint="say it with --day-first or --month-first",
        )
    return None


def _aware(value: datetime, options: Options) -> datetime:
    local = value if value.tzinfo else value.replace(tzinfo=zone(options.zone))
    return local.astimezone(UTC)


def moment_text(text: str, options: Options) -> str | None:
    """:func:`moment` as ISO-8601 text; None where the text is none, empty where it is empty."""
    if not text.strip():
        return ""
    found = moment(text, options)
    return None if found is None else to_text(found)


def moment_sql(cell: str, *, day_first: bool | None) -> str:
    """:func:`moment` as an SQL expression in a session whose TimeZone is the file's."""
    shown = f"trim({cell})"
    iso = (
        f"CASE WHEN right({shown}, 3) IN ('UTC', 'GMT')"
        f" THEN try_cast(rtrim(left({shown}, -3)) || '+00:00' AS TIMESTAMPTZ)"
        f" ELSE try_cast({shown} AS TIMESTAMPTZ) END"
    )
    listed = ", ".join(map(_sql_text, _formats(day_first=day_first)))
    return (
        f"CASE WHEN substr({shown}, 5, 1) = '-' THEN {iso}"
        f" WHEN regexp_matches({shown}, '^[0-9]{{10}}(\\.[0-9]{{1,9}})?$')"
        f" THEN to_timestamp(try_cast({shown} AS DOUBLE))"
        f" ELSE try_strptime({shown}, [{listed}])::TIMESTAMPTZ END"
    )
