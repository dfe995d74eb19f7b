"""Types of options that take numbers as people write them; a refusal names the option."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import click

from testkit.errors import InputError
from testkit.kernel import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AMOUNT", "CENTS", "DIFFERENCE", "PEOPLE", "SHARE"]


class _Number(click.ParamType[float]):
    """Text that one of the readers of ``testkit.kernel.numbers`` understands."""

    def __init__(self, name: str, read: Callable[[str], float]) -> None:
        self.name = name
        self.read = read

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; a default that is one already stays as it is."""
        if not isinstance(value, str):
            return float(value) if isinstance(value, float) else int(value)
        try:
            return self.read(value)
        except InputError as problem:
            self.fail(f"{problem.message}: {problem.hint}", param, ctx)


PEOPLE: Final = _Number("people", numbers.people)
SHARE: Final = _Number("share", numbers.share)
DIFFERENCE: Final = _Number("difference", numbers.difference)


class _Amount(click.FloatRange):
    """Money or time: not negative, and a number that can be counted with."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no amount.", param, ctx)
        return number


AMOUNT: Final = _Amount(min=0)
CENTS: Final = click.IntRange(min=0)
