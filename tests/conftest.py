"""Shared fixtures: a workspace in a fresh folder, a clock that tests move, a command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime = START) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs whistlestop commands in this process, as a person would."""

    folder: Path
    clock: MovableClock
    capsys: pytest.CaptureFixture[str]
    settings: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, person: str = "", inside: bool = True) -> Result:
        import cli
        from testkit.kernel.console import App

        app = App(
            schemas=cli.schemas,
            kinds=cli.kinds,
            starter=cli.starter,
            auditors=cli.auditors,
            clock=self.clock,
        )
        start = ["-C", str(self.folder)] if inside else []
        start += ["--as", person] if person else []
        for key, value in self.settings.items():
            start += ["--set", f"{key}={value}"]
        self.capsys.readouterr()
        code = cli.run([*start, *words], obj=app)
        captured = self.capsys.readouterr()
        return Result(code=code, out=captured.out, err=captured.err)

    def ok(self, *words: str, person: str = "") -> Result:
        result = self(*words, person=person)
        assert result.code == 0, result.err or result.out
        return result

    def json(self, *words: str, person: str = "") -> Any:
        return self.ok(*words, "--json", person=person).data


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def shell(tmp_path: Path, clock: MovableClock, capsys: pytest.CaptureFixture[str]) -> Shell:
    made = Shell(folder=tmp_path / "ws", clock=clock, capsys=capsys)
    result = made("init", str(made.folder), "--zone", "America/New_York", inside=False)
    assert result.code == 0, result.err
    return made
