"""Mutation testing of the decision engines: do their own tests notice a changed operator?

One small change at a time (a comparison, an operator, a constant, ``min`` for ``max``, a branch
the other way round) is made in a copy of the repository, and only the tests of that module run
there. A mutant that no test fails for has survived: either a law is untested, or the change makes
no difference (a tolerance, the order of a sum). The survivors are printed as a diff line each, for
reading; the score is a sample's, so it comes with its interval.

    python -m benchmarks.mutation --mutants 160 --seed 20261122
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent

TESTS: Final = {
    "spending": ("tests/unit/stats/test_spending.py",),
    "boundaries": (
        "tests/unit/stats/test_boundaries.py",
        "tests/property/test_boundaries_laws.py",
    ),
    "inference": ("tests/unit/stats/test_inference.py",),
    "exact": ("tests/unit/stats/test_exact.py", "tests/property/test_exact_laws.py"),
    "walk": ("tests/unit/stats/test_walk.py", "tests/unit/stats/test_exact.py"),
    "exact_inference": ("tests/unit/stats/test_exact_inference.py",),
    "exact_repeated": ("tests/unit/stats/test_exact_repeated.py",),
    "hypergeometric": ("tests/unit/stats/test_hypergeometric.py",),
}
"""Module of ``testkit.stats`` to the tests that alone have to notice."""

SWAPS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
NAMES: Final = {"min": "max", "max": "min", "ndtr": "ndtri", "floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: module, line, and the module's text with it."""

    module: str
    line: int
    before: str
    after: str
    text: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every change that the table knows, in code that runs."""
    source = (ROOT / "testkit" / "stats" / f"{module}.py").read_text(encoding="utf-8")
    places = [n for n in _code(ast.parse(source)) if list(_changes(n))]
    for number, place in enumerate(places):
        for kind in range(len(list(_changes(place)))):
            tree = ast.parse(source)
            node = [n for n in _code(tree) if list(_changes(n))][number]
            before = ast.unparse(node)
            list(_changes(node))[kind]()
            yield Mutant(module, node.lineno, before, ast.unparse(node), ast.unparse(tree))


def _code(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions, without annotations, messages of errors, and declarations of names."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) == "__all__":
            continue
        if isinstance(tree, ast.AnnAssign | ast.arg) and child is tree.annotation:
            continue
        if isinstance(tree, ast.FunctionDef) and (
            child is tree.returns or child in tree.decorator_list
        ):
            continue
        if isinstance(tree, ast.ClassDef) and child in tree.decorator_list:
            continue
        if isinstance(child, ast.JoinedStr):
            continue
        if isinstance(child, ast.expr):
            yield child
        yield from _code(child)


def _changes(node: ast.expr) -> Iterator[object]:
    """Functions that change the node in place, one for each way."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            if type(operator) in SWAPS:
                yield lambda i=i, o=operator: node.ops.__setitem__(i, SWAPS[type(o)]())
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield lambda: setattr(node, "op", SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    elif isinstance(node, ast.IfExp):
        yield lambda: node.__dict__.update(body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield lambda: setattr(node, "value", not node.value)
        elif isinstance(node.value, int | float):
            yield lambda: setattr(node, "value", node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
        yield lambda: setattr(node.func, "id", NAMES[node.func.id])
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in NAMES
    ):
        yield lambda: setattr(node.func, "attr", NAMES[node.func.attr])


def _pytest(folder: str, tests: Sequence[str]) -> None:
    """Run in a process of its own: exit status 0 when every test passes."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    import pytest

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    os._exit(int(status))


def killed(folder: Path, tests: Sequence[str], *, seconds: float) -> bool:
    """Whether a test fails in the copy, or nothing ends in time."""
    process = multiprocessing.get_context("fork").Process(target=_pytest, args=(str(folder), tests))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return True
    return process.exitcode != 0


def main(words: Sequence[str] | None = None) -> int:
    """Print the survivors and the score of each module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=160, help="how many in all")
    parser.add_argument("--seed", type=int, default=20261122, help="of the sample")
    parser.add_argument("--module", choices=sorted(TESTS), action="append", help="only these")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so long")
    options = parser.parse_args(words)
    modules = options.module or list(TESTS)
    rng = random.Random(options.seed)
    everything = {module: list(mutants(module)) for module in modules}
    total = sum(map(len, everything.values()))
    sample = [
        mutant
        for module in modules
        for mutant in rng.sample(
            everything[module],
            min(
                len(everything[module]),
                round(options.mutants * len(everything[module]) / total) or 1,
            ),
        )
    ]
    rng.shuffle(sample)
    # Imported once, before the processes fork: a mutant's run then costs its tests alone.
    import numpy as np  # noqa: F401
    import pytest  # noqa: F401
    import scipy.optimize
    import scipy.special
    import scipy.stats  # noqa: F401

    scores = {module: [0, 0] for module in modules}
    end = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where) / "copy"
        for name in ("testkit", "tests"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "pyproject.toml", folder)
        limits = {}
        for module in modules:
            start = time.monotonic()
            if killed(folder, TESTS[module], seconds=600):
                print(f"the tests of {module} fail without a mutant")
                return 1
            limits[module] = 10 + 3 * (time.monotonic() - start)
        for mutant in sample:
            if time.monotonic() > end:
                break
            path = folder / "testkit" / "stats" / f"{mutant.module}.py"
            own = path.read_text(encoding="utf-8")
            path.write_text(mutant.text, encoding="utf-8")
            dead = killed(folder, TESTS[mutant.module], seconds=limits[mutant.module])
            path.write_text(own, encoding="utf-8")
            scores[mutant.module][0] += dead
            scores[mutant.module][1] += 1
            print(
                f"{mutant.module}.py:{mutant.line} {'killed' if dead else 'SURVIVED'}",
                end="\r",
                file=sys.stderr,
            )
            if not dead:
                print(f"{mutant.module}.py:{mutant.line}: {mutant.before}  ->  {mutant.after}")
                sys.stdout.flush()
    for module, (dead, tried) in scores.items():
        print(f"{module}: {dead} of {tried} killed, of {len(everything[module])} possible")
    dead, tried = (sum(score[i] for score in scores.values()) for i in (0, 1))
    print(f"all: {dead} of {tried} killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
