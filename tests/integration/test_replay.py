"""A replay runs a stored day through the real tick, and touches nothing of where it is from."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

import cli
from responders.feeds.recorded import RecordedFeed, RecordedItem, Recording
from responders.services.replay import ReplayClock, recording_of, replay
from testkit.errors import InputError, NotFoundError

DAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
STRIKE = "Nurses at Mercy Hospital vote to strike over staffing"

pytestmark = pytest.mark.faults


def item(minutes, title, number):
    return RecordedItem(
        at=DAY + timedelta(minutes=minutes),
        guid=f"g{number}",
        url=f"https://example.org/{number}",
        title=title,
        text=f"{title}. The union says that its members have had enough of short shifts.",
        language="en",
    )


def feed(title, *items):
    return RecordedFeed(title=title, site_url="", language="en", items=items)


def recording(*feeds):
    last = max(i.at for f in feeds for i in f.items)
    return Recording(name="made up", feeds=feeds, start=DAY, end=last + timedelta(minutes=5))


def run(what, tmp_path, **more):
    options = {"speed": 0, "into": tmp_path / "replayed", "timer": lambda: 0.0, "sleep": None}
    return replay(
        what,
        schemas=cli.schemas(),
        kinds=cli.kinds(),
        files=cli.starter(),
        **{**options, **more},
    )


def test_a_draft_is_raised_when_the_second_outlet_reports_and_not_before(tmp_path):
    done = run(
        recording(
            feed("Herald", item(0, STRIKE, 1), item(15, "Library opens a new wing", 2)),
            feed("Post", item(7, "Mercy Hospital nurses vote to strike", 3)),
        ),
        tmp_path,
    )
    assert (done.entries, done.problems) == (3, ())
    assert [(d.issue, d.after_s) for d in done.drafts] == [("labor", None)]
    assert DAY + timedelta(minutes=7) <= done.drafts[0].at <= DAY + timedelta(minutes=12)


def test_the_same_recording_gives_the_same_replay(tmp_path):
    what = recording(
        feed("Herald", item(0, STRIKE, 1)),
        feed("Post", item(1, "Mercy Hospital nurses vote to strike", 2)),
    )
    told = []
    for number in (1, 2):
        done = run(what, tmp_path, into=tmp_path / f"run-{number}")
        told.append((done.entries, done.copies, done.matches, [d.title for d in done.drafts]))
    assert told[0] == told[1]
    assert told[0][3]


def test_a_replay_needs_a_folder_of_its_own(newsroom_after_tick):
    shell = newsroom_after_tick
    refused = shell("replay", "first-light", "--into", str(shell.folder))
    assert (refused.code, "workspace of its own" in refused.err) == (2, True)


def test_an_archive_is_replayed_with_the_adopted_issues_and_stays_as_it_was(
    newsroom_after_tick, tmp_path
):
    shell = newsroom_after_tick
    before = digests(shell.folder)
    done = shell.json(
        "replay", str(shell.folder), "--speed", "0", "--into", str(tmp_path / "training")
    )
    assert (done["entries"], done["matches"]) == (7, 1)
    assert [d["issue"] for d in done["drafts"]] == ["labor"]
    assert digests(shell.folder) == before


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_what_cannot_be_replayed_is_told(newsroom_after_tick, tmp_path):
    shell = newsroom_after_tick
    assert shell("replay", "no-such-thing").code == 4
    empty = tmp_path / "empty"
    empty.mkdir()
    assert shell("replay", str(empty)).code == 2
    assert shell("replay", str(shell.folder), "--day", "2020-01-01").code == 2
    assert shell("replay", "first-light", "--speed", "-1").code == 2
    with pytest.raises(NotFoundError):
        recording_of("nowhere", day=None, zone_name="UTC", now=DAY)
    (empty / "broken.xml").write_text("no feed", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.xml"):
        recording_of(str(empty), day=None, zone_name="UTC", now=DAY)


def test_a_folder_of_feed_files_appears_as_its_items_say(tmp_path):
    shutil.copytree(
        "responders/replays/first-light",
        tmp_path / "feeds",
        ignore=shutil.ignore_patterns("*.json"),
    )
    for path in (tmp_path / "feeds").iterdir():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\{\{ rfc\(\d+\) \}\}", "Mon, 02 Nov 2026 09:00:00 GMT", text)
        path.write_text(re.sub(r"\{\{ iso\(\d+\) \}\}", DAY.isoformat(), text), encoding="utf-8")
    later = DAY + timedelta(days=1)
    found = recording_of(str(tmp_path / "feeds"), day=None, zone_name="UTC", now=later)
    assert len(found.feeds) == 3
    assert {i.at for f in found.feeds for i in f.items} == {DAY, DAY + timedelta(hours=1)}


def test_the_clock_runs_fast_jumps_forward_only_and_counts_the_machine_s_seconds():
    seconds = [0.0]
    clock = ReplayClock(DAY, speed=100, timer=lambda: seconds[0])
    seconds[0] = 3.0
    assert clock() == DAY + timedelta(minutes=5)
    clock.jump(DAY)
    assert clock() == DAY + timedelta(minutes=5)
    assert clock.seconds_to(DAY + timedelta(minutes=10)) == 3.0
    clock.jump(DAY + timedelta(minutes=10))
    assert clock() == DAY + timedelta(minutes=10)
    still = ReplayClock(DAY, speed=0, timer=lambda: seconds[0])
    seconds[0] = 50.0
    assert (still(), still.seconds_to(DAY + timedelta(days=1))) == (DAY, 0.0)


@pytest.mark.parametrize("model", ["communications", "field", "embedded", "solo"])
def test_a_workspace_of_every_model_of_ownership_can_be_replayed(tmp_path, model, capsys):
    folder = str(tmp_path / "ours")
    assert cli.run(["init", folder, "--org-model", model]) == 0
    assert cli.run(["-C", folder, "replay", "first-light", "--speed", "0"]) == 0
    assert "1 drafts" in capsys.readouterr().out
