"""Lists for peer-to-peer texting: one row a person, with the arm and its words as custom fields.

One campaign carries all arms: its script is the custom field ``{arm_text}``. The tools sample in
the texter's browser and do not export what they drew, so the arm comes from our own assignment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["DIALECTS", "Dialect", "rows"]

Dialect = Literal["spoke", "spoke-rewired"]

DIALECTS: Final[Mapping[str, Mapping[str, str]]] = {
    # MoveOn's Spoke: camel case; every further column becomes a custom field.
    "spoke": {
        "first": "firstName",
        "last": "lastName",
        "cell": "cell",
        "zip": "zip",
        "id": "external_id",
    },
    # Spoke Rewired and With the Ranks: names with spaces.
    "spoke-rewired": {
        "first": "First Name",
        "last": "Last Name",
        "cell": "Cell Phone",
        "zip": "Zip",
        "id": "External ID",
    },
}
"""``what -> column`` of each tool's upload; ``arm`` and ``arm_text`` follow in all of them."""

_KNOWN: Final = {
    "first": {"firstname", "first", "givenname", "vorname", "nombre"},
    "last": {"lastname", "last", "surname", "familyname", "nachname", "apellido"},
    "cell": {"cell", "cellphone", "mobile", "mobilephone", "phone", "phonenumber", "texterphone"},
    "zip": {"zip", "zipcode", "postalcode", "postcode", "plz"},
    "id": {"externalid", "id", "personid", "vanid", "userid", "supporterid", "uuid"},
}


def rows(
    people: Iterable[Mapping[str, str]],
    columns: Sequence[str],
    texts: Mapping[str, str],
    *,
    dialect: Dialect,
    given: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, ...]]:
    """The upload: header first, then one row a person.

    Args:
        people: Rows of a list that ``experiment assign`` wrote: they have a column ``arm``.
        columns: Names of their columns.
        texts: ``arm -> words``.
        dialect: Whose upload.
        given: ``first``, ``last``, ``cell``, ``zip``, ``id`` to the column that holds it, where
            the name does not tell.

    Raises:
        InputError: There is no column for the cell phone, or none for the arm.
        DataError: A row has no number that a phone could have, or an arm without words.
    """
    names = DIALECTS[dialect]
    found = _found(columns, given or {})
    if "arm" not in columns:
        raise InputError(
            "the list has no column arm", field="list",
            hint="take a file that `whistlestop experiment assign` wrote",
        )  # fmt: skip
    if "cell" not in found:
        raise InputError(
            "the list has no column with cell phones",
            field="cell",
            hint=f"name it: --map cell=COLUMN; columns here: {', '.join(columns)}",
        )
    yield (*names.values(), "arm", "arm_text")
    bad: list[str] = []
    for number, person in enumerate(people, start=2):
        cell = person.get(found["cell"], "").strip().lstrip("'")
        digits = re.sub(r"\D", "", cell)
        arm = person.get("arm", "")
        if not 7 <= len(digits) <= 15 or arm not in texts:
            bad.append(f"line {number}: {cell or '(no number)'}, arm {arm or '(none)'}")
            continue
        cell = f"+{digits}" if cell.startswith("+") else digits
        values = {what: person.get(column, "").strip() for what, column in found.items()}
        values["cell"] = cell
        yield (*(values.get(what, "") for what in names), arm, texts[arm])
    if bad:
        raise DataError(
            f"{len(bad)} rows cannot be texted",
            rows=bad[:20],
            count=len(bad),
            hint="mend or remove them; nothing was written",
        )


def _found(columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    unknown = [
        what for what, column in given.items() if what not in _KNOWN or column not in columns
    ]
    if unknown:
        raise InputError(
            f"--map {unknown[0]}={given[unknown[0]]} names no column",
            field="map",
            value=given[unknown[0]],
            hint=f"one of {', '.join(_KNOWN)} = one of {', '.join(columns)}",
        )
    found = dict(given)
    for what, spellings in _KNOWN.items():
        if what not in found:
            for column in columns:
                if re.sub(r"[^a-z]", "", column.lower()) in spellings:
                    found[what] = column
                    break
    return found
