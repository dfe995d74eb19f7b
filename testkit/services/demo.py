"""The stage on which the demo plays: real commands in a fresh folder, with their real output."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testkit.errors import InputError
from testkit.kernel.workspace import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Stage"]


SETTINGS = {
    "name: Your organisation  ": "name: Harbor Workers Together",
    "link: https://example.org/act  ": "link: https://harborworkers.example/go",
    'phone: ""': 'phone: "555 0100"',
    'signer: ""': "signer: Sam Ito, Organizer",
    'address: ""': 'address: "12 Pier Road, Millbrook"',
    "email_opt_out: Reply with the word UNSUBSCRIBE to leave this list": (
        'email_opt_out: "Leave this list: {{ unsubscribe_url }}"'
    ),
    "allow_hosts: []  ": "allow_hosts: [127.0.0.1]",
}
"""What a real organisation would fill in first; the last lets the demo's own feeds be read."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """Runs commands and tells about them.

    Attributes:
        folder: The workspace.
        command: Runs one command line; returns its exit code.
        say: Prints a line.
        made: Files worth opening, in the order in which they were made.
    """

    folder: Path
    command: Callable[[Sequence[str]], int]
    say: Callable[[str], Any]
    made: list[tuple[str, str]] = field(default_factory=list)

    def open(self) -> None:
        """Make the workspace."""
        self._run(["init", str(self.folder)], inside=False)
        config = self.folder / "whistlestop.yaml"
        text = config.read_text(encoding="utf-8")
        for before, after in SETTINGS.items():
            assert before in text, before
            text = text.replace(before, after)
        replace_file(config, text)
        self.say(f"A fresh workspace in {self.folder}, in practice mode: nothing leaves it.")

    def close(self) -> None:
        """Say what was made, and what to try next."""
        self.title("What is there now")
        for path, what in self.made:
            self.say(f"  {self.folder / path}  {what}")
        self.say("\nTry next:")
        self.say("  whistlestop quick 1751 141 1750 125")
        self.say(f"  whistlestop -C {self.folder} experiment new my-first-test")
        self.say(f"  whistlestop -C {self.folder} status")

    def title(self, text: str) -> None:
        """Begin a part."""
        self.say(f"\n{text}\n{'-' * len(text)}")

    def run(self, *words: str, lines: int | None = None, person: str = "") -> str:
        """Run one command; show it with the first ``lines`` of what it printed (None: all).

        Raises:
            InputError: The command failed; its output is in the message.
        """
        text = self._run([*(("--as", person) if person else ()), *words])
        shown = " ".join(
            ["whistlestop", *(["--as", person] if person else []), *map(_quoted, words)]
        )
        self.say(f"$ {shown}")
        kept = text.splitlines() if lines is None else text.splitlines()[:lines]
        for line in kept:
            self.say(f"  {line}")
        return text

    def ask(self, *words: str, person: str = "") -> Any:
        """Run one command with ``--json``, silently; returns what it printed."""
        return json.loads(self._run([*(("--as", person) if person else ()), *words, "--json"]))

    def _run(self, words: Sequence[str], *, inside: bool = True) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = self.command([*(["-C", str(self.folder)] if inside else []), *words])
        if code != 0:
            raise InputError(
                f"the demo stopped at `whistlestop {' '.join(words)}` (exit {code})",
                field="demo",
                hint=out.getvalue().strip()[-500:],
            )
        return out.getvalue().rstrip("\n")

    def keep(self, path: str, what: str) -> None:
        """Remember a file for the list at the end."""
        self.made.append((path, what))


def _quoted(word: str) -> str:
    return shlex.quote(word)
