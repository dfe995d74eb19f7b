"""Whether the tables still say what the ledger recorded.

The chain of hashes guards the ledger's own rows. The rows that people work with lie beside it, and
the ledger holds digests of them: whoever changes a row with another program leaves a row that
differs from its record. Each product says which records call for which rows, as plain values;
:func:`compare` is the one place that judges.

A record binds a whole row by ``row_digest``. Columns that a later record may change (when a batch
was taken back, say) stay out of it, and are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel import ledger
from testkit.kernel.digest import digest, digest_bytes
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from testkit.kernel.ledger import LedgerRow
    from testkit.kernel.sqlite import Connection

__all__ = ["WHOLE", "Auditor", "Case", "Key", "Recorded", "Table", "compare", "problem", "run"]

Key = tuple[Any, ...]
"""Values of the columns that name a row."""

WHOLE: Final = "row_digest"
"""In a payload: digest of the row's settled columns."""

HINT: Final = "restore a backup, and ask who had write access to the workspace folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What an auditor may look at.

    Attributes:
        conn: A connection to the workspace database; only read.
        records: Ledger rows in order, those that were changed left out: ``LG001`` tells of them.
        data: The folder of data files.
        hashing: Whether to read every data file to its end; else it only has to be there.
    """

    conn: Connection
    records: tuple[LedgerRow, ...]
    data: Path
    hashing: bool = False

    def of(self, *kinds: str) -> Iterator[LedgerRow]:
        """Records of these kinds, in order."""
        return (row for row in self.records if row.kind in kinds)


Auditor = Callable[[Case], "list[Finding]"]
"""Compares the tables and files of one product with their records."""


@dataclass(slots=True, kw_only=True)
class Recorded:
    """A row as its records call for it.

    Attributes:
        subject: What the ledger calls the thing: ``experiment/spring``.
        columns: Column to value; a digest for those that :class:`Table` names as digested.
    """

    subject: str
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose rows the ledger records.

    Attributes:
        name: Of the table.
        key: Columns that name a row.
        subject: What the ledger calls a row's thing, with columns in braces.
        settled: Columns that never change, bound by ``row_digest``. Named one by one, so that a
            column that a later version adds leaves the digests of older rows as they are.
        digested: Text columns that are compared by the SHA-256 of their UTF-8 bytes.
    """

    name: str
    key: tuple[str, ...]
    subject: str
    settled: tuple[str, ...] = ()
    digested: tuple[str, ...] = ()

    def row_digest(self, conn: Connection, *key: Any) -> str:
        """Digest of one stored row's settled columns, for the payload that records it."""
        where = " AND ".join(f"{name} = ?" for name in self.key)
        row = conn.execute(
            f"SELECT * FROM {self.name} WHERE {where}",  # noqa: S608 - names are ours
            key,
        ).fetchone()
        return self._digest(dict(row))

    def _digest(self, row: Mapping[str, Any]) -> str:
        return digest({name: row[name] for name in (*self.key, *self.settled)})

    def rows(self, conn: Connection) -> dict[Key, Recorded]:
        """Every row as it can be compared."""
        found: dict[Key, Recorded] = {}
        for raw in conn.execute(f"SELECT * FROM {self.name}"):  # noqa: S608 - the name is ours
            row = dict(raw)
            columns = {**row, WHOLE: self._digest(row)}
            for name in self.digested:
                columns[name] = None if row[name] is None else digest_bytes(row[name].encode())
            key = tuple(row[name] for name in self.key)
            found[key] = Recorded(subject=self.subject.format(**row), columns=columns)
        return found


def problem(code: str, message: str, where: str) -> Finding:
    """An error of the ledger's family, with the one way out."""
    return Finding(code=code, severity="error", message=message, hint=HINT, where=where)


def compare(conn: Connection, table: Table, recorded: Mapping[Key, Recorded]) -> list[Finding]:
    """Compare a table with its records.

    Args:
        conn: A connection; only read.
        table: The table.
        recorded: ``key -> row`` as the ledger calls for it.

    Returns:
        Findings LG005 (a row differs from its record), LG006 (a row without a record), LG007 (a
        record whose row is gone); empty when the table says what was recorded.
    """
    findings: list[Finding] = []
    rows = table.rows(conn)
    for key in (*recorded, *(k for k in rows if k not in recorded)):
        row, record = rows.get(key), recorded.get(key)
        subject = (record or row or Recorded(subject="")).subject
        where = f"{subject}, {table.name} {' '.join(map(str, key))}"
        if record is None:
            findings.append(problem("LG006", "no intact ledger row records this row", where))
        elif row is None:
            findings.append(problem("LG007", "the ledger records it, but the row is gone", where))
        else:
            wrong = [n for n, value in record.columns.items() if row.columns.get(n) != value]
            if wrong:
                named = [n for n in wrong if n != WHOLE]
                what = " and ".join(named) if named else "the row"
                findings.append(
                    problem("LG005", f"{what} differs from what the ledger recorded", where)
                )
    return findings


def run(
    conn: Connection, auditors: Iterable[Auditor], *, data: Path, hashing: bool = False
) -> list[Finding]:
    """Ask every auditor.

    Args:
        conn: A connection; only read.
        auditors: Those of all products; the composition root knows them.
        data: The folder of data files.
        hashing: Whether to read every data file to its end.
    """
    case = Case(conn=conn, records=tuple(_intact(conn)), data=data, hashing=hashing)
    return [finding for auditor in auditors for finding in auditor(case)]


def _intact(conn: Connection) -> Sequence[LedgerRow]:
    return [row for row in ledger.readable(conn) if row.hash == row.expected_hash()]
