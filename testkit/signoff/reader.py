"""Plain values become ours: texts, lengths, moments, conditions; all problems at once.

What a rule file is made of: a chain, the charter, pre-cleared words. Each problem names its key
path, which the caller can turn into file, line and column. Findings SO101 to SO105 are listed in
``docs/signoff/chain.md``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import InputError
from testkit.kernel.clock import parse_local
from testkit.kernel.findings import Finding
from testkit.kernel.hours import end_of
from testkit.signoff.conditions import LEVELS, OPERATORS, AllOf, AnyOf, Compare, Condition, Not

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

__all__ = ["MISSING", "Key", "Reader", "parse_duration"]

Key = tuple[str | int, ...]
"""Path to a value: ``("stages", 1, "sla", "due")``."""

MISSING: Final = object()
"""In the place of a value that had to be there; its absence is remarked already."""

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9_.+-]{0,62}[a-z0-9])?")


def parse_duration(text: str) -> timedelta:
    """A length of time as people write it: ``20m``, ``2h``, ``1h30m``, ``3d``.

    Raises:
        InputError: The text is no such length, or it is zero.

    Examples:
        >>> parse_duration("1h30m")
        datetime.timedelta(seconds=5400)
    """
    match = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = map(int, match.groups("0")) if match else (0, 0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise InputError(
            f"{text!r} is not a length of time",
            field="duration",
            value=text,
            hint="write it like 20m, 2h, 1h30m or 3d",
        )
    return length


class Reader:
    """Reads plain values into ours, and collects problems instead of stopping at the first.

    Args:
        zone_name: IANA zone of moments that name none.
        place: Key path to the text of ``Finding.where``.
    """

    def __init__(self, zone_name: str, place: Callable[[Key], str]) -> None:
        self.zone_name = zone_name
        self.place = place
        self.findings: list[Finding] = []
        self.levels: Mapping[str, tuple[str, ...]] = LEVELS

    def bad(self, code: str, message: str, key: Key, hint: str = "") -> None:
        """Remember a problem at ``key``."""
        self.findings.append(
            Finding(code=code, severity="error", message=message, hint=hint, where=self.place(key))
        )

    # -- plain values ------------------------------------------------------------------------

    def mapping(self, value: object, key: Key, known: Collection[str]) -> Mapping[str, Any]:
        """The mapping at ``key``, with a finding for every key that nobody reads."""
        if not isinstance(value, Mapping):
            self.bad("SO103", f"keys and values are expected, not {value!r}", key)
            return {}
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self.bad("SO101", f"unknown key {name!r}", (*key, str(name)), hint)
        return value

    def needed(self, value: Mapping[str, Any], name: str, key: Key) -> Any:
        """The value under a key that must be there."""
        if value.get(name) is None:
            self.bad("SO102", f"{name!r} is missing", (*key, name))
            return MISSING
        return value[name]

    def text(self, value: object, key: Key) -> str:
        """A text that is not empty."""
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not MISSING:
            self.bad("SO103", f"{value!r} is not accepted: it should be text", key)
        return ""

    def ident(self, value: object, key: Key) -> str:
        """A text that works as a name."""
        text = self.text(value, key)
        if text and not _ID.fullmatch(text):
            hint = "use a-z, 0-9, - and _, starting and ending with a letter or digit"
            self.bad("SO103", f"{text!r} does not work as a name", key, hint)
        return text

    def texts(self, value: object, key: Key) -> tuple[str, ...]:
        """One text or a list of them."""
        if value is None or value is MISSING:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        found = []
        for index, item in enumerate(items):
            where = (*key, index) if isinstance(value, list | tuple) else key
            text = self.text(item, where)
            if text in found:
                self.bad("SO104", f"{text!r} stands twice", where)
            elif text:
                found.append(text)
        if isinstance(value, list | tuple) and not value:
            self.bad("SO103", "the list is empty", key)
        return tuple(found)

    def whole(self, value: object, key: Key, *, least: int) -> int:
        """A whole number from ``least`` on."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.bad("SO103", f"{value!r} is not accepted: a whole number from {least} on", key)
        return least

    def yes_no(self, value: object, key: Key) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.bad("SO103", f"{value!r} is not accepted: it should be true or false", key)
        return value is True

    def length(self, value: Mapping[str, Any], name: str, key: Key) -> timedelta | None:
        """A length of time, or None where none is given."""
        if value.get(name) is None:
            return None
        try:
            return parse_duration(str(value[name]))
        except InputError as cause:
            self.bad("SO103", cause.message, (*key, name), cause.hint)
            return None

    def choice(self, value: object, known: Sequence[str], key: Key) -> str:
        """One of the known texts."""
        if value in known:
            return str(value)
        near = difflib.get_close_matches(str(value), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        self.bad("SO103", f"{value!r} is not accepted: one of {', '.join(known)}", key, hint)
        return known[0]

    def moment(self, value: object, key: Key) -> datetime | None:
        """A moment in the organisation's zone, or None where none is given."""
        if value is None:
            return None
        try:
            return parse_local(self.text(value, key), zone_name=self.zone_name)
        except InputError as cause:
            self.bad("SO103", cause.message, key, cause.hint)
            return None

    def end(self, value: object, key: Key) -> datetime | None:
        """The end of a day, or a moment; None where none is given."""
        if value is None or self.moment(value, key) is None:
            return None
        return end_of(self.text(value, key), zone_name=self.zone_name)

    # -- conditions --------------------------------------------------------------------------

    def when(self, value: object, key: Key) -> Condition | None:
        """A condition over facts, or None where none is given."""
        if value is None:
            return None
        if not isinstance(value, Mapping) or not value:
            self.bad(
                "SO103",
                "a condition is a fact with a value",
                key,
                "write `{risk: high}`, or `{any: [{risk: high}, {spend_cents: {gt: 500000}}]}`",
            )
            return None
        parts: list[Condition] = []
        for name, inner in value.items():
            part = self._part(str(name), inner, (*key, str(name)))
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts)) if parts else None

    def _part(self, name: str, value: object, key: Key) -> Condition | None:
        if name in ("any", "all"):
            if not isinstance(value, list | tuple) or not value:
                self.bad("SO103", f"{name!r} takes a list of conditions", key)
                return None
            found = [self.when(item, (*key, i)) for i, item in enumerate(value)]
            parts = tuple(part for part in found if part is not None)
            return AnyOf(parts) if name == "any" else AllOf(parts)
        if name == "not":
            part = self.when(value if value is not None else {}, key)
            return None if part is None else Not(part)
        if isinstance(value, Mapping):
            ops: list[Condition] = []
            for op, constant in self.mapping(value, key, OPERATORS).items():
                if op in OPERATORS:
                    ops.append(self._compare(name, op, constant, (*key, op)))
            if not value:
                self.bad("SO103", f"{name!r} is compared with nothing", key)
            return ops[0] if len(ops) == 1 else AllOf(tuple(ops)) if ops else None
        op = "in" if isinstance(value, list | tuple) else "eq"
        return self._compare(name, op, value, key)

    def _compare(self, fact: str, op: str, value: Any, key: Key) -> Compare:
        plain = (str, int, float, bool)
        if op in ("in", "not_in"):
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
            if not value or not all(isinstance(item, plain) for item in value):
                self.bad("SO103", f"{op!r} takes a list of texts, numbers, true or false", key)
        elif op in ("gt", "ge", "lt", "le"):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number and value not in self.levels.get(fact, ()):
                order = self.levels.get(fact)
                hint = f"{fact} is one of {', '.join(order)}" if order else "give a number"
                self.bad("SO103", f"{value!r} has no order", key, hint)
        elif not isinstance(value, plain):
            self.bad("SO103", f"{value!r} is not text, a number, true or false", key)
        return Compare(fact=fact, op=op, value=value)  # type: ignore[arg-type]
