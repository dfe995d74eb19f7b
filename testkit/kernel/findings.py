"""A finding: one coded remark about something a person wrote or brought."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "Severity", "by_severity", "has_errors"]

Severity = Literal["error", "warning", "note"]
_ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark, with a code that the documentation explains.

    Attributes:
        code: Two or more letters and three digits: ``EX001``, ``RS004``, ``DQ002``.
        severity: ``error`` blocks, ``warning`` asks for thought, ``note`` informs.
        message: What is the case.
        hint: What to do about it; empty when nothing is needed.
        where: ``file:line:column: key.path``, or as much of it as is known.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.severity} {self.code}: {self.message}{hint}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values, for JSON."""
        return asdict(self)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings with errors first, otherwise in the order given."""
    return tuple(sorted(findings, key=lambda f: _ORDER[f.severity]))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding blocks."""
    return any(f.severity == "error" for f in findings)
