"""Adapters, recognitions and readings in words, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.adapters.cells import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testkit.adapters.model import Adapter, Out, Reading, Verb
    from testkit.adapters.registry import Recognised

__all__ = ["ACTIONKIT_QUERY", "described", "recognised", "summary"]

ACTIONKIT_QUERY: Final = """\
SELECT vu.user_id, v.mailing_id, v.letter,
  COUNT(DISTINCT o.created_at) AS opened,
  COUNT(DISTINCT c.created_at) AS clicked,
  COUNT(DISTINCT a.id) AS acted,
  MIN(a.created_at) AS acted_at
FROM core_mailingvariation v
JOIN core_mailingvariation_users vu ON vu.mailingvariation_id = v.id
LEFT JOIN core_open o ON o.user_id = vu.user_id AND o.mailing_id = v.mailing_id
LEFT JOIN core_click c ON c.user_id = vu.user_id AND c.mailing_id = v.mailing_id
LEFT JOIN core_action a ON a.user_id = vu.user_id AND a.mailing_id = v.mailing_id
WHERE v.mailing_id = {{ mailing_id }}
GROUP BY vu.user_id, v.mailing_id, v.letter"""
"""The saved query whose answer ``actionkit-sql`` reads."""


def described(adapter: Adapter) -> str:
    """One adapter: how its files are recognised, what becomes what, what it writes."""
    columns = adapter.columns
    lines = [f"{adapter.name}: {adapter.title}"]
    if adapter.signs:
        lines.append(f"recognised by: {', '.join(' or '.join(s) for s in adapter.signs)}")
    lines += [f"  {kind} <- {_names(names)}" for kind, names in columns.ids.items()]
    shared = {
        "arm": columns.arm,
        "message": columns.message,
        "tags": columns.tags,
        "wave": columns.wave,
        "sent at": columns.sent_at,
        "as of": columns.as_of,
        "amount": columns.amount,
        "cost": columns.cost,
        **columns.counts,
        **columns.spend,
    }
    lines += [f"  {to} <- {_names(names)}" for to, names in shared.items() if names]
    lines += [f"  {_verb(verb)}" for verb in columns.verbs]
    if adapter.machine:
        lines.append(f"machines: {adapter.machine}")
    if adapter.out:
        for word, out in (("hands back", adapter.out), ("or", adapter.out.other)):
            if out is not None:
                lines.append(f"{word}: {', '.join(name for name, _ in out.columns)}")
                lines.append(f"  {out.note}")
                lines += [f"  --with {_asked(out, n)}=...: {what}" for n, what in out.asks.items()]
                lines += [f"  --with {n}=... (may be left out): {w}" for n, w in out.may.items()]
    lines += [f"note: {note}" for note in adapter.notes]
    if adapter.verified == "preset":
        lines.append("note: a preset; no real export of it was seen yet")
    if adapter.name == "actionkit-sql":
        lines += ["the query:", ACTIONKIT_QUERY]
    return "\n".join(lines)


def _asked(out: Out, name: str) -> str:
    return f"{name}.ARM" if name == out.own else name


def _names(names: Iterable[str]) -> str:
    return " or ".join(names)


def _verb(verb: Verb) -> str:
    said = {
        "always": "every row",
        "yes": f"{_names(verb.column)} says yes",
        "filled": f"{_names(verb.column)} is filled",
        "more": f"{_names(verb.column)} is above {verb.values[0] if verb.values else 0}",
        "is": f"{_names(verb.column)} is {_names(verb.values) or 'an answer named by --success'}",
        "value": f"{_names(verb.column)}: yes, no or a number",
    }[verb.when]
    machine = {None: "", True: " (a machine)", False: " (a person)"}[verb.machine]
    return f"{verb.kind} <- {said}{machine}"


def recognised(found: Recognised) -> str:
    """What a file was taken for, how sure that is, and why."""
    near = f"; near: {', '.join(found.near)}" if found.near else ""
    first = f"{found.adapter.name} ({found.sure}): {found.adapter.title}"
    return f"{first}\n{printable(found.why + near)}"


def summary(reading: Reading) -> str:
    """What a reading holds, what was left out, and what to know."""
    unit = {"events": "deeds", "snapshots": "messages", "spend": "rows of spend"}[reading.form]
    lines = [f"{reading.rows:,} {unit}"]
    for one in reading.snapshots[:20]:
        counts = ", ".join(f"{name} {value:,}" for name, value in one.counts.items())
        lines.append(f"  {one.arm}: {counts}")
    for cost in reading.spend[:20]:
        name = " / ".join(part for part in (cost.campaign, cost.group, cost.ad) if part)
        lines.append(f"  {name}: {cost.amount_cents / 100:,.2f} {cost.currency}".rstrip())
    for gap in reading.gaps:
        human = "people's not told apart" if gap.human is None else f"{gap.human:,} by people"
        lines.append(f"  {gap.arm or 'no arm'}: {gap.kind} {gap.all:,}, {human}")
    for dropped in reading.dropped:
        lines.append(
            f"left out: {dropped.count:,} {dropped.why} ({', '.join(dropped.examples[:3])})"
        )
    lines += [str(finding) for finding in reading.findings]
    return "\n".join(map(printable, lines))
