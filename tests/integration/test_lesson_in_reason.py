"""A draft says what the last tested response to its issue taught; a running test says nothing."""

from __future__ import annotations

import pytest

from responders.bridge import Lesson
from responders.demo import serve
from responders.services import lessons

pytestmark = pytest.mark.faults


def lesson(day: str, *, decided: bool) -> Lesson:
    return Lesson(
        experiment="e", release="rel_1", title="t", released_at=f"{day}T12:00:00+00:00",
        channel="sms", metric="signed", decided=decided, proven=decided,
        sentence="b was better: +1.20% of the people (signed) against the control"
        if decided else "the test is still running: nothing to say yet",
        chosen="",
    )  # fmt: skip


@pytest.fixture
def raised(shell, monkeypatch):
    """Raise the draft of the bundled morning after these lessons."""

    def run(*known: Lesson) -> str:
        asked = []
        monkeypatch.setattr(lessons, "what_worked", lambda _, issue: asked.append(issue) or known)
        shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
        with serve("first-light", now=shell.clock()) as addresses:
            shell.ok("feed", "add", *addresses)
            draft = shell.json("tick")["drafts"][0]["draft"]
        assert asked == ["labor"]
        return shell.json("draft", "show", draft)["reason"]

    return run


def test_the_newest_decided_test_is_in_the_reason(raised):
    reason = raised(
        lesson("2026-10-30", decided=False),
        lesson("2026-10-21", decided=True),
        lesson("2026-09-01", decided=True),
    )
    assert reason.count("Last time") == 1
    assert "Last time (2026-10-21, sms): b was better: +1.20% of the people" in reason
    assert "running" not in reason


def test_without_a_decided_test_the_reason_has_no_lesson(raised):
    assert "Last time" not in raised(lesson("2026-10-30", decided=False))
