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


times: dict[str, float] = {}
cpu: dict[str, float] = {}


def poll(known: Reader, phase: str) -> None:
    started, used = time.perf_counter(), time.process_time()
    for _ in known.update_feeds_iter(scheduled=False, workers=given["workers"]):
        pass
    times[phase] = time.perf_counter() - started
    cpu[phase] = time.process_time() - used


def show(version: str) -> None:
    urllib.request.urlopen(f"{given['server']}/show/{version}").read()


show("one")
with tempfile.TemporaryDirectory() as folder:
    known = make_reader(str(Path(folder) / "reader.sqlite"))
    for name in given["names"]:
        known.add_feed(f"{given['server']}/{name}")
    poll(known, "first")
    poll(known, "unchanged")
    lost = [feed.url.rpartition("/")[2] for feed in known.get_feeds(broken=True)]
    before = known.get_entry_counts().total
    show("two")
    poll(known, "changed")
    entries = {"before": before, "after": known.get_entry_counts().total}
    known.close()
json.dump({"times": times, "cpu": cpu, "rejected": lost, "entries": entries}, sys.stdout)
