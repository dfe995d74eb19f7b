"""Limits that the operating system puts on a process: the one place where they differ by system.

POSIX has them (``resource``); Windows has not, and there every function here does nothing and says
so. A caller that needs protection everywhere adds a clock and a kill, as
:mod:`responders.feeds.parse` does.
"""

from __future__ import annotations

import contextlib
import math
import sys
from typing import Literal

if sys.platform != "win32":
    import resource

__all__ = ["Limited", "limit_cpu_from_now", "limit_process"]

Limited = frozenset[Literal["memory", "files", "core", "cpu"]]
"""Names of the limits that took hold."""


def limit_process(*, memory_bytes: int, file_bytes: int = 0) -> Limited:
    """Limit this process for the rest of its life.

    Args:
        memory_bytes: Most address space, bytes, > 0; beyond it allocation raises MemoryError.
        file_bytes: Largest file it may write, bytes, >= 0; pipes are no files.

    Returns:
        The limits that took hold; empty where the system has none.
    """
    held: set[Literal["memory", "files", "core", "cpu"]] = set()
    if sys.platform == "win32":
        return frozenset(held)
    with contextlib.suppress(ValueError, OSError):
        _lower(resource.RLIMIT_AS, memory_bytes)
        held.add("memory")
    with contextlib.suppress(ValueError, OSError):
        _lower(resource.RLIMIT_FSIZE, file_bytes)
        held.add("files")
    with contextlib.suppress(ValueError, OSError):
        _lower(resource.RLIMIT_CORE, 0)  # a crash must not write what it read to disk
        held.add("core")
    return frozenset(held)


def limit_cpu_from_now(seconds: float) -> Limited:
    """Let this process be killed once it has computed for so long from now on.

    Args:
        seconds: Processor time, > 0, rounded up to whole seconds.

    Returns:
        ``{"cpu"}`` where it took hold, else empty. A later call replaces this one.
    """
    if sys.platform == "win32":
        return frozenset()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        if hard == resource.RLIM_INFINITY or until <= hard:
            resource.setrlimit(resource.RLIMIT_CPU, (until, hard))
            return frozenset({"cpu"})
    return frozenset()


if sys.platform != "win32":

    def _lower(kind: int, value: int) -> None:
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))
