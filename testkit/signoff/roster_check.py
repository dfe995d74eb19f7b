"""What is wrong with the people themselves, whatever the chain: delegations that lead nowhere."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.kernel.findings import Finding, Severity, by_severity
from testkit.signoff.standins import MAX_STEPS, delegates

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from testkit.signoff.model import RosterView

    Key = tuple[str | int, ...]

__all__ = ["check_roster", "plain_place", "unknown"]


def plain_place(key: Key) -> str:
    """A key path as text, where no file is at hand to name its lines."""
    return ".".join(str(part) for part in key)


def check_roster(
    roster: RosterView,
    now: datetime,
    *,
    place: Callable[[Key], str] = plain_place,
) -> tuple[Finding, ...]:
    """What is wrong with delegations and absences, whatever the chain."""
    findings: list[Finding] = []
    people = [member.id for member in roster.members]
    for index, step in enumerate(roster.delegations):
        where = place(("delegations", index))
        for person in (step.principal, step.delegate):
            if roster.get(person) is None:
                findings.append(
                    unknown("SO003", f"no person is called {person!r}", person, people, where=where)
                )
        if step.ends is not None and step.ends <= step.starts:
            findings.append(
                Finding(
                    code="SO014",
                    severity="error",
                    message=f"the delegation of {roster.name(step.principal)} ends before it"
                    " starts",
                    hint="swap the two dates",
                    where=where,
                )
            )
    # What holds later can go wrong later: each delegation is asked at its first moment, too.
    moments = sorted({now, *(d.starts for d in roster.delegations if d.starts > now)})
    for member, at in ((m, at) for m in roster.members for at in moments):
        try:
            paths = delegates(roster, member.id, at)
        except InputError as cause:
            findings.append(
                Finding(
                    code="SO013",
                    severity="error",
                    message=cause.message,
                    hint=cause.hint,
                    where=place(("delegations",)),
                )
            )
            continue
        longest = max((path for path in paths), key=len, default=())
        if len(longest) == MAX_STEPS + 1 and _goes_on(roster, longest, at):
            findings.append(
                Finding(
                    code="SO015",
                    severity="warning",
                    message=f"the delegation from {roster.name(member.id)} is longer than"
                    f" {MAX_STEPS} steps; whoever comes after"
                    f" {roster.name(longest[-1])} cannot sign",
                    hint="delegate directly",
                    where=place(("delegations",)),
                )
            )
    return by_severity(dict.fromkeys(findings))


def _goes_on(roster: RosterView, path: Sequence[str], now: datetime) -> bool:
    return any(d.principal == path[-1] and d.active(now) for d in roster.delegations)


def unknown(
    code: str,
    what: str,
    given: str,
    known: Collection[str],
    *,
    where: str,
    severity: Severity = "error",
) -> Finding:
    """A finding about a name that nothing has; the hint is a close one, else all of them."""
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    listed = ", ".join(sorted(known)) or "none"
    return Finding(
        code=code,
        severity=severity,
        message=what,
        hint=f"did you mean {near[0]!r}?" if near else f"known: {listed}",
        where=where,
    )
