"""Old tests in the exports of tools: variants of a message, and messages that are versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.adapters.model import COUNTS, Options
from testkit.adapters.reading import read
from testkit.adapters.registry import sniff
from testkit.engines.sources import session
from testkit.errors import DataError, InputError
from testkit.model.past import PastArm, PastTest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from testkit.adapters.model import Adapter, Reading, Snapshot

    _Group = tuple[str, str, list[Snapshot]]

__all__ = ["Exported", "read_export"]

OUTCOMES: Final = ("donors", "actions", "clicked")
"""What a test is read by where nobody says, the deed that costs most first; opens never."""
VERSION: Final = re.compile(
    r"(?:[\s_:|/(\[–-]+)(?:(?:combination|version|variant|variation|test|arm|group|v)[\s_-]*)?"
    r"(?:[a-h]|[1-9])[\])]?\s*$",
    re.IGNORECASE,
)
STEM: Final = re.compile(r"^(\S.{2,}?)(?:\s*[,:;|/(\[]\s*|\s+[–—-]\s+)[^,:;|/(\[–—]+$")
"""What stands before the last mark in a name: ``Petition`` of ``Petition, plain``."""
CHANNELS: Final = {
    "spoke": "text", "mailchimp": "email", "action-network": "email", "everyaction": "email",
}  # fmt: skip
SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Old tests of an export.

    Attributes:
        tests: The tests.
        read_as: What the file was recognised as, and by what.
        notes: What was left out, and what counts.
    """

    tests: tuple[PastTest, ...]
    read_as: str
    notes: tuple[str, ...]


def read_export(
    path: Path,
    *,
    columns: Mapping[str, str],
    together: Sequence[str] = (),
    apart: Sequence[str] = (),
    zone: str = "UTC",
) -> Exported | None:
    """Read an export of counts as old tests; None where the file is none that is known.

    Variants inside one message are a test. So are messages of one day whose names are alike but
    for a version (``June A`` and ``June B``, ``combination 1`` and ``2``), or that start alike
    (``Petition, plain`` and ``Petition, name``). A message that stands alone is none.

    Args:
        path: The file.
        columns: ``outcomes`` and ``units`` to the name of a count; anything else is a plain CSV's.
        together: Starts of names: messages that start so are versions of one test.
        apart: Starts of names that make no test.
        zone: IANA zone of times without an offset.

    Raises:
        DataError: Rows that cannot be used, or no test among them.
    """
    if any(key not in {"units", "outcomes"} or name not in COUNTS for key, name in columns.items()):
        return None
    try:
        found = sniff(path)
    except InputError:
        return None
    if found.adapter.form != "snapshots":
        return None
    with session() as connection:
        reading = read(connection, path, adapter=found.adapter, options=Options(zone=zone))
    outcome = columns.get("outcomes") or _outcome(reading)
    units = columns.get("units") or ("assigned" if _all(reading, "assigned") else "sent")
    tests, paired, alone = _tests(reading, found.adapter, together, apart)
    if not tests:
        raise DataError(
            f"{path.name}: no two messages of one day are versions of each other",
            rows=[one.label for one in reading.snapshots[:SHOWN]],
            count=len(reading.snapshots),
            field=path.name,
            hint="say which are: --together 'START OF THEIR NAMES'; or bring a CSV with a row for"
            " each arm: test, arm, units, outcomes",
        )
    notes = [f"{outcome} of {units} is compared; another count: --column outcomes=NAME"]
    notes += [
        f"a test by the start of its names, {stem}: {' / '.join(one.label for one in ones)};"
        f" if it is none: --apart '{stem}'"
        for stem, ones in paired
    ]
    stand = "message stands" if alone == 1 else "messages stand"
    notes += [f"{alone:,} {stand} alone: no test, left out"] if alone else []
    notes += [f"left out: {one.count:,} {one.why}" for one in reading.dropped]
    return Exported(
        tests=tuple(
            _test(path, found.adapter, name, day, ones, units=units, outcome=outcome)
            for name, day, ones in tests
        ),
        read_as=f"{found.adapter.name} ({found.sure}): {found.adapter.title}; {found.why}",
        notes=tuple(notes),
    )


def _tests(
    reading: Reading, adapter: Adapter, together: Sequence[str], apart: Sequence[str]
) -> tuple[list[_Group], list[tuple[str, list[Snapshot]]], int]:
    """Messages that are versions of each other; which of them by a stem only; how many are alone.

    The tool's own word comes first, then the caller's, then names alike but for a version, and then
    names of one day that start alike.
    """
    rest = list(reading.snapshots)
    tests: list[_Group] = []

    def gather(key: Callable[[Snapshot], tuple[str, str]]) -> list[_Group]:
        nonlocal rest
        groups: dict[tuple[str, str], list[Snapshot]] = {}
        for one in rest:
            groups.setdefault(key(one), []).append(one)
        found = [(n, d, ones) for (n, d), ones in groups.items() if n and len(ones) > 1]
        taken = {id(one) for _, _, ones in found for one in ones}
        rest = [one for one in rest if id(one) not in taken]
        return found

    def name_of(one: Snapshot) -> str:
        return one.message if adapter.shape == "blocks" else one.label

    def said(one: Snapshot) -> tuple[str, str]:
        start = next((s for s in together if name_of(one).lower().startswith(s.lower())), "")
        return (start, "")

    def version(one: Snapshot) -> tuple[str, str]:
        name = name_of(one)
        return (VERSION.sub("", name).strip() or name, one.sent_at[:10])

    def stem(one: Snapshot) -> tuple[str, str]:
        found = STEM.match(name_of(one))
        start = found[1].strip() if found else ""
        return ("" if start in apart else start, one.sent_at[:10])

    for _, _, ones in gather(lambda one: (one.variant_of, "")):
        tests.append((ones[0].title or ones[0].variant_of, ones[0].sent_at[:10], ones))
    tests += [(start, ones[0].sent_at[:10], ones) for start, _, ones in gather(said)]
    tests += gather(version)
    paired = gather(stem)
    tests += paired
    return tests, [(name, ones) for name, _, ones in paired], len(rest)


def _all(reading: Reading, count: str) -> bool:
    return all(count in one.counts for one in reading.snapshots)


def _outcome(reading: Reading) -> str:
    """The deed that most is asked for; where every message has none of it, the next."""
    told = [name for name in OUTCOMES if _all(reading, name)]
    done = [name for name in told if any(one.counts[name] for one in reading.snapshots)]
    if not told:
        raise DataError(
            f"{reading.file} tells of no {' or '.join(OUTCOMES)}",
            field=reading.file,
            hint=f"--column outcomes=NAME, one of: {', '.join(reading.snapshots[0].counts)}",
        )
    return (done or told)[0]


def _test(
    path: Path,
    adapter: Adapter,
    name: str,
    day: str,
    ones: Sequence[Snapshot],
    *,
    units: str,
    outcome: str,
) -> PastTest:
    wrong: list[str] = []
    arms: list[PastArm] = []
    for number, one in enumerate(ones, start=1):
        n, done = one.counts.get(units), one.counts.get(outcome)
        if not n or done is None or done > n:
            wrong.append(f"{one.label}: {outcome} {done}, {units} {n}")
            continue
        label = one.arm if adapter.columns.arm else one.label
        taken = any(arm.name == label for arm in arms)
        arms.append(
            PastArm(name=(f"{label} ({number})" if taken else label)[:200], units=n, outcomes=done)
        )
    if wrong:
        raise DataError(
            f"{path.name}: {len(wrong):,} messages cannot be used",
            rows=wrong,
            field=path.name,
            hint="nothing was taken in; name another count with --column outcomes=NAME",
        )
    channel = next((c for start, c in CHANNELS.items() if adapter.name.startswith(start)), "")
    return PastTest(name=name[:200], arms=tuple(arms), metric=outcome, at=day, channel=channel)
