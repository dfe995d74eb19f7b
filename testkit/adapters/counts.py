"""Counts of messages and spend of ads: small tables, read row by row into values.

A count is cumulative: what the tool says so far. A newer snapshot of the same message, wave and arm
supersedes; where a count fell meanwhile, somebody is told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from testkit.adapters.cells import cents, count, moment_text, plain_text, why_not_a_number
from testkit.adapters.model import Dropped, Gap, Snapshot, Spend
from testkit.adapters.tables import folded
from testkit.errors import DataError, InputError
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from testkit.adapters.model import Columns, Options

    Rows = Sequence[tuple[int, Mapping[str, str]]]

__all__ = [
    "INTERNAL_SENDER",
    "falls",
    "gaps_of_counts",
    "latest",
    "snapshots_of",
    "spend_of",
    "without_resends",
]

SHOWN: Final = 20
RESEND: Final = re.compile(
    r"(?:^|[\s_\-(:/])(?:winner|winning|remainder)(?:$|[\s_\-):/])", re.IGNORECASE
)
INTERNAL_SENDER: Final = "targetedemail internalapiuser"


class _Cells:
    """The cells of one row, by any of the names that a column may have; remembers what is wrong."""

    def __init__(self, number: int, row: Mapping[str, str], options: Options) -> None:
        self.number = number
        self.cells = {folded(name): text for name, text in reversed(list(row.items()))}
        self.options = options
        self.wrong: list[str] = []

    def text(self, names: Iterable[str]) -> str:
        found = (plain_text(self.cells.get(folded(name), "")) for name in names)
        return next((text for text in found if text), "")

    def count(self, names: Iterable[str]) -> int | None:
        """A count; ``a + b`` stands for the sum of two columns."""
        for name in names:
            parts = [self._number(self.text([part]), money=False) for part in name.split(" + ")]
            told = [part for part in parts if part is not None]
            if told:
                return sum(told)
        return None

    def cents(self, names: Iterable[str]) -> int | None:
        return self._number(self.text(names), money=True)

    def moment(self, names: Iterable[str]) -> str:
        text = self.text(names)
        try:
            found = moment_text(text, self.options)
        except InputError as problem:
            self.wrong.append(f"row {self.number}: {problem}")
            return ""
        if found is None:
            self.wrong.append(f"row {self.number}: {text[:80]!r} is not a time")
        return found or ""

    def day(self, names: Iterable[str]) -> str:
        found = self.moment(names)
        return "" if not found else _local_day(found, self.options.zone)

    def _number(self, text: str, *, money: bool) -> int | None:
        if text in {"", "-", "--", "—", "n/a", "N/A"}:
            return None
        decimal = self.options.decimal
        found = cents(text, decimal=decimal) if money else count(text, decimal=decimal)
        if found is None:
            why = why_not_a_number(text[:80], decimal=decimal)
            self.wrong.append(f"row {self.number}: {why}")
        return found


def _local_day(moment: str, zone_name: str) -> str:
    from testkit.kernel.clock import from_text, zone

    return from_text(moment).astimezone(zone(zone_name)).date().isoformat()


def snapshots_of(rows: Rows, columns: Columns, options: Options, *, file: str) -> list[Snapshot]:
    """Turn rows into snapshots.

    Args:
        rows: ``(row number, column -> text)``.
        columns: How they are read.
        options: What the file does not say.
        file: Name of the file.

    Raises:
        DataError: Rows that cannot be used.
    """
    out, wrong = [], []
    for number, row in rows:
        cells = _Cells(number, row, options)
        counts = {name: cells.count(names) for name, names in columns.counts.items()}
        label = cells.text(columns.label)
        code = cells.text(columns.arm)
        message = cells.text(columns.message) or label or code
        wave = cells.count(columns.wave)
        snapshot = Snapshot(
            message=message,
            label=label or message,
            arm=_arm((code, message, label), options.arms) or code or label or message,
            wave=options.wave if wave is None else wave,
            as_of=cells.moment(columns.as_of) or options.as_of,
            sent_at=cells.moment(columns.sent_at),
            counts={name: value for name, value in counts.items() if value is not None},
            amount_cents=cells.cents(columns.amount),
            cost_cents=cells.cents(columns.cost),
            currency=cells.text(columns.currency).upper()[:3],
            variant_of=cells.text(columns.together),
            title=cells.text(columns.title),
        )
        if not message:
            cells.wrong.append(f"row {number}: no message and no arm")
        elif not snapshot.counts:
            cells.wrong.append(f"row {number}: {message[:60]!r} has no counts")
        wrong += cells.wrong
        out.append(snapshot)
    _refuse(wrong, file)
    if not out:
        raise DataError(f"{file} has no row with counts", count=0, field=file)
    return out


def _arm(keys: Iterable[str], arms: Mapping[str, str]) -> str:
    return next((arms[key] for key in keys if key in arms), "")


def _refuse(wrong: list[str], file: str) -> None:
    if wrong:
        raise DataError(
            f"{file}: {len(wrong):,} cells cannot be used",
            rows=wrong,
            field=file,
            hint="nothing was taken in; row 1 is the line below the header",
        )


def without_resends(
    snapshots: Sequence[Snapshot], *, senders: Mapping[str, str] | None = None
) -> tuple[list[Snapshot], Dropped | None]:
    """Leave out what a tool sent to the rest of the list after it had picked a winner.

    Such a message reached people who were in no arm. It is known by its name (``..._Winner``), by
    its sender, or by time and size: the same words as an earlier one, sent at least half an hour
    after every other and to more people than any of them.

    Args:
        snapshots: Of one file.
        senders: ``message -> who created it``, where the tool says.
    """
    kept, gone = [], []
    for one in snapshots:
        named = RESEND.search(one.label) or RESEND.search(one.message)
        machine_made = (senders or {}).get(one.message, "").lower() == INTERNAL_SENDER
        others = [s for s in snapshots if s is not one]
        if named or (machine_made and _later(one, others)) or _like_a_resend(one, others):
            gone.append(one)
        else:
            kept.append(one)
    if not gone or not kept:
        return list(snapshots), None
    return kept, Dropped(
        why="sent to the rest after a winner was picked: in no arm",
        count=len(gone),
        examples=tuple(s.label for s in gone[:SHOWN]),
    )


def _later(one: Snapshot, others: Sequence[Snapshot], *, minutes: int = 30) -> bool:
    from datetime import timedelta

    from testkit.kernel.clock import from_text

    times = [from_text(s.sent_at) for s in others if s.sent_at]
    if not one.sent_at or not times:
        return False
    return from_text(one.sent_at) >= max(times) + timedelta(minutes=minutes)


def _like_a_resend(one: Snapshot, others: Sequence[Snapshot]) -> bool:
    same_words = any(s.label == one.label and s.message != one.message for s in others)
    larger = one.counts.get("sent", 0) > max((s.counts.get("sent", 0) for s in others), default=0)
    return len(others) > 1 and same_words and larger and _later(one, others)


def latest(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """The newest snapshot of every message, wave and arm; of two at one time the later listed.

    Snapshots without a time count as older than those with one.
    """
    newest: dict[tuple[str, int | None, str], Snapshot] = {}
    for one in snapshots:
        before = newest.get(one.key)
        if before is None or one.as_of >= before.as_of:
            newest[one.key] = one
    return list(newest.values())


def falls(earlier: Iterable[Snapshot], newer: Iterable[Snapshot]) -> list[Finding]:
    """Counts that are smaller than they were: cumulative ones cannot fall.

    Args:
        earlier: What was taken in before.
        newer: What is taken in now.
    """
    before = {s.key: s for s in latest(earlier)}
    out = []
    for one in newer:
        old = before.get(one.key)
        if old is None or one.as_of < old.as_of:
            continue
        fallen = [
            f"{name} {old.counts[name]:,} -> {one.counts[name]:,}"
            for name in old.counts
            if name in one.counts and one.counts[name] < old.counts[name]
        ]
        if fallen:
            out.append(
                Finding(
                    code="IM006",
                    severity="warning",
                    message=f"{one.label}: counts fell: {', '.join(fallen)}",
                    hint="totals cannot fall: another message, another filter, or increments?",
                )
            )
    return out


def gaps_of_counts(snapshots: Iterable[Snapshot]) -> tuple[Gap, ...]:
    """What machines add to the opens of every arm, where the tool tells them apart."""
    sums: dict[str, list[Mapping[str, int]]] = {}
    for one in snapshots:
        if "opened_all" in one.counts or "opened_human" in one.counts:
            sums.setdefault(one.arm, []).append(one.counts)
    out = []
    for arm, rows in sums.items():
        everything = sum(r.get("opened_all", r.get("opened_human", 0)) for r in rows)
        told = all("opened_human" in r for r in rows)
        human = sum(r["opened_human"] for r in rows) if told else None
        machine = None if human is None else everything - human
        if human is None and all("opened_machine" in r for r in rows):
            # Whether the tool's total holds these is not known: no difference is made up.
            machine = sum(r["opened_machine"] for r in rows)
        out.append(Gap(arm=arm, kind="opened", all=everything, human=human, machine=machine))
    return tuple(out)


def spend_of(
    rows: Rows, columns: Columns, options: Options, *, source: str, file: str
) -> list[Spend]:
    """Turn rows of an ads report into spend.

    Raises:
        DataError: Rows that cannot be used.
    """
    out, wrong = [], []
    extra = columns.spend
    for number, row in rows:
        cells = _Cells(number, row, options)
        campaign, group, ad = (
            cells.text(columns.message),
            cells.text(extra.get("group", ())),
            cells.text(extra.get("ad", ())),
        )
        amount = cells.cents(columns.cost)
        if amount is None:
            cells.wrong.append(f"row {number}: no cost")
        out.append(
            Spend(
                source=source,
                campaign=campaign,
                group=group,
                ad=ad,
                arm=_arm((ad, group, campaign), options.arms) or _arm_in(ad, group, options.arms),
                first_day=cells.day(extra.get("from", ())),
                last_day=cells.day(extra.get("to", ())),
                amount_cents=amount or 0,
                currency=cells.text(columns.currency).upper()[:3] or _currency(row, columns.cost),
                impressions=cells.count(extra.get("impressions", ())),
                clicks=cells.count(extra.get("clicks", ())),
                results=_results(cells, extra.get("results", ())),
            )
        )
        wrong += cells.wrong
    _refuse(wrong, file)
    if not out:
        raise DataError(f"{file} has no row of spend", count=0, field=file)
    return out


def _results(cells: _Cells, names: Iterable[str]) -> float | None:
    """Platforms count parts of a conversion: two decimals are kept."""
    found = cells.cents(names)
    return None if found is None else found / 100


def _arm_in(ad: str, group: str, arms: Mapping[str, str]) -> str:
    """The arm whose code is a word of the ad's name, where it is the only one."""
    for name in (ad, group):
        words = set(re.split(r"[\s_|/-]+", name.lower()))
        found = {arm for code, arm in arms.items() if code.lower() in words}
        if len(found) == 1:
            return found.pop()
    return ""


def _currency(row: Mapping[str, str], names: Sequence[str]) -> str:
    """``Amount spent (USD)`` says the currency in its name."""
    wanted = {folded(name) for name in names}
    for column in row:
        said = re.search(r"\(([A-Z]{3})\)$", column.strip())
        if said and folded(column) in wanted:
            return said[1]
    return ""
