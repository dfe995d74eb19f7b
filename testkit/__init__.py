"""testkit: honest A/B tests of messages on lists that end.

What is listed here is the library for scripts and notebooks; it needs no workspace, and
``docs/experiments/python.md`` shows all of it. ``testkit.stats`` holds the numbers,
``testkit.kernel`` the plumbing, ``testkit.services`` one verb each. Nothing here imports
``responders`` or ``experiments``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from testkit.api import (
        assign_list,
        check,
        compare,
        count,
        decide,
        look,
        plan,
        sample_ratio,
    )
    from testkit.errors import DataError, DefinitionError, InputError, KitError, StateError
    from testkit.model.advice import Advice, Circumstances, advise
    from testkit.model.decision import Decision
    from testkit.model.fixed import Compared
    from testkit.model.look import Look, WaveCounts
    from testkit.model.past import PastArm, PastSummary, PastTest, read_past
    from testkit.model.plan import Plan

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


_HOMES: Final = {
    "testkit.errors": ("DataError", "DefinitionError", "InputError", "KitError", "StateError"),
    "testkit.model.advice": ("Advice", "Circumstances", "advise"),
    "testkit.model.decision": ("Decision",),
    "testkit.model.fixed": ("Compared",),
    "testkit.model.look": ("Look", "WaveCounts"),
    "testkit.model.past": ("PastArm", "PastSummary", "PastTest", "read_past"),
    "testkit.model.plan": ("Plan",),
}
"""Where the names live that ``testkit.api`` does not make itself."""


def __getattr__(name: str) -> object:
    """The public names, imported when they are first asked for: a command line pays for none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), "testkit.api")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
