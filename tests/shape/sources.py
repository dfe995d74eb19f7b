"""The project's own source files, as text and as syntax trees."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("testkit", "responders", "experiments")


def modules() -> dict[str, Path]:
    """``dotted name -> file`` of every module that is shipped."""
    files = [p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))]
    return {dotted(path): path for path in [*files, ROOT / "cli.py"]}


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def declared(path: Path) -> list[str] | None:
    """The names in ``__all__``; None where a module has none."""
    for node in tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            return ast.literal_eval(node.value)
    return None


def _written(parts: tuple[str, ...]) -> bool:
    made = parts[0].startswith((".", "whistlestop-demo", "dist", "build")) and parts[0] != ".ci"
    return not made and "__pycache__" not in parts


def tracked() -> list[Path]:
    """Files that belong to the project: what git knows, or all of an unpacked archive."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        # No git on this machine: leave out what tools and the demo have made.
        found = [p for p in ROOT.rglob("*") if _written(p.relative_to(ROOT).parts)]
    else:
        found = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in found if path.is_file()]
