"""Reading the reference folder: one test per group and case, skipped by name where it is unset."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

VARIABLE = "WHISTLESTOP_REFERENCE"


@functools.cache
def groups() -> dict[str, Any]:
    folder = os.environ.get(VARIABLE, "")
    path = Path(folder) / "statistics.json"
    if not folder or not path.is_file():
        return {}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["groups"]
    return loaded


def over(group: str, *keys: str) -> pytest.MarkDecorator:
    """One test per case of the group (of the lists under ``keys``); one skipped where none."""
    found = groups().get(group)
    if found is None:
        reason = f"{group}: {VARIABLE} is unset or its statistics.json has no such group"
        params = [pytest.param(None, None, marks=pytest.mark.skip(reason=reason), id=group)]
        return pytest.mark.parametrize(("case", "tolerance"), params)
    inside = found["cases"]
    for key in keys:
        inside = inside.get(key, [])
    cases = inside if isinstance(inside, list) else [inside]
    name = "-".join((group, *keys))
    params = [
        pytest.param(case, found["tolerance"], id=f"{name}-{index}")
        for index, case in enumerate(cases)
    ]
    return pytest.mark.parametrize(("case", "tolerance"), params)


def close(ours: object, theirs: object, tolerance: float) -> None:
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    allowed = tolerance * np.maximum(1.0, np.abs(b))
    assert a.shape == b.shape
    assert np.all(np.abs(a - b) <= allowed), (ours, theirs, tolerance)
