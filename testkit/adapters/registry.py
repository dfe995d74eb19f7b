"""Every adapter by name, and the one that a file is for."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.adapters.blocks import starts_like_a_report
from testkit.adapters.cells import printable
from testkit.adapters.mailers import MAILERS
from testkit.adapters.model import ID_KINDS, Adapter, Out
from testkit.adapters.outcomes import OUTCOMES
from testkit.adapters.tables import folded, opened
from testkit.adapters.webhooks import WEBHOOKS
from testkit.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["ADAPTERS", "GENERIC", "Recognised", "adapter_named", "sniff"]

GENERIC: Final = Adapter(
    name="generic-csv",
    title="Any CSV, with a mapping that says which column is what",
    form="events",
    out=Out(
        columns=(
            *((kind, f"{{{kind}}}") for kind in ID_KINDS), ("arm", "{arm}"), ("wave", "{wave}"),
            ("link", "{link}"),
        ),
        keys=ID_KINDS,
        note="import it wherever a CSV is taken",
    ),
    notes=("`adapters map FILE` proposes a mapping; correct it and use it with --mapping.",),
)  # fmt: skip

ADAPTERS: Final[dict[str, Adapter]] = {a.name: a for a in (GENERIC, *MAILERS, *OUTCOMES, *WEBHOOKS)}
"""Every adapter, the general one first."""

SNIFF_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file seems to be.

    Attributes:
        adapter: The adapter that fits.
        sure: ``certain`` where nothing else comes near, ``likely`` where something does.
        why: What it was recognised by.
        near: Names of adapters that nearly fit, with what they miss.
        columns: The file's columns or keys, at most 40.
    """

    adapter: Adapter
    sure: Literal["certain", "likely"]
    why: str
    near: tuple[str, ...]
    columns: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "adapter": self.adapter.name,
            "title": self.adapter.title,
            "form": self.adapter.form,
            "sure": self.sure,
            "why": self.why,
            "near": list(self.near),
            "columns": list(self.columns),
        }


def adapter_named(name: str) -> Adapter:
    """The adapter of that name.

    Raises:
        NotFoundError: There is none; close names are suggested.
    """
    if name in ADAPTERS:
        return ADAPTERS[name]
    import difflib

    near = difflib.get_close_matches(name, ADAPTERS, n=3, cutoff=0.4)
    raise NotFoundError("adapter", name, did_you_mean=near, hint="" if near else "`adapters list`")


def sniff(path: Path, *, encoding: str | None = None) -> Recognised:
    """Say what a file is, how sure that is, and by what it was recognised.

    Args:
        path: The file.
        encoding: Encoding of the text; None takes UTF-8 or a byte-order mark's.

    Raises:
        InputError: Two adapters fit, and both are named; or none does; or it cannot be read.
    """
    shape, names = _outline(path, encoding=encoding)
    there = {folded(name) for name in names}
    candidates = [a for a in ADAPTERS.values() if a.signs and a.shape == shape]
    fitting = [a for a in candidates if _missing(a, there) == []]
    # A form that asks for everything that another asks for, and more, is the one that is meant.
    meant = [a for a in fitting if not any(_asks_more(b, a) for b in fitting if b is not a)]
    if len(meant) > 1:
        listed = " and ".join(a.name for a in meant)
        raise InputError(
            f"{path.name} could be {listed}",
            field="file",
            value=str(path),
            hint=f"say which: --from {meant[0].name}",
        )
    near = sorted(
        (
            (len(_missing(a, there)), a)
            for a in candidates
            if a not in fitting and 0 < len(_missing(a, there)) < len(a.signs)
        ),
        key=lambda pair: (pair[0] / len(pair[1].signs), pair[1].name),
    )
    if not meant:
        raise InputError(
            f"{path.name} is no export that is known here" + _nearest(near, there),
            field="file",
            value=str(path),
            hint=(
                f"it has: {printable(', '.join(names[:20]))};"
                f" `adapters map {path.name}` makes a mapping for it"
            ),
        )
    chosen = meant[0]
    close = [a for missing, a in near if missing == 1 and len(a.signs) > 2]
    asked = ", ".join(_present(chosen, names))
    return Recognised(
        adapter=chosen,
        sure="likely" if close or len(chosen.signs) < 2 else "certain",
        why=f"it has {asked}",
        near=tuple(f"{a.name} (misses {_missing(a, there)[0]})" for a in close[:3]),
        columns=tuple(names[:40]),
    )


def _nearest(near: Sequence[tuple[int, Adapter]], there: set[str]) -> str:
    if not near:
        return ""
    best = near[0][1]
    return f"; nearest is {best.name}, but it misses {', '.join(_missing(best, there))}"


def _missing(adapter: Adapter, there: set[str]) -> list[str]:
    return [s[0] for s in adapter.signs if not any(folded(name) in there for name in s)]


def _present(adapter: Adapter, names: Iterable[str]) -> list[str]:
    listed = {folded(n): n for n in names}
    return [next(listed[folded(n)] for n in s if folded(n) in listed) for s in adapter.signs]


def _asks_more(more: Adapter, less: Adapter) -> bool:
    wide = [set(map(folded, s)) for s in more.signs]
    narrow = [set(map(folded, s)) for s in less.signs]
    return len(wide) > len(narrow) and all(any(s & w for w in wide) for s in narrow)


def _outline(path: Path, *, encoding: str | None) -> tuple[str, list[str]]:
    """The shape of a file, and its columns or keys."""
    from testkit.adapters.documents import records_in

    try:
        with path.open("rb") as file:
            start = file.read(SNIFF_BYTES)
    except OSError as cause:
        raise InputError(
            f"cannot read {path}: {cause.strerror}", field="file", value=str(path)
        ) from cause
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare[:1] in (b"{", b"["):
        line = bare.split(b"\n", 1)[0].strip()
        first = _json(line)
        second = _json(bare.split(b"\n", 2)[1].strip()) if bare.count(b"\n") else None
        several = second is not None or _looks_posted(first)
        if first is not None and several:
            rows = records_in(first, ("",))
            return "jsonl", list(rows[0]) if rows else []
        return "json", _document_keys(path)
    table = opened(path, encoding=encoding)
    if starts_like_a_report(_first_line(path, table.encoding)):
        labels = _labels(path, table.encoding)
        if labels:
            return "blocks", labels
    return "csv", list(table.columns)


def _json(line: bytes) -> Any:
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _looks_posted(first: Any) -> bool:
    """A file of one line: a web hook's event, or a document that was written without breaks?"""
    from testkit.adapters.documents import records_in

    rows = records_in(first, ("",)) if first is not None else []
    there = {folded(name) for name in (rows[0] if rows else ())}
    return any(not _missing(a, there) for a in WEBHOOKS)


def _document_keys(path: Path) -> list[str]:
    """Keys of the records of a document: those that the most demanding adapter finds in it."""
    from testkit.adapters.documents import read_document, records_in

    document = read_document(path)
    best: list[str] = []
    most = -1
    for adapter in ADAPTERS.values():
        if adapter.shape != "json":
            continue
        rows = records_in(document, adapter.records)
        names = list(rows[0]) + _parents(rows[0]) if rows else []
        missing = len(_missing(adapter, {folded(n) for n in names}))
        score = len(adapter.signs) - 2 * missing
        if rows and score > most:
            best, most = names, score
    return best


def _parents(row: dict[str, str]) -> list[str]:
    return list(dict.fromkeys(name.split("[")[0].split(".")[0] for name in row))


def _first_line(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding) as file:
        return file.readline(200)


def _labels(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=encoding, newline="") as file:
        start = file.read(SNIFF_BYTES)
    try:
        return [
            cells[0].strip()
            for cells in csv.reader(io.StringIO(start, newline=""))
            if len(cells) > 1 and cells[0].strip().endswith(":")
        ]
    except csv.Error:
        return []
