"""Unit files for a server that runs the newsroom by itself, written by ``watch --systemd-units``.

Three units: a timer that calls ``tick`` every minute, the service that the timer calls, and the
service of the pages. They call the same commands that a person would; nothing else happens in them.
"""

from __future__ import annotations

from responders.units.fill import NAMES, units

__all__ = ["NAMES", "units"]
