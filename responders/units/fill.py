"""The unit files with the program, the folder and the account filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NAMES", "units"]

NAMES: Final = (
    "whistlestop-tick.service",
    "whistlestop-tick.timer",
    "whistlestop-serve.service",
)


def units(*, program: Path, workspace: Path, account: str) -> dict[str, str]:
    """The unit files, filled in.

    Args:
        program: The installed ``whistlestop`` command, absolute.
        workspace: The folder, absolute.
        account: The account that owns the folder and runs the services.

    Returns:
        ``file name -> text``.

    Raises:
        InputError: A path holds a character that unit files give a meaning to.
    """
    import string
    from importlib.resources import files

    for name, value in (("program", str(program)), ("workspace", str(workspace))):
        odd = next((c for c in value if c in "%\"'\\$;" or not c.isprintable()), None)
        if odd is not None:
            raise InputError(
                f"{value!r} holds {odd!r}, which a unit file would take for something else",
                field=name,
                value=value,
                hint="move it to a path of letters, digits, spaces, - and _",
            )
    filled = {"program": str(program), "workspace": str(workspace), "account": account}
    here = files("responders.units")
    return {
        name: string.Template((here / name).read_text(encoding="utf-8")).substitute(filled)
        for name in NAMES
    }
