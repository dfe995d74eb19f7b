"""Play a bundled example in a workspace: its definition, and its counts as batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from experiments.catalogue import batches_of, example
from experiments.people import made_up
from testkit.kernel.clock import to_text
from testkit.kernel.workspace import write_once

if TYPE_CHECKING:
    from pathlib import Path

    from testkit.kernel.workspace import Workspace

__all__ = ["Played", "set_up"]

SEED = 2007
BATCHES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An example that lies ready in a workspace.

    Attributes:
        name: The experiment.
        definition: Its file.
        batches: Result files with the moments at which they were "sent", in order.
        people: The list, for an example that is played from made-up people; else None.
        results: What these people did; else None.
    """

    name: str
    definition: Path
    batches: tuple[tuple[Path, str], ...]
    people: Path | None = None
    results: Path | None = None


def set_up(workspace: Workspace, name: str, *, seed: int = SEED) -> Played:
    """Write an example's definition and its batches into a workspace; existing files stay.

    The batches are a random split by us. Their send times lie in the past, four days apart, so
    that every one is older than the attribution window.

    An example that says what is known of people beforehand is written as made-up people instead: a
    list with the arm of each, and what each did.

    Args:
        workspace: The workspace.
        name: The example.
        seed: Seed of the split.
    """
    found = example(name)
    folder = workspace.root / "experiments" / name
    definition = folder / "experiment.yaml"
    write_once(definition, found.definition)
    write_once(folder / "SOURCE.md", found.source)
    write_once(folder / "lesson.md", found.lesson)
    if found.people:
        people, results = folder / "list.csv", folder / "results.csv"
        listed, did = made_up(found, seed=seed)
        write_once(people, listed)
        write_once(results, did)
        return Played(name=name, definition=definition, batches=(), people=people, results=results)
    start = workspace.clock().replace(microsecond=0) - timedelta(days=4 * BATCHES)
    batches = []
    for number, batch in enumerate(batches_of(found, batches=BATCHES, seed=seed), start=1):
        rows = "".join(f"{number},{arm},{n},{s}\n" for arm, (n, s) in batch.items())
        path = folder / f"batch-{number}.csv"
        write_once(path, f"wave,arm,units,{found.metric}\n{rows}")
        batches.append((path, to_text(start + timedelta(days=4 * (number - 1)))))
    return Played(name=name, definition=definition, batches=tuple(batches))
