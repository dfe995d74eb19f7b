"""The error tree: every failure that a user can meet, and what each one carries.

Raise the narrowest class and say what happened, to what, and what to do next (``hint``).
The command line maps each branch to an exit code with :func:`exit_code`; nothing else may
decide how a process ends. This module imports nothing of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.findings import Finding

__all__ = [
    "ConvergenceError",
    "DataError",
    "DefinitionError",
    "InputError",
    "KitError",
    "MigrationError",
    "NotAuthorisedError",
    "NotFoundError",
    "PlanFrozenError",
    "SourceError",
    "StaleRevisionError",
    "StateError",
    "StoreBusyError",
    "StoreError",
    "as_dict",
    "exit_code",
]

SHOWN_ROWS: Final = 20


class KitError(Exception):
    """Root of every error that whistlestop raises on purpose.

    Args:
        message: What happened, and to what.
        hint: What the reader can do about it; empty when there is nothing to do.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(KitError, ValueError):
    """The caller's value cannot be used.

    Args:
        message: What is wrong with the value.
        field: Name of the argument, option or key that carried it.
        value: The value itself, as given.
        hint: What would be accepted.
    """

    def __init__(
        self, message: str, *, field: str = "", value: object = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.field = field
        self.value = value


class DefinitionError(InputError):
    """A definition file cannot be used; carries every problem found in it at once.

    Args:
        findings: All findings of the file, errors first, each with file, line and key path.
        path: The file, as the user named it.
    """

    def __init__(self, findings: Sequence[Finding], *, path: str = "") -> None:
        self.findings = tuple(findings)
        count = sum(1 for f in self.findings if f.severity == "error")
        plural = "" if count == 1 else "s"
        super().__init__(f"{path or 'definition'}: {count} error{plural}", field=path)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {finding}" for finding in self.findings)])


class DataError(InputError):
    """Rows that cannot be used.

    Args:
        message: What is wrong with them.
        rows: One line per bad row; the first 20 are kept.
        count: How many rows are bad in all (defaults to ``len(rows)``).
        field: The file or column at fault.
        hint: What to do.
    """

    def __init__(
        self,
        message: str,
        *,
        rows: Sequence[str] = (),
        count: int | None = None,
        field: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.rows = tuple(rows[:SHOWN_ROWS])
        self.count = len(rows) if count is None else count

    def __str__(self) -> str:
        lines = [super().__str__(), *(f"  {row}" for row in self.rows)]
        if self.count > len(self.rows) and self.rows:
            lines.append(f"  ... and {self.count - len(self.rows)} more")
        return "\n".join(lines)


class StateError(KitError):
    """The request is right, the moment is wrong.

    Args:
        message: What was asked, and of what.
        current: The state it is in.
        allowed: What could be asked instead.
        hint: What to do.
    """

    def __init__(
        self, message: str, *, current: str = "", allowed: Sequence[str] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.current = current
        self.allowed = tuple(allowed)


class PlanFrozenError(StateError):
    """A locked plan was about to change."""


class StaleRevisionError(StateError):
    """A sign-off names a revision that is no longer the current one.

    Args:
        message: What happened.
        revision: The revision that the decision named.
        current: The revision that is current now.
        hint: What to do.
    """

    def __init__(
        self, message: str, *, revision: str = "", current: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, current=current, hint=hint)
        self.revision = revision


class NotFoundError(KitError, LookupError):
    """Nothing of that kind has that id.

    Args:
        kind: What was looked for, in the glossary's word (``experiment``, ``feed`` ...).
        id: The id that was given.
        did_you_mean: Close ids that exist.
        hint: What to do; made from ``did_you_mean`` when empty.
    """

    def __init__(
        self,
        kind: str,
        id: str,  # noqa: A002 - the attribute is called id everywhere
        *,
        did_you_mean: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        self.kind = kind
        self.id = id
        self.did_you_mean = tuple(did_you_mean)
        if not hint and did_you_mean:
            hint = "did you mean " + " or ".join(did_you_mean) + "?"
        super().__init__(f"no {kind} {id!r}", hint=hint)


class NotAuthorisedError(KitError):
    """This person may not do this. Not a PermissionError: I/O handlers would swallow that."""


class ConvergenceError(KitError, ArithmeticError):
    """A root or an integral was not reached; no number is returned in its place.

    Args:
        message: What did not converge.
        routine: The function that gave up.
        residual: How far it was from its goal, in the routine's own unit.
        hint: What to do.
    """

    def __init__(
        self, message: str, *, routine: str = "", residual: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.routine = routine
        self.residual = residual


class StoreError(KitError):
    """The database refused or failed; the driver's error is the cause."""


class StoreBusyError(StoreError):
    """Another process holds the write lock for longer than we wait."""


class MigrationError(StoreError):
    """The schema could not be brought up to date; the file is as it was."""


class SourceError(KitError):
    """A feed, data engine or channel outside of us failed.

    Args:
        message: What failed.
        retryable: True when the same request may succeed later.
        hint: What to do.
    """

    def __init__(self, message: str, *, retryable: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


_EXIT_CODES: Final[tuple[tuple[type[KitError], int], ...]] = (
    (InputError, 2),
    (StateError, 3),
    (NotFoundError, 4),
    (NotAuthorisedError, 5),
    (StoreError, 6),
    (SourceError, 7),
    (KitError, 1),
)


def exit_code(error: BaseException) -> int:
    """Exit code of the process that ends with this error.

    Args:
        error: Any exception.

    Returns:
        2 input, 3 state, 4 not found, 5 not authorised, 6 store, 7 source, 1 other
        :class:`KitError`, 70 for anything that is not ours to raise (a bug).
    """
    for kind, code in _EXIT_CODES:
        if isinstance(error, kind):
            return code
    return 70


def as_dict(error: KitError) -> dict[str, Any]:
    """The error as plain values, for ``--json`` output and pages."""
    out: dict[str, Any] = {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": exit_code(error),
    }
    if isinstance(error, DefinitionError):
        out["findings"] = [f.as_dict() for f in error.findings]
    if isinstance(error, DataError):
        out["rows"] = list(error.rows)
        out["count"] = error.count
    if isinstance(error, NotFoundError):
        out["did_you_mean"] = list(error.did_you_mean)
    return out
