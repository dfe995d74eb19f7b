"""YAML as people write it: every problem at once, each with line, column and key path.

Theory of operation. The text is composed to nodes, which know their place, and turned into plain
values by the YAML 1.2 core rules (``NO`` and ``22:30`` stay text). Anchors and aliases are refused:
they hide what a file says and can be made to explode. pydantic then checks the values against a
model, and each of its errors is led back to the place in the file.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from testkit.errors import DefinitionError, InputError
from testkit.kernel.findings import Finding, Severity, by_severity, has_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    ModelT = TypeVar("ModelT", bound=BaseModel)
else:
    ModelT = TypeVar("ModelT")

__all__ = ["Document", "Key", "parse", "read_text", "validate", "validated"]

Key = tuple[str | int, ...]
"""Path to a value: ``("arms", 1, "share")``."""

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 40

_CORE: Final = (
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN\0"),
    ("int", re.compile(r"^[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), "-+0123456789"),
    (
        "float",
        re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
        "-+0123456789.",
    ),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as values, with the place of each.

    Attributes:
        name: The file, as the user named it.
        value: Plain values.
        places: ``key path -> (line, column)``, both from 1.
        findings: Problems of the text itself (YM001 to YM003).
        text: The text as read.
    """

    name: str
    value: Any
    places: dict[Key, tuple[int, int]]
    findings: tuple[Finding, ...] = ()
    text: str = field(default="", repr=False)

    def where(self, key: Key) -> str:
        """``file:line:column: key.path`` of a value, or of its nearest parent in the file."""
        shown = ".".join(str(part) for part in key)
        for length in range(len(key), -1, -1):
            place = self.places.get(key[:length])
            if place:
                start = f"{self.name}:{place[0]}:{place[1]}"
                return f"{start}: {shown}" if shown else start
        return f"{self.name}: {shown}" if shown else self.name

    def finding(
        self,
        code: str,
        message: str,
        *,
        key: Key = (),
        hint: str = "",
        severity: Severity = "error",
    ) -> Finding:
        """A finding about the value at ``key``."""
        return Finding(
            code=code,
            severity=severity,
            message=message,
            hint=hint,
            where=self.where(key),
        )


def read_text(path: Path) -> str:
    """The text of a file that a person wrote: UTF-8, a BOM forgiven.

    Raises:
        InputError: The file is missing, too large, or not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except OSError as cause:
        raise InputError(
            f"cannot read {path}: {cause.strerror}", field="file", value=str(path)
        ) from cause
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES:,} bytes", field="file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = raw.count(b"\n", 0, cause.start) + 1
        raise InputError(
            f"{path}:{line}: this is not UTF-8 text",
            field="file",
            value=str(path),
            hint="save the file as UTF-8",
        ) from cause


def parse(text: str, *, name: str) -> Document:
    """Turn YAML text into values and places; problems become findings, never exceptions.

    Args:
        text: The whole file.
        name: How to call it in findings.
    """
    import yaml

    class Loader(yaml.CSafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {}
    for tag, pattern, first in _CORE:
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", pattern, [c if c != "\0" else "" for c in first]
        )
    places: dict[Key, tuple[int, int]] = {}
    findings: list[Finding] = []

    def at(mark: Any) -> str:
        return f"{name}:{mark.line + 1}:{mark.column + 1}"

    try:
        # Read as a stream of events first: nesting and aliases are refused before a tree is built.
        depth = 0
        for event in yaml.parse(text, Loader=Loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                findings.append(
                    Finding(
                        code="YM001",
                        severity="error",
                        message=f"nested deeper than {MAX_DEPTH} levels",
                        where=at(event.start_mark),
                    )
                )
                break
            if getattr(event, "anchor", None):
                findings.append(
                    Finding(
                        code="YM003",
                        severity="error",
                        message="anchors and aliases (& and *) are not allowed",
                        hint="write the value out; quote text that starts with & or *",
                        where=at(event.start_mark),
                    )
                )
        node = None if findings else yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        findings.append(
            Finding(
                code="YM001",
                severity="error",
                message=f"not valid YAML: {cause.problem or cause.context}",
                hint="check indentation, and quote text that holds ': ' or starts with a sign",
                where=at(mark) if mark else name,
            )
        )
        node = None
    except yaml.YAMLError as cause:
        findings.append(
            Finding(code="YM001", severity="error", message=f"not valid YAML: {cause}", where=name)
        )
        node = None

    def build(node: Any, key: Key) -> Any:
        places.setdefault(key, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key_node, value_node in node.value:
                label = str(key_node.value)
                if label in out:
                    findings.append(
                        Finding(
                            code="YM002",
                            severity="error",
                            message=f"the key {label!r} stands twice in the same place",
                            hint="keep one of them",
                            where=f"{at(key_node.start_mark)}: {label}",
                        )
                    )
                    continue
                places[(*key, label)] = (
                    key_node.start_mark.line + 1,
                    key_node.start_mark.column + 1,
                )
                out[label] = build(value_node, (*key, label))
            return out
        if isinstance(node, yaml.SequenceNode):
            return [build(child, (*key, i)) for i, child in enumerate(node.value)]
        return _scalar(node)

    value = build(node, ()) if node is not None else None
    return Document(name=name, value=value, places=places, findings=tuple(findings), text=text)


def _scalar(node: Any) -> Any:
    match node.tag.rsplit(":", 1)[-1]:
        case "bool":
            return node.value.lower() == "true"
        case "null":
            return None
        case "int":
            text = node.value.lstrip("+-")
            sign = -1 if node.value.startswith("-") else 1
            base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
            return sign * int(text, base)
        case "float":
            return float(node.value)
    return str(node.value)


def validate(document: Document, model: type[ModelT]) -> tuple[ModelT | None, list[Finding]]:
    """Check a document against a pydantic model.

    Args:
        document: What :func:`parse` gave.
        model: The model; it should forbid unknown keys.

    Returns:
        The value (None when anything is wrong) and all findings: YM001 to YM003 from the text,
        YM004 unknown key, YM005 missing key, YM006 value not accepted.
    """
    import pydantic

    findings = list(document.findings)
    if has_errors(findings) and document.value is None:
        return None, findings
    if document.value is None:
        findings.append(document.finding("YM005", "the file is empty"))
        return None, findings
    if not isinstance(document.value, dict):
        findings.append(
            document.finding(
                "YM006", "the file must hold keys and values", hint="start with `name: value`"
            )
        )
        return None, findings
    try:
        value = model.model_validate(document.value)
    except pydantic.ValidationError as cause:
        # A union reports every branch that failed; one remark per place is enough.
        seen: set[tuple[Any, ...]] = set()
        for error in cause.errors():
            finding = _from_pydantic(document, model, error)
            if (finding.where, finding.code) not in seen:
                seen.add((finding.where, finding.code))
                findings.append(finding)
        return None, findings
    return (None if has_errors(findings) else value), findings


def validated(document: Document, model: type[ModelT]) -> ModelT:
    """Like :func:`validate`, but problems are raised together.

    Raises:
        DefinitionError: With every finding.
    """
    value, findings = validate(document, model)
    if value is None:
        raise DefinitionError(by_severity(findings), path=document.name)
    return value


def _from_pydantic(document: Document, model: type[BaseModel], error: Any) -> Finding:
    key: Key = _in_file(document, tuple(error["loc"]))
    kind = error["type"]
    last = str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        known = _known_keys(model, key[:-1])
        near = difflib.get_close_matches(last, known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return document.finding("YM004", f"unknown key {last!r}", key=key, hint=hint)
    if kind == "missing":
        return document.finding("YM005", f"{last!r} is missing", key=key)
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    given = error.get("input")
    example = _example(model, key) if kind == "string_pattern_mismatch" else None
    if isinstance(given, dict | list) or given is None or kind == "value_error":
        text = message
    elif example is not None:
        text = f"{given!r} is not accepted: it is written like {example}"
    else:
        text = f"{given!r} is not accepted: it should be {message}"
    return document.finding("YM006", text, key=key)


def _in_file(document: Document, location: Sequence[Any]) -> Key:
    """Pydantic names union branches in its paths; keep the parts that the file has."""
    key: Key = ()
    for index, part in enumerate(location):
        longer = (*key, part)
        if longer in document.places or index == len(location) - 1:
            key = longer
    return key


def _known_keys(model: type[BaseModel], path: Key) -> list[str]:
    return sorted(_fields_at(model, path))


def _example(model: type[BaseModel], key: Key) -> str | None:
    """What a field would take, where it says so."""
    info = _fields_at(model, key[:-1]).get(str(key[-1])) if key else None
    return str(info.examples[0]) if info is not None and info.examples else None


def _fields_at(model: type[BaseModel], path: Key) -> dict[str, FieldInfo]:
    """The fields that may stand at a place of the file, by the names that the file uses."""
    import typing

    import pydantic

    def models(annotation: Any) -> list[type[pydantic.BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
            return [annotation]
        return [m for arg in typing.get_args(annotation) for m in models(arg)]

    current = [model]
    for part in path:
        if isinstance(part, int):
            continue
        following: list[type[pydantic.BaseModel]] = []
        for candidate in current:
            for name, info in candidate.model_fields.items():
                if part in (name, info.alias):
                    following.extend(models(info.annotation))
        current = following or current
    return {info.alias or name: info for m in current for name, info in m.model_fields.items()}
