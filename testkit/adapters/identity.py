"""Ids of people, spelled in one way per kind: as Python, and as SQL that gives the same.

Limits, said once: phone numbers are read as E.164, or as North American numbers where they have
ten digits (or eleven with a leading 1); a national number of another country needs its ``+`` and
country code. Whether a number is in service is nobody's guess here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from testkit.adapters.cells import composed_sql, plain_text, stripped_sql

__all__ = [
    "NUMERIC_KINDS",
    "hmac_parameters",
    "hmac_sql",
    "normal_id",
    "normal_id_sql",
    "normal_name",
    "plain_id_sql",
    "plain_text_sql",
]

_BLOCK: Final = 64
"""Bytes of a block of SHA-256."""

NUMERIC_KINDS: Final = ("vanid", "actionkit")
"""Kinds that are whole numbers: ``1,234`` and ``1234.0`` of a spreadsheet are ``1234``."""

_EMAIL: Final = r"^[^@ \t\n\r,;<>\x{00a0}]{1,64}@[^@ \t\n\r,;<>\x{00a0}]{1,255}$"
_PHONE: Final = r"^\+?[0-9 ().\-/\x{00a0}]{7,24}$"
_WHOLE: Final = r"^[0-9]{1,18}(?:\.0+)?$|^[0-9]{1,3}(?:,[0-9]{3}){1,5}$"
_ROUNDED: Final = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+$"


def normal_id(kind: str, text: str) -> str | None:
    """The one spelling of an id; None where the text cannot be one of that kind.

    Args:
        kind: One of :data:`testkit.adapters.model.ID_KINDS`.
        text: As a file has it.

    Examples:
        >>> normal_id("email", " Ana.Ruiz@Example.ORG "), normal_id("phone", "(212) 555-0142")
        ('ana.ruiz@example.org', '+12125550142')
        >>> normal_id("phone", "555-0142"), normal_id("vanid", "1.23E+11")
        (None, None)
    """
    shown = plain_text(text)
    if not shown or re.fullmatch(_ROUNDED, shown):
        return None
    if kind == "email":
        folded = shown.lower()
        return folded if re.fullmatch(_python(_EMAIL), folded) else None
    if kind == "phone":
        return _phone(shown)
    if kind in NUMERIC_KINDS:
        if not re.fullmatch(_WHOLE, shown):
            return None
        return re.sub(r"\.0+$|,", "", shown).lstrip("0") or "0"
    return shown


def _python(pattern: str) -> str:
    """DuckDB's regular expression as Python spells it, for a full match."""
    return pattern[1:-1].replace(r"\x{00a0}", "\u00a0")


def _phone(shown: str) -> str | None:
    if not re.fullmatch(_python(_PHONE), shown):
        return None
    digits = re.sub(r"[^0-9]", "", shown)
    if shown.startswith("+"):
        return f"+{digits}" if 8 <= len(digits) <= 15 and digits[0] != "0" else None
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return f"+1{national}" if re.fullmatch("[2-9][0-9]{2}[2-9][0-9]{6}", national) else None


def normal_id_sql(kind: str, cell: str) -> str:
    """:func:`normal_id` as an SQL expression over a text cell; NULL where there is none."""
    return plain_id_sql(kind, plain_text_sql(cell))


def plain_text_sql(cell: str) -> str:
    """:func:`testkit.adapters.cells.plain_text` as an SQL expression over a text cell."""
    unguarded = f"regexp_replace(coalesce({cell}, ''), '^''([=+\\-@\\t\\r])', '\\1')"
    return stripped_sql(composed_sql(unguarded), cell=cell)


def plain_id_sql(kind: str, shown: str) -> str:
    """:func:`normal_id_sql` over a cell that :func:`plain_text_sql` has read: name it once."""
    usable = f"{shown} <> '' AND NOT regexp_matches({shown}, '{_ROUNDED}')"
    if kind == "email":
        folded = f"lower({shown})"
        return f"CASE WHEN {usable} AND regexp_matches({folded}, '{_EMAIL}') THEN {folded} END"
    if kind == "phone":
        digits = f"regexp_replace({shown}, '[^0-9]', '', 'g')"
        national = (
            f"CASE WHEN length({digits}) = 11 AND starts_with({digits}, '1')"
            f" THEN substr({digits}, 2) ELSE {digits} END"
        )
        return (
            f"CASE WHEN NOT regexp_matches({shown}, '{_PHONE}') THEN NULL"
            f" WHEN starts_with({shown}, '+') THEN CASE WHEN length({digits}) BETWEEN 8 AND 15"
            f" AND NOT starts_with({digits}, '0') THEN '+' || {digits} END"
            f" WHEN regexp_matches({national}, '^[2-9][0-9]{{2}}[2-9][0-9]{{6}}$')"
            f" THEN '+1' || {national} END"
        )
    if kind in NUMERIC_KINDS:
        plain = f"ltrim(regexp_replace({shown}, '\\.0+$|,', '', 'g'), '0')"
        return (
            f"CASE WHEN regexp_matches({shown}, '{_WHOLE}')"
            f" THEN CASE WHEN {plain} = '' THEN '0' ELSE {plain} END END"
        )
    return f"CASE WHEN {usable} THEN {shown} END"


def normal_name(text: str) -> str:
    """A name in NFC with single spaces, for showing and comparing.

    Examples:
        >>> normal_name("  Jose\u0301   Nunez ")
        'José Nunez'
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def hmac_sql(kind: str, value: str) -> str:
    """HMAC-SHA256 of an id as SQL, the same as :func:`testkit.store.identity.hmac_of`.

    The query needs the parameters of :func:`hmac_parameters`.

    Args:
        kind: Kind of id, as SQL.
        value: The id in its one spelling, as SQL.
    """
    message = f"encode({kind} || chr(31) || {value})"
    return f"sha256($outer || unhex(sha256($inner || {message})))"


def hmac_parameters(key: bytes) -> dict[str, bytes]:
    """What :func:`hmac_sql` needs: the key, padded as RFC 2104 says."""
    from hashlib import sha256

    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return {
        "inner": bytes(byte ^ 0x36 for byte in block),
        "outer": bytes(byte ^ 0x5C for byte in block),
    }
