"""The bundled example experiments: published counts with their source and what they teach."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

__all__ = ["Amounts", "Example", "People", "batches_of", "example", "names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A group of people of whom the same is known: a row of ``people.csv``.

    Attributes:
        arm: Their arm.
        traits: ``column -> value`` that they share, such as the colour of their state.
        units: How many they are.
        outcomes: How many of them did it.
    """

    arm: str
    traits: dict[str, str]
    units: int
    outcomes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What an arm brought in, as published: a row of ``amounts.csv``.

    Attributes:
        mean: Mean per unit, those counted who gave nothing; in whole currency.
        standard_error: Of that mean.
    """

    mean: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One published experiment.

    Attributes:
        name: Its name, and that of its definition.
        definition: Text of ``experiment.yaml``.
        counts: ``arm -> (units, outcomes)`` as published, the control first.
        metric: Column of the outcome.
        lesson: What it teaches, Markdown.
        source: Where the counts come from, Markdown.
        people: The counts by what is known of people beforehand; empty where an example is played
            from its counts alone.
        amounts: ``arm -> amounts``; empty where none are published.
        amount: The metric of the amounts; empty where there are none.
    """

    name: str
    definition: str
    counts: dict[str, tuple[int, int]]
    metric: str
    lesson: str
    source: str
    people: tuple[People, ...] = ()
    amounts: Mapping[str, Amounts] = field(default_factory=dict)
    amount: str = ""


def _folder() -> Traversable:
    return files("experiments").joinpath("examples")


def names() -> list[str]:
    """Names of the bundled examples, sorted."""
    return sorted(item.name for item in _folder().iterdir() if item.is_dir())


def example(name: str) -> Example:
    """One bundled example.

    Raises:
        NotFoundError: There is none of that name.
    """
    if name not in names():
        raise NotFoundError("example", name, hint=f"there are: {', '.join(names())}")
    folder = _folder().joinpath(name)

    def text(file: str) -> str:
        return folder.joinpath(file).read_text(encoding="utf-8")

    def table(file: str) -> list[dict[str, str]]:
        there = folder.joinpath(file).is_file()
        return list(csv.DictReader(io.StringIO(text(file)))) if there else []

    rows, money = table("counts.csv"), table("amounts.csv")
    metric = next(column for column in rows[0] if column not in {"arm", "units"})
    amount = next((c for row in money for c in row if c not in {"arm", "standard_error"}), "")
    return Example(
        name=name,
        definition=text("experiment.yaml"),
        counts={row["arm"]: (int(row["units"]), int(row[metric])) for row in rows},
        metric=metric,
        lesson=text("lesson.md"),
        source=text("SOURCE.md"),
        people=tuple(
            People(
                arm=row["arm"],
                traits={c: v for c, v in row.items() if c not in {"arm", "units", metric}},
                units=int(row["units"]),
                outcomes=int(row[metric]),
            )
            for row in table("people.csv")
        ),
        amounts={
            row["arm"]: Amounts(
                mean=float(row[amount]), standard_error=float(row["standard_error"])
            )
            for row in money
        },
        amount=amount,
    )


def batches_of(found: Example, *, batches: int, seed: int) -> list[dict[str, tuple[int, int]]]:
    """Split published counts into batches at random, as if people had been drawn without order.

    Every arm is cut into batches of equal size; which of its outcomes fall into which batch is
    drawn from the multivariate hypergeometric distribution, so the batches add up to exactly the
    published counts.

    Args:
        found: The example.
        batches: How many.
        seed: Seed of the draw; the same seed gives the same split.

    Returns:
        Per batch ``arm -> (units, outcomes)``.
    """
    draw = np.random.default_rng(seed)
    out: list[dict[str, tuple[int, int]]] = [{} for _ in range(batches)]
    for arm, (units, outcomes) in found.counts.items():
        base, extra = divmod(units, batches)
        sizes = [base + (1 if k < extra else 0) for k in range(batches)]
        split = draw.multivariate_hypergeometric(sizes, outcomes)
        for k in range(batches):
            out[k][arm] = (sizes[k], int(split[k]))
    return out
