"""docs/drafting/stories is what `draft rehearse --write` writes today."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from responders.services.rehearsal import run

pytestmark = pytest.mark.faults

DRAFTING = Path(__file__).resolve().parents[2] / "docs" / "drafting"


def test_the_pages_of_replayed_stories_are_current(tmp_path):
    marks = (DRAFTING / "marks.csv").read_text(encoding="utf-8")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    done = run(None, clock=lambda: now, marks=marks, folder=tmp_path)
    written = {Path(name).name for name in done.files}
    assert written == {path.name for path in (DRAFTING / "stories").iterdir()}
    for name in written:
        page = (DRAFTING / "stories" / name).read_text(encoding="utf-8")
        assert page == (tmp_path / name).read_text(encoding="utf-8"), (
            "python cli.py draft rehearse --marks docs/drafting/marks.csv"
            " --write docs/drafting/stories"
        )
