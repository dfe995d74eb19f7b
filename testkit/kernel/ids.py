"""Ids that sort by time and say what they name: ``look_01k9z3q8xw4f7m2a``."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["new_id"]

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_TIME_CHARS: Final = 10
_RANDOM_BITS: Final = 40


def _encode(value: int, *, width: int) -> str:
    chars = []
    for _ in range(width):
        value, digit = divmod(value, 32)
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))


def new_id(prefix: str, *, now: datetime, entropy: int | None = None) -> str:
    """A new id: prefix, milliseconds since 1970 in base 32, 40 random bits.

    Args:
        prefix: What it names: ``exp``, ``look``, ``rev`` ...
        now: The present moment; ids made later sort later (to the millisecond).
        entropy: The random part, for tests; drawn from the system when None.

    Returns:
        ``prefix_`` and 18 characters.
    """
    millis = int(now.timestamp() * 1000)
    noise = secrets.randbits(_RANDOM_BITS) if entropy is None else entropy % (1 << _RANDOM_BITS)
    return f"{prefix}_{_encode(millis, width=_TIME_CHARS)}{_encode(noise, width=8)}"
