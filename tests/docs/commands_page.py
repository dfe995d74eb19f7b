"""docs/commands.md, written from the commands themselves.

``python tests/docs/commands_page.py --write`` rewrites the page; ``make docs`` checks that it is
current.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "commands.md"

HEAD = """\
# Commands

This page is written from the commands themselves; `whistlestop COMMAND --help` says the same.

- Every command that gives an answer takes `--json`, and then prints data for programs on stdout.
  Talk and errors go to stderr, so that the data can be piped. How a command ends is told in
  [exit codes](exit-codes.md).
- The options of `whistlestop` itself stand before the command:
  `whistlestop -C our-team --as kim signoff inbox`.
- A time is written `2026-11-03 09:00` (in the organisation's zone), with an offset, or
  `3 days ago`.
- Ids can be copied from the output of the command before: `draft_...`, `rev_...`, `batch_...`.

## Completion

The Tab key completes commands and options once your shell knows about it. Put one line into its
start-up file:

```sh
eval "$(_WHISTLESTOP_COMPLETE=bash_source whistlestop)"   # ~/.bashrc
eval "$(_WHISTLESTOP_COMPLETE=zsh_source whistlestop)"    # ~/.zshrc
_WHISTLESTOP_COMPLETE=fish_source whistlestop | source    # ~/.config/fish/config.fish
```
"""


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command with its full name and a context, groups before their members."""
    import cli

    root = click.Context(cli.whistlestop, info_name="whistlestop")
    yield from _walk(cli.whistlestop, root)


def _walk(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            member = command.get_command(context, name)
            assert member is not None
            below = click.Context(member, info_name=name, parent=context)
            yield from _walk(member, below)


def explanation(command: click.Command) -> tuple[str, list[str]]:
    """What the help says, and the lines of its example."""
    words, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    paragraphs = [" ".join(part.split()) for part in words.strip().split("\n\n")]
    return "\n\n".join(paragraphs), [line.strip() for line in example.splitlines() if line.strip()]


def render() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command, context in commands():
        # Groups one level up are chapters, what they hold are sections.
        heading = "##" if path.count(" ") < 2 else "###"
        words, example = explanation(command)
        lines = [f"{heading} {path}", "", words, ""]
        if not isinstance(command, click.Group) or path == "whistlestop":
            usage = " ".join([path, *command.collect_usage_pieces(context)])
            lines += ["```text", usage, "```", ""]
            lines += _options(command, context)
        lines += ["For example:", "", "```text", *example, "```"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _options(command: click.Command, context: click.Context) -> list[str]:
    rows = []
    for parameter in command.params:
        if "--json" in parameter.opts:
            continue
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            names, meaning = (text.replace("|", "\\|") for text in record)
            rows.append(f"| `{names}` | {meaning} |")
    return ["| Option | Meaning |", "|---|---|", *rows, ""] if rows else []


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())
