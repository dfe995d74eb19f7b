"""The command line explains itself: help, examples, suggestions, completion."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import cli
from tests.docs.commands_page import commands, explanation

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [pytest.param(path, command, id=path) for path, command, _ in commands()]
LEAVES = [p for p in COMMANDS if not isinstance(p.values[1], click.Group)]


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_help_says_what_the_command_does_and_how_it_is_typed(path, command, capsys):
    assert cli.run([*path.split()[1:], "--help"]) == 0
    printed = capsys.readouterr().out
    words, example = explanation(command)
    assert words.endswith(".")
    assert example
    for line in example:
        assert line in map(str.strip, printed.splitlines())
        assert line.startswith("whistlestop ")


def test_every_command_that_ends_by_itself_speaks_json():
    silent = [
        path
        for path, command, _ in commands()
        if not isinstance(command, click.Group)
        and not any("--json" in parameter.opts for parameter in command.params)
    ]
    assert silent == ["whistlestop serve", "whistlestop up", "whistlestop demo"]


def test_every_option_says_what_it_is_for():
    silent = [
        f"{path} {parameter.opts[0]}"
        for path, command, _ in commands()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert not silent


@pytest.mark.parametrize(("path", "command"), LEAVES)
def test_the_example_in_the_help_is_a_command_line_that_the_command_takes(
    path, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for line in explanation(command)[1]:
        words = shlex.split(line)[1:]
        for word in words:
            if word.endswith((".csv", ".zip")):
                Path(word).touch()
        # The answers that `experiment new` asks for are not part of what is typed.
        with CliRunner().isolation(), contextlib.suppress(click.Abort):
            context = cli.whistlestop.make_context("whistlestop", words)
            called = context.command_path
            while isinstance(context.command, click.Group):
                rest = [*context._protected_args, *context.args]
                name, found, rest = context.command.resolve_command(context, rest)
                called = f"{called} {name}"
                context = found.make_context(name, rest, parent=context)
        assert called == path


def test_an_unknown_command_is_refused_with_a_close_one(capsys):
    assert cli.run(["experimnt"]) == 2
    assert "Did you mean experiment" in capsys.readouterr().err
    assert cli.run(["experiment", "lok"]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_a_setting_without_a_value_is_refused(capsys):
    assert cli.run(["--set", "organisation.zone", "doctor"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


def whistlestop(**environment: str) -> str:
    """What the program prints under its own name in a process of its own."""
    program = "import sys; sys.argv[0] = 'whistlestop'; import cli; cli.main()"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_shell_gets_a_completion_script():
    script = whistlestop(_WHISTLESTOP_COMPLETE="bash_source")
    assert "complete -o nosort -F" in script
    assert "whistlestop" in script


def test_the_shell_completes_commands_of_a_group():
    found = whistlestop(
        _WHISTLESTOP_COMPLETE="bash_complete", COMP_WORDS="whistlestop signoff a", COMP_CWORD="2"
    )
    assert found.split() == ["plain,approve"]
