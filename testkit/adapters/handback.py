"""The list of an arm, in the form that a tool imports: one file per arm and wave.

A file holds the ids that the tool joins on, the arm where the tool can carry it, and the link or
code of the arm, without which what people do later cannot be led back to it. Whoever has no such id
is left out and counted: a blank cell would overwrite what the tool has.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.adapters.identity import normal_id_sql
from testkit.engines.sources import identifier, literal, open_csv, write_csv
from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.adapters.model import Adapter, Out

__all__ = [
    "HandBack",
    "Handed",
    "Named",
    "fields_of",
    "hand_back",
    "named_hand_back",
    "read_hand_back",
]

FILE_NAME: Final = re.compile(
    r"^(?P<experiment>[a-z0-9_-]+)\.wave-(?P<wave>[0-9]+)\.(?P<arm>[a-z0-9_-]+)\.(?P<tool>[a-z0-9-]+)\.csv$"
)
UNSAFE_LINK: Final = re.compile(r"[\s\"'<>\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandBack:
    """One file that was written.

    Attributes:
        path: Where it is.
        arm: The arm.
        wave: The wave.
        rows: People (or arms) in it.
        left_out: People without an id that the tool knows.
    """

    path: Path
    arm: str
    wave: int
    rows: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the name of a hand-back file says.

    Attributes:
        experiment: The experiment.
        wave: The wave.
        arm: The arm.
        tool: The adapter that wrote it.
    """

    experiment: str
    wave: int
    arm: str
    tool: str


def named_hand_back(path: Path) -> Named | None:
    """What a hand-back file is by its name; None where it is none.

    Examples:
        >>> from pathlib import Path
        >>> named_hand_back(Path("spring.wave-1.control.mautic.csv")).arm
        'control'
    """
    found = FILE_NAME.match(path.name)
    if found is None:
        return None
    return Named(
        experiment=found["experiment"],
        wave=int(found["wave"]),
        arm=found["arm"],
        tool=found["tool"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A hand-back file read again.

    Attributes:
        experiment: As the file's name says.
        wave: As the file's name says.
        table: Table in the session with ``id_kind, id, arm``; empty where the file lists no people.
        arms: ``arm -> people``, or ``arm -> 1`` for a list of links.
        links: ``arm -> link``, where the file holds links.
    """

    experiment: str
    wave: int
    table: str
    arms: Mapping[str, int]
    links: Mapping[str, str]


def hand_back(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    adapter: Adapter,
    experiment: str,
    folder: Path,
    links: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    refcodes: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    bom: bool = False,
) -> tuple[HandBack, ...]:
    """Write what the tool imports, one file per arm and wave.

    Args:
        connection: The session.
        rows: A table or query with ``arm``, ``wave`` and a text column for every id and field
            that the adapter's columns name (``email``, ``phone``, ``vanid``, ``first_name`` ...).
        adapter: Whose form.
        experiment: Name of the experiment.
        folder: Where the files go.
        links: ``arm -> link`` for the arm's message.
        texts: ``arm -> words``, for tools that carry them in a field.
        refcodes: ``arm -> code`` for links; where an arm has none, ``tk-EXPERIMENT-ARM``.
        values: What :attr:`Out.asks` asks for.
        bom: Start files with a byte-order mark, for Excel.

    Raises:
        InputError: The tool takes no list, or something that it needs is missing.
    """
    values = dict(values or {})
    out = _form(_out(adapter), values)
    bad = next((n for n, v in values.items() if not re.fullmatch(r"[\w .:-]{1,100}", v)), "")
    if bad:
        raise InputError(f"{values[bad]!r} cannot be part of a column name", field=bad)
    for link in (links or {}).values():
        if UNSAFE_LINK.search(link) or not re.match(r"https?://", link):
            raise InputError(f"{link!r} is not a link", field="links", value=link)
    source = f"handed_{secrets.token_hex(4)}"
    connection.execute(f"CREATE TEMP TABLE {source} AS SELECT * FROM ({rows})")
    there = {c[0] for c in connection.execute(f"DESCRIBE {source}").fetchall()}
    keys = [k for k in out.keys if k in there]
    if out.one_id and len(keys) > 1:
        keys = [_widest(connection, source, keys)]
        there -= set(out.keys) - set(keys)
    if out.per_person and not keys:
        raise InputError(
            f"{adapter.name} joins on {' or '.join(out.keys)}, and the list has neither"
            if len(out.keys) > 1
            else f"{adapter.name} joins on {out.keys[0]}, and the list has no such column",
            field="columns",
            hint="name the column of the list that holds it",
        )
    groups = connection.execute(
        f"SELECT wave, arm, count(*) FROM {source} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    _check_values(adapter, out, values, sorted({str(arm) for _, arm, _ in groups}))
    for name in (experiment, *(arm for _, arm, _ in groups)):
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", str(name)):
            raise InputError(f"{name!r} cannot be part of a file name", field="arm", value=name)
    written = []
    for wave, arm, count in groups:
        fixed = {
            "arm": arm,
            "wave": str(wave),
            "experiment": experiment,
            "tag": f"tk-{experiment}-{arm}",
            "refcode": (refcodes or {}).get(arm) or f"tk-{experiment}-{arm}",
            "link": (links or {}).get(arm, ""),
            "arm_text": (texts or {}).get(arm, ""),
            **_values_of(values, arm),
        }
        fixed["coded_link"] = _coded(fixed["link"], out.parameter, fixed["refcode"])
        fields = {"experiment_": experiment.replace("-", "_"), **_values_of(values, arm)}
        columns = [
            (_filled(header, fields), template)
            for header, template in out.columns
            if not any(name in out.may and not fields.get(name) for name in _FIELD.findall(header))
        ]
        cells = ", ".join(
            f"{_template(template, fixed, there)} AS {identifier(header)}"
            for header, template in columns
            if _has(template, fixed, there)
        )
        names = [header for header, template in columns if _has(template, fixed, there)]
        where = f"wave = {int(wave)} AND arm = {literal(arm)}"
        if out.per_person:
            known = " OR ".join(f"{normal_id_sql(k, identifier(k))} IS NOT NULL" for k in keys)
            query = f"SELECT {cells} FROM {source} WHERE {where} AND ({known})"
        else:
            query = f"SELECT {cells} FROM {source} WHERE {where} LIMIT 1"
        target = folder / f"{experiment}.wave-{wave}.{arm}.{adapter.name}.csv"
        rows_written = write_csv(connection, query, columns=names, target=target, bom=bom)
        written.append(
            HandBack(
                path=target,
                arm=arm,
                wave=int(wave),
                rows=rows_written,
                left_out=count - rows_written if out.per_person else 0,
            )
        )
    connection.execute(f"DROP TABLE {source}")
    return tuple(written)


def _form(out: Out, values: Mapping[str, str]) -> Out:
    """The form that the values are for."""
    names = {name.split(".")[0] for name in values if values[name]}
    other = out.other
    return other if other is not None and names & other.asks.keys() else out


def _check_values(
    adapter: Adapter, out: Out, values: Mapping[str, str], arms: Sequence[str]
) -> None:
    """Refuse a form without what it asks for, and values that nobody asked for.

    Raises:
        InputError: A value is missing, is not known, or is the same for two arms.
    """
    for name, what in out.asks.items():
        lacking = [arm for arm in arms if not _values_of(values, arm).get(name)]
        if lacking:
            each = f"{name}.{lacking[0]}" if name == out.own else name
            other = (
                "" if out.other is None else f"; or {', '.join(out.other.asks)} for its other form"
            )
            raise InputError(
                f"{adapter.name} needs {name}: {what}", field=name,
                hint=f"give it as --with {each}=VALUE{other}",
            )  # fmt: skip
    known = {*out.asks, *out.may}
    strange = [n for n in values if n.split(".")[0] not in known]
    if strange:
        raise InputError(
            f"{adapter.name} does not ask for {strange[0]!r}", field=strange[0],
            hint=f"it asks for: {', '.join(sorted(known)) or 'nothing'}",
        )  # fmt: skip
    told = [_values_of(values, arm)[out.own] for arm in arms] if out.own else []
    if len(set(told)) < len(told):
        raise InputError(
            f"two arms have one {out.own}: nobody could tell them apart", field=out.own,
            hint=" ".join(f"--with {out.own}.{arm}=VALUE" for arm in arms),
        )  # fmt: skip


def _values_of(values: Mapping[str, str], arm: str) -> dict[str, str]:
    """The values for an arm: its own (``name.ARM``) before everybody's."""
    own = {n.removesuffix(f".{arm}"): v for n, v in values.items() if n.endswith(f".{arm}")}
    return {**{n: v for n, v in values.items() if "." not in n}, **own}


def _coded(link: str, parameter: str, code: str) -> str:
    """The link with the arm's code; one that names a code already stays as it is."""
    if not link or not parameter or re.search(rf"[?&]{parameter}=", link):
        return link
    address, mark, place = link.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{parameter}={code}{mark}{place}"


def _widest(connection: duckdb.DuckDBPyConnection, source: str, keys: Sequence[str]) -> str:
    """The kind of id that most people have; of several the tool's own."""
    counted = ", ".join(f"count({normal_id_sql(k, identifier(k))})" for k in keys)
    row = connection.execute(f"SELECT {counted} FROM {source}").fetchone() or ()
    return max(zip(keys, row, strict=True), key=lambda pair: pair[1])[0]


def _out(adapter: Adapter) -> Out:
    if adapter.out is None:
        raise InputError(
            f"{adapter.name} takes no list",
            field="adapter",
            value=adapter.name,
            hint="`adapters list` says which do",
        )
    return adapter.out


_FIELD: Final = re.compile(r"\{(\w+)\}")


def fields_of(adapter: Adapter) -> tuple[str, ...]:
    """Names that the adapter's form may take from the list: ids, and columns such as a first name.

    Raises:
        InputError: The tool takes no list.
    """
    ours = {"arm", "wave", "experiment", "tag", "refcode", "link", "coded_link", "arm_text"}
    wanted: list[str] = []
    for out in filter(None, (_out(adapter), _out(adapter).other)):
        named = [name for _, template in out.columns for name in _FIELD.findall(template)]
        ours |= {*out.asks, *out.may}
        wanted += [*out.keys, *named]
    return tuple(dict.fromkeys(name for name in wanted if name not in ours))


def _filled(header: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda m: fields.get(m[1], m[0]), header)


def _has(template: str, fixed: Mapping[str, str], there: set[str]) -> bool:
    """A column is written where all that it needs is there: never a blank in its place."""
    needed = _FIELD.findall(template)
    return all(fixed.get(name) or name in there for name in needed)


def _template(template: str, fixed: Mapping[str, str], there: set[str]) -> str:
    """A template as an SQL expression over the list's columns."""
    if template.startswith("json:"):
        name = template.removeprefix("json:")
        return literal(json.dumps({key: fixed[key] for key in name.split(",") if fixed.get(key)}))
    parts = []
    for piece in re.split(r"(\{\w+\})", template):
        found = _FIELD.fullmatch(piece)
        if not found:
            if piece:
                parts.append(literal(piece))
        elif fixed.get(found[1]):
            parts.append(literal(fixed[found[1]]))
        elif found[1] in there:
            parts.append(f"coalesce({identifier(found[1])}::VARCHAR, '')")
    return " || ".join(parts) or "''"


def read_hand_back(
    connection: duckdb.DuckDBPyConnection, path: Path, *, adapter: Adapter
) -> Handed:
    """Read a file that :func:`hand_back` wrote, to see that it says what was meant.

    Args:
        connection: The session.
        path: The file, under the name that it was given.
        adapter: Whose form it is.

    Raises:
        InputError: The file is none of this adapter's.
    """
    out = _out(adapter)
    named = FILE_NAME.match(path.name)
    if not named:
        raise InputError(
            f"{path.name} is not named like a hand-back file",
            field="file",
            value=path.name,
            hint="EXPERIMENT.wave-N.ARM.TOOL.csv",
        )
    file = open_csv(path)
    loaded = file.relation(connection)
    ids = [
        (kind, file.column(header))
        for kind in out.keys
        for header, template in out.columns
        if template == f"{{{kind}}}" and file.has(header)
    ]
    links_in = {"{link}", "{coded_link}"}
    link = next((h for h, t in out.columns if t in links_in and file.has(h)), "")
    links = {}
    if link:
        found = connection.execute(
            f"SELECT DISTINCT {identifier(file.column(link))} FROM {loaded} LIMIT 2"
        ).fetchall()
        if len(found) == 1 and found[0][0]:
            links[named["arm"]] = str(found[0][0])
    if not out.per_person:
        return Handed(
            experiment=named["experiment"],
            wave=int(named["wave"]),
            table="",
            arms={named["arm"]: 1},
            links=links,
        )
    if not ids:
        raise InputError(
            f"{path.name} has no id that {adapter.name} joins on", field="file", value=path.name
        )
    table = f"again_{secrets.token_hex(4)}"
    normal = [(kind, normal_id_sql(kind, identifier(column))) for kind, column in ids]
    kind = " ".join(f"WHEN ({sql}) IS NOT NULL THEN {literal(k)}" for k, sql in normal)
    connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT CASE {kind} END AS id_kind,"
        f" coalesce({', '.join(sql for _, sql in normal)}) AS id, {literal(named['arm'])} AS arm"
        f" FROM {loaded}"
    )
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return Handed(
        experiment=named["experiment"],
        wave=int(named["wave"]),
        table=table,
        arms={named["arm"]: int(row[0]) if row else 0},
        links=links,
    )
