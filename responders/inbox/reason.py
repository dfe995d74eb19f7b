"""Why a draft was raised, for whoever decides now.

The recorded reason ends with how loud the news was when the draft was raised, and names its moments
in UTC, as a record should. A page that says how loud it is now need not say it again, and names
moments in the organisation's zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from testkit.kernel.clock import shown

__all__ = ["reason_now"]

_LOUDNESS: Final = re.compile(
    r"\s*(?:Louder than usual: [^()]*\(alarm of [^()]*\)\."
    r"|Its issue is louder than usual since \d\d:\d\d \S+\."
    r"|\d+ outlets within its first hour\.)"
)
_FIRST_SEEN: Final = re.compile(r"First seen (\d{4}-\d\d-\d\d \d\d:\d\d) UTC\.")


def reason_now(reason: str, *, zone_name: str) -> str:
    """A draft's recorded reason without its loudness of then, in the organisation's zone.

    Args:
        reason: As the draft keeps it.
        zone_name: The organisation's zone.

    Examples:
        >>> reason_now(
        ...     "Raised for “safe work”. First seen 2026-11-22 04:14 UTC. 3 outlets within its"
        ...     " first hour.",
        ...     zone_name="America/New_York",
        ... )
        'Raised for “safe work”. First seen 21 Nov 2026 23:14 EST.'
    """

    def local(found: re.Match[str]) -> str:
        at = datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        return f"First seen {shown(at, zone_name=zone_name)}."

    return _FIRST_SEEN.sub(local, _LOUDNESS.sub("", reason)).strip()
