"""The command line's plumbing: commands that load when they run, output for people and programs.

Data goes to stdout (text, or JSON with ``--json``), talk goes to stderr. A command is three lines:
parse, one service call, render.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.errors import InputError, KitError, as_dict, exit_code
from testkit.kernel.clock import Clock, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from testkit.kernel.audit import Auditor
    from testkit.kernel.kinds import Kind
    from testkit.kernel.ledger import Actor
    from testkit.kernel.workspace import Schema, Workspace

__all__ = ["App", "LazyGroup", "emit", "json_option", "pass_app", "progress", "run_group", "table"]


@dataclass(slots=True, kw_only=True)
class App:
    """What the root options say; opens the workspace once somebody needs it.

    Attributes:
        schemas: Gives the migrations of all products.
        kinds: Gives the kinds of proposals of all products.
        starter: Gives the files that ``init`` writes, ``path -> text``.
        pages: Gives the browser pages of all products.
        auditors: Gives those who compare the tables of all products with the ledger.
        folder: Folder of the workspace; None looks upwards from here.
        person: Who acts, as ``--as`` says; None takes the login name.
        overrides: Configuration from ``--set``.
        clock: The present moment.
    """

    schemas: Callable[[], Sequence[Schema]]
    kinds: Callable[[], Sequence[Kind]]
    starter: Callable[[], Mapping[str, str]]
    pages: Callable[[], Sequence[Any]] = tuple
    auditors: Callable[[], Sequence[Auditor]] = tuple
    folder: Path | None = None
    person: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = utc_now

    def workspace(self, actor: Actor | None = None) -> Workspace:
        """The workspace that the options name, for an actor other than theirs if one is given."""
        from testkit.kernel.workspace import Workspace, find_root

        root = self.folder or find_root(Path.cwd())
        found = Workspace(
            root,
            schemas=self.schemas(),
            clock=self.clock,
            environment=os.environ,
            overrides=self.overrides,
            actor=actor or self.actor(),
        )
        if self.overrides:
            _ = found.config  # a setting that nobody knows is refused, whoever reads it
        return found

    def actor(self) -> Actor:
        """Who acts: ``--as NAME`` is a claim, the login name at least passed a log-in."""
        from testkit.kernel.ledger import Actor

        if self.person:
            return Actor(name=self.person, auth="none")
        return Actor(name=_login(), auth="os-login")


pass_app = click.make_pass_decorator(App)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a passwd entry
        return "unknown"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    Args:
        lazy: ``name -> (module:attribute, help line)``; the line is what ``--help`` lists.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were given: the order of the work."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None when there is no such name."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.lazy[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        rows = [(name, line) for name, (_, line) in self.lazy.items()]
        rows += [
            (name, command.get_short_help_str())
            for name, command in sorted(self.commands.items())
            if not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown name suggest close ones."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def run_group(group: click.Group, arguments: Sequence[str] | None, **extra: Any) -> int:
    """Run a command line; an expected failure is told on stderr and becomes an exit code.

    Args:
        group: The commands.
        arguments: Words of the command line; None takes the process's.
        extra: Passed on to click (``obj=...``).

    Returns:
        0, what the command returned, or the code of the error
        (:func:`testkit.errors.exit_code`; 2 for wrong usage, 130 for an interruption).
    """
    try:
        result = group.main(args=arguments, standalone_mode=False, **extra)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as cause:
        cause.show()
        return 2 if isinstance(cause, click.UsageError) else cause.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing is half-done", err=True)
        return 130
    except KitError as cause:
        words = sys.argv[1:] if arguments is None else arguments
        told = json.dumps(as_dict(cause), ensure_ascii=False, default=str)
        click.echo(told if "--json" in words else str(cause), err=True)
        return exit_code(cause)
    return result if isinstance(result, int) else 0


def emit(data: Any, text: str, *, as_json: bool) -> None:
    """Print a result: JSON for programs, or text for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    else:
        click.echo(text)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done, on one line; silent where nobody watches."""
    stream = sys.stderr
    watched = stream.isatty()

    def say(what: str) -> None:
        if watched:
            stream.write(f"\r\x1b[K{what} ...")
            stream.flush()

    try:
        yield say
    finally:
        if watched:
            stream.write("\r\x1b[K")
            stream.flush()


def table(rows: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    """A plain table for a terminal."""
    from tabulate import tabulate

    return str(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))


def require_option(value: str | None, *, name: str, why: str) -> str:
    """A value that the user has to give in this situation.

    Raises:
        InputError: It is missing.
    """
    if not value:
        raise InputError(why, field=name, hint=f"add --{name} ...")
    return value
