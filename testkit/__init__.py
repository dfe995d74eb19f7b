"""testkit: honest A/B tests of messages on lists that end.

What is listed here is the library for scripts and notebooks; it needs no workspace, and
``docs/experiments/python.md`` shows all of it. ``testkit.stats`` holds the numbers,
``testkit.kernel`` the plumbing, ``testkit.services`` one verb each. Nothing here imports
``responders`` or ``experiments``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testkit.api import (
        Advice,
        Circumstances,
        Compared,
        DataError,
        Decision,
        DefinitionError,
        InputError,
        KitError,
        Look,
        PastArm,
        PastSummary,
        PastTest,
        Plan,
        StateError,
        WaveCounts,
        advise,
        assign_list,
        check,
        compare,
        count,
        decide,
        look,
        plan,
        read_past,
        sample_ratio,
    )

__all__ = [
    "Advice",
    "Circumstances",
    "Compared",
    "DataError",
    "Decision",
    "DefinitionError",
    "InputError",
    "KitError",
    "Look",
    "PastArm",
    "PastSummary",
    "PastTest",
    "Plan",
    "StateError",
    "WaveCounts",
    "advise",
    "assign_list",
    "check",
    "compare",
    "count",
    "decide",
    "look",
    "plan",
    "read_past",
    "sample_ratio",
]


def __getattr__(name: str) -> object:
    """The public names, imported when they are first asked for: a command line pays for none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from testkit import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
