"""A mapping: which column of somebody's own CSV is what, saved as YAML in the workspace.

```yaml
mapping: our-crm
id_kind: email
columns:
  unit: Email
  metric: Took part
  at: Date
arms: {A: control, B: match}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from testkit.adapters.model import COUNTS, ID_KINDS, Adapter, Columns, Options, Verb
from testkit.errors import InputError, NotFoundError
from testkit.kernel import yamlfile
from testkit.kernel.config import slug

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Mapping", "guess", "mapping_named", "propose", "read_mapping"]

Column = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class MappedColumns(_Strict):
    """Which column is what; each is the name of a column in the file.

    Attributes:
        unit: The id of the person.
        arm: The arm, or a code that stands for it.
        metric: The deed: yes, no or a number; in counts, how many did it.
        at: When it was done.
        as_of: When counts were taken.
        wave: The wave.
        amount: Money.
        message: Id or name of the message.
        event_id: What names the deed, so that it counts once.
        units: In counts: how many were assigned (or sent to).
    """

    unit: Column = ""
    arm: Column = ""
    metric: Column = ""
    at: Column = ""
    as_of: Column = ""
    wave: Column = ""
    amount: Column = ""
    message: Column = ""
    event_id: Column = ""
    units: Column = ""


class Mapping(_Strict):
    """A mapping file.

    Attributes:
        mapping: Its name.
        columns: Which column is what.
        metric: What the deed is called in the plan.
        id_kind: What kind of id ``unit`` holds.
        counts: Further counts, ``name -> column``.
        arms: ``what the file says -> arm``.
        decimal: ``.`` or ``,``.
        encoding: Encoding of the file; empty takes UTF-8 or a byte-order mark's.
        day_first: Whether 03/11/2026 is in November.
        zone: IANA zone of times without an offset.
    """

    mapping: str
    columns: MappedColumns
    metric: str = Field(default="outcome", min_length=1, max_length=64)
    id_kind: str = "unit"
    counts: dict[str, Column] = Field(default_factory=dict)
    arms: dict[str, str] = Field(default_factory=dict)
    decimal: Literal[".", ","] = "."
    encoding: str = ""
    day_first: bool | None = None
    zone: str = ""

    _slug = field_validator("mapping")(slug)

    @field_validator("id_kind")
    @classmethod
    def _kind(cls, value: str) -> str:
        if value not in ID_KINDS:
            raise ValueError(f"{value!r} is none of {', '.join(ID_KINDS)}")
        return value

    @field_validator("counts")
    @classmethod
    def _counts(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in value if name not in COUNTS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(COUNTS)}")
        return value

    @model_validator(mode="after")
    def _usable(self) -> Mapping:
        told = self.columns
        if not told.unit and not told.arm:
            raise ValueError("neither `unit` nor `arm`: rows could belong to no arm")
        if not told.unit and not (told.units or self.counts):
            raise ValueError("counts need `units` (or `counts`), rows of people need `unit`")
        if told.unit and not (told.metric or told.amount):
            raise ValueError("rows of people need `metric` or `amount`: what did they do?")
        return self

    def adapter(self) -> Adapter:
        """The adapter that reads such a file."""
        told = self.columns
        people = bool(told.unit)
        deed = Verb(
            kind=self.metric,
            when="value" if told.metric else "filled",
            column=_one(told.metric or told.amount),
            at=_one(told.at),
            amount=_one(told.amount),
            event_id=_one(told.event_id),
        )
        counts = {
            **({"assigned": _one(told.units)} if told.units else {}),
            **({self.metric: _one(told.metric)} if told.metric else {}),
            **{name: _one(column) for name, column in self.counts.items()},
        }
        return Adapter(
            name=f"generic-csv:{self.mapping}",
            title=f"CSV, read as {self.mapping} says",
            form="events" if people else "snapshots",
            signs=tuple((c,) for c in self._all() if c),
            columns=Columns(
                ids={self.id_kind: _one(told.unit)} if people else {},
                arm=_one(told.arm),
                message=_one(told.message),
                wave=_one(told.wave),
                as_of=_one(told.as_of),
                verbs=(deed,) if people else (),
                counts={} if people else counts,
                amount=_one(told.amount),
            ),
        )

    def options(self, given: Options) -> Options:
        """The caller's options, with what the mapping says where the caller says nothing."""
        from dataclasses import replace

        return replace(
            given,
            encoding=given.encoding or self.encoding or None,
            decimal=self.decimal if given.decimal == "." else given.decimal,
            day_first=self.day_first if given.day_first is None else given.day_first,
            zone=self.zone or given.zone,
            arms={**self.arms, **given.arms},
        )

    def _all(self) -> Sequence[str]:
        told = self.columns
        return (told.unit, told.arm, told.metric, told.units, *self.counts.values())


def _one(column: str) -> tuple[str, ...]:
    return (column,) if column else ()


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        DefinitionError: With every problem of the file.
        InputError: It cannot be read.
    """
    document = yamlfile.parse(yamlfile.read_text(path), name=path.name)
    return yamlfile.validated(document, Mapping)


def mapping_named(folder: Path, name: str) -> Mapping:
    """The mapping of that name in a folder.

    Raises:
        DefinitionError: With every problem of the file.
        NotFoundError: There is none; close names are suggested.
    """
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name not in there:
        import difflib

        near = difflib.get_close_matches(name, there, n=2)
        hint = "" if near else "make one with `adapters map FILE`"
        raise NotFoundError("mapping", name, did_you_mean=near, hint=hint)
    return read_mapping(there[name])


def propose(folder: Path, columns: Sequence[str], *, name: str) -> Path:
    """Write a proposed mapping for these columns; returns the file.

    Raises:
        InputError: The name cannot be one, or is taken.
    """
    from testkit.kernel.workspace import write_once

    try:
        target = folder / f"{slug(name)}.yaml"
    except ValueError as cause:
        raise InputError(str(cause), field="name", value=name) from cause
    if not write_once(target, guess(columns, name=name)):
        raise InputError(
            f"{folder.name}/{target.name} exists",
            field="name",
            value=name,
            hint="edit it, or choose another name with --name",
        )
    return target


_GUESSES: Final = {
    "unit": ("supporter_id", "person_id", "vanid", "external_id", "unit", "user_id", "id", "email",
             "email address", "e-mail", "phone", "cell"),
    "arm": ("arm", "group", "test group", "variant", "treatment", "version"),
    "metric": ("outcome", "outcomes", "did", "gave", "called", "signed", "converted", "response"),
    "at": ("at", "date", "timestamp", "time", "created_at"),
    "as_of": ("as_of", "as of"),
    "wave": ("wave",),
    "amount": ("amount", "gift", "revenue"),
    "units": ("units", "assigned", "sent", "recipients"),
}  # fmt: skip
_KINDS: Final = {
    "email": ("email", "email address", "e-mail"),
    "phone": ("phone", "cell"),
    "vanid": ("vanid",),
    "external_id": ("external_id",),
}


def guess(columns: Sequence[str], *, name: str) -> str:
    """A mapping file for these columns, to be corrected by a person: YAML text with comments.

    Args:
        columns: The header of the file.
        name: Name of the mapping.
    """
    from testkit.adapters.tables import folded

    there = {folded(c): c for c in reversed(columns)}
    found = {
        role: next((there[folded(n)] for n in names if folded(n) in there), "")
        for role, names in _GUESSES.items()
    }
    if found["unit"]:
        found["units"] = ""
    kind = next(
        (k for k, names in _KINDS.items() if folded(found["unit"]) in map(folded, names)), "unit"
    )
    return _text_of(name=name, found=found, kind=kind, columns=columns)


def _text_of(*, name: str, found: dict[str, str], kind: str, columns: Sequence[str]) -> str:
    """The text of a mapping file."""
    import json

    said = [f"  {role}: {json.dumps(c, ensure_ascii=False)}" for role, c in found.items() if c]
    unused = [c for c in columns if c not in found.values()]
    listed = ", ".join(json.dumps(c, ensure_ascii=False) for c in unused[:40])
    return "\n".join(
        [
            "# Which column is what. Correct it, then look at a file with it:",
            f"#   whistlestop adapters sniff FILE --mapping {name}",
            f"mapping: {name}",
            f"id_kind: {kind}",
            "metric: outcome",
            "columns:",
            *(said or ["  unit: ''"]),
            f"# not used: {listed}" if listed else "# every column is used",
            "# roles: unit, arm, metric, at, as_of, wave, amount, message, event_id, units",
            "",
        ]
    )
