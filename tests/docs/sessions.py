"""A document as something that can be run: its fenced blocks, and a terminal for its commands."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
IDS = {
    "BATCH": "batch",
    "DRAFT": "draft",
    "ENTRY": "entry",
    "RELEASE": "rel",
    "REVISION": "rev",
    "STORY": "story",
}
"""Words in a document that stand for the newest id of a kind."""

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SETTING = re.compile(r"[A-Z_]+=")
_EXIT = re.compile(r"\(exit (\d+)\)")


def documents() -> list[Path]:
    """README and everything under docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fenced(text: str, language: str) -> list[tuple[int, str]]:
    """``(line, body)`` of every fenced block in one language."""
    return [
        (text.count("\n", 0, match.start()) + 1, match[2])
        for match in _FENCE.finditer(text)
        if match[1] == language
    ]


@dataclass(frozen=True)
class Step:
    """One command of a console block.

    Attributes:
        place: ``file:line`` of the block.
        command: What follows the ``$``.
        code: The exit code that the document promises.
        output: The output that it shows; empty when it shows none.
    """

    place: str
    command: str
    code: int
    output: str


def steps(path: Path) -> list[Step]:
    """The commands of a document, in order."""
    found = []
    for line, body in fenced(path.read_text(encoding="utf-8"), "console"):
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, output = part.replace("\\\n", " ").partition("\n")
            first, _, rest = output.partition("\n")
            ending = _EXIT.fullmatch(first.strip())
            found.append(
                Step(
                    place=f"{shown(path)}:{line}",
                    command=command.strip(),
                    code=int(ending[1]) if ending else 0,
                    output=(rest if ending else output).strip(),
                )
            )
    return found


@dataclass
class Terminal:
    """Runs the commands of one document in one folder, in this process.

    Attributes:
        feeds: What ``FEED_URL`` stands for.
        seen: Everything that was printed so far.
    """

    feeds: Sequence[str] = ()
    seen: str = ""
    words: Mapping[str, str] = field(default_factory=lambda: dict(IDS))

    def run(self, step: Step) -> None:
        """Run a command and hold it against its document.

        Raises:
            AssertionError: Another exit code, or other output than the document shows.
        """
        command = self._filled(step)
        code, printed = self._execute(command)
        self.seen += printed
        where = f"{step.place}: $ {command}"
        assert code == step.code, f"{where}\nexit {code}, not {step.code}\n{printed}"
        if step.output:
            assert agrees(step.output, printed), (
                f"{where}\nthe document shows\n{step.output}\n\nit prints\n{printed}"
            )

    def _filled(self, step: Step) -> str:
        def newest(match: re.Match[str]) -> str:
            prefix = IDS[match[0]]
            ids = re.findall(rf"\b{prefix}_[0-9a-z]{{18}}\b", self.seen)
            assert ids, f"{step.place}: nothing printed a {prefix}_... for {step.command}"
            return max(ids)  # ids sort by time

        text = re.sub(r"\bFEED_URL\b", " ".join(self.feeds), step.command)
        return re.sub(rf"\b(?:{'|'.join(IDS)})\b", newest, text)

    def _execute(self, command: str) -> tuple[int, str]:
        words = shlex.split(command)
        settings = []
        while words and _SETTING.match(words[0]):
            settings.append(words.pop(0).split("=", 1))
        if words[0] == "cd":
            os.chdir(words[1])
            return 0, ""
        if words[0] == "sed":  # an edit that a person would make
            subprocess.run(words, check=True)
            return 0, ""
        assert words[0] == "whistlestop", f"documents run whistlestop and cd, not {words[0]!r}"
        with contextlib.ExitStack() as stack:
            for name, value in settings:
                stack.enter_context(_environment(name, value))
            return whistlestop(words[1:])


def whistlestop(words: Sequence[str]) -> tuple[int, str]:
    """Run one command line; returns its exit code and all that it printed."""
    import cli

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = cli.run(words)
    return code, printed.getvalue()


@contextlib.contextmanager
def _environment(name: str, value: str):
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def agrees(shown_text: str, printed: str) -> bool:
    """Whether a document's output is what was printed, ``...`` standing for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(f"{shown_text}\n", f"{printed}\n", flags)
