"""One way to turn a value into bytes, and bytes into a digest: what is signed is what is stored."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from typing import TYPE_CHECKING, Any

from testkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["canonical_json", "digest", "digest_bytes", "digest_file"]


def _plain(value: Any, where: str) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return unicodedata.normalize("NFC", value)
        case float():
            if not math.isfinite(value):
                raise InputError(f"{where} is not a finite number", field=where, value=value)
            return value
        case dict():
            bad = [k for k in value if not isinstance(k, str)]
            if bad:
                raise InputError(f"{where} has a key that is not text", field=where, value=bad[0])
            return {
                unicodedata.normalize("NFC", k): _plain(v, f"{where}.{k}") for k, v in value.items()
            }
        case list() | tuple():
            return [_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
    raise InputError(
        f"{where} is a {type(value).__name__}: only JSON values have a digest",
        field=where,
        value=value,
    )


def canonical_json(value: Any) -> bytes:
    r"""The one JSON spelling of a value: keys sorted, no spaces, text in NFC, UTF-8.

    Args:
        value: None, booleans, integers, finite floats, text, and lists or string-keyed
            mappings of these.

    Raises:
        InputError: A value has no JSON form; the message names its place.

    Examples:
        >>> canonical_json({"b": 1, "a": [True, "é"]})
        b'{"a":[true,"\xc3\xa9"],"b":1}'
    """
    text = json.dumps(
        _plain(value, "value"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return text.encode()


def digest(value: Any) -> str:
    """SHA-256 of :func:`canonical_json`, 64 lower-case hex digits."""
    return digest_bytes(canonical_json(value))


def digest_bytes(data: bytes) -> str:
    """SHA-256 of bytes, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
