"""Polls by reader, timed: a first one, one without news, one with news; JSON in and out."""

import importlib
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# reader 3.26 carries an older feedparser that asks for this module by its former name.
sys.modules["sgmllib"] = importlib.import_module("feedparser_sgmllib")
from reader import Reader, make_reader  # noqa: E402

given = json.load(sys.stdin)


def poll(known: Reader) -> float:
    started = time.perf_counter()
    for _ in known.update_feeds_iter(scheduled=False, workers=given["workers"]):
        pass
    return time.perf_counter() - started


def show(version: str) -> None:
    urllib.request.urlopen(f"{given['server']}/show/{version}").read()


show("one")
with tempfile.TemporaryDirectory() as folder:
    known = make_reader(str(Path(folder) / "reader.sqlite"))
    for name in given["names"]:
        known.add_feed(f"{given['server']}/{name}")
    times = {"first": poll(known), "unchanged": poll(known)}
    lost = [feed.url.rpartition("/")[2] for feed in known.get_feeds(broken=True)]
    before = known.get_entry_counts().total
    show("two")
    times["changed"] = poll(known)
    entries = {"before": before, "after": known.get_entry_counts().total}
    known.close()
json.dump({"times": times, "rejected": lost, "entries": entries}, sys.stdout)
