"""Old tests in exports of tools: what is a version of what, for every form that gives counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testkit.adapters.registry import ADAPTERS
from testkit.services.past_exports import read_export

DATA = Path(__file__).resolve().parents[1] / "data" / "adapters"
COUNTING = [name for name, a in ADAPTERS.items() if a.form == "snapshots"]


@pytest.mark.parametrize("name", COUNTING)
def test_every_export_of_counts_holds_a_test(name):
    """Each fixture is one test of two versions; what went to the rest after it is in no arm."""
    path = next(p for p in DATA.iterdir() if p.stem == name)
    (test,) = read_export(path, columns={}).tests
    assert len(test.arms) == 2
    assert not any("inn" in arm.name for arm in test.arms)
    assert test.channel == "email"


def message(number, name, *contents):
    return {
        "emailMessageId": number,
        "name": name,
        "emailMessageContent": [
            {
                "name": arm,
                "emailMessageContentDistributions": {
                    "recipientCount": sent, "openCount": 9, "formSubmissionCount": done,
                    "dateSent": "2026-03-02T15:00:00Z",
                },
            }
            for arm, sent, done in contents
        ],
    }  # fmt: skip


def test_variants_of_one_message_are_a_test_whatever_they_are_called(tmp_path):
    """Two messages, each with an A and a B: two tests, and nobody's A meets another's B."""
    path = tmp_path / "everyaction.json"
    both = [
        message(12, "March appeal", ("A", 4000, 30), ("B", 4001, 41)),
        message(13, "June appeal", ("Kind", 500, 3), ("Urgent words", 510, 5), ("C", 505, 4)),
    ]
    path.write_text(json.dumps({"items": both}), encoding="utf-8")
    found = read_export(path, columns={}).tests
    assert [(t.name, [a.units for a in t.arms]) for t in found] == [
        ("March appeal", [4000, 4001]), ("June appeal", [500, 510, 505]),
    ]  # fmt: skip


def mailchimp(tmp_path, *rows):
    path = tmp_path / "campaigns.csv"
    head = "Title,Subject,List,Send Date,Total Recipients,Successful Deliveries,Soft Bounces,"
    head += "Hard Bounces,Unique Opens,Open Rate,Unique Clicks,Unique Id,Total Orders\n"
    lines = [
        f'"{title}",Hi,Main,"Jun {day:02d}, 2018 09:30 pm",{n},{n},0,0,9,1%,{k},{i:x},{k}\n'
        for i, (title, day, n, k) in enumerate(rows)
    ]
    path.write_text(head + "".join(lines), encoding="utf-8")
    return str(path)


def test_names_that_start_alike_are_shown_as_pairs_and_may_be_told_apart(shell, tmp_path):
    path = mailchimp(
        tmp_path, ("Petition, plain", 9, 2000, 60), ("Petition, name", 9, 2000, 75),
        ("Petition, late", 12, 900, 9), ("News - north", 9, 500, 5), ("News - south", 9, 900, 6),
    )  # fmt: skip
    words = ("experiment", "past", path, "--dry-run")
    dry = shell.json(*words)
    names = [r["test"]["name"] for s in dry["summaries"] for r in s["readings"]]
    assert sorted(names) == ["News", "Petition"]
    told = "\n".join(dry["notes"])
    assert "Petition: Petition, plain / Petition, name" in told
    assert "--apart 'News'" in told
    assert "1 message stands alone" in told
    apart = shell.json(*words, "--apart", "News")
    assert [r["test"]["name"] for s in apart["summaries"] for r in s["readings"]] == ["Petition"]


def test_the_caller_says_which_messages_are_one_test(shell, tmp_path):
    path = mailchimp(
        tmp_path, ("Give now", 9, 2000, 60), ("Give, please", 10, 2000, 75), ("Other", 9, 70, 5)
    )
    refused = shell("experiment", "past", path, "--dry-run")
    assert refused.code == 2
    assert "--together" in refused.err
    done = shell.json("experiment", "past", path, "--together", "give")
    ((reading,),) = [s["readings"] for s in done["summaries"]]
    assert [a["units"] for a in reading["test"]["arms"]] == [2000, 2000]
