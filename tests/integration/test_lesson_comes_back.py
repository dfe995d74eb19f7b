"""The whole circle: released words are tested, the result is a lesson, the next draft has it."""

from __future__ import annotations

import csv
import random
from typing import TYPE_CHECKING

import pytest

from tests.feed_world import FeedWorld

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

PEOPLE = 20_000


def report(world: FeedWorld, shell, *titles: str) -> None:
    """Each outlet tells a story in its own words: the same words would be one voice."""
    for outlet, title in zip(world.outlets.values(), titles, strict=True):
        outlet.publish(title, shell.clock())


def raised(shell) -> dict:
    (draft,) = shell.json("tick")["drafts"]
    return shell.json("draft", "show", draft["draft"])


@pytest.fixture
def world(shell):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with FeedWorld() as made:
        for name in ("Harbor Courier", "Daily", "Radio Four"):
            made.outlet(name)
        report(
            made, shell, "Warehouse workers vote to strike in Millbrook",
            "Millbrook warehouse workers vote to strike",
            "Strike vote: Millbrook warehouse workers say yes",
        )  # fmt: skip
        shell.ok("feed", "add", *made.addresses())
        yield made


def released(shell, draft: str) -> str:
    review = shell.json("draft", "submit", draft, "--no-candidate", person="sam")
    for person in ("kim", "rosa"):
        shell.ok("signoff", "approve", review["revision"], person=person)
    return shell.json("release", draft, person="sam")["release"]


def results(folder: Path, wave: int, rates: dict[str, float]) -> Path:
    """What the calling tool exports: a row for each person of the wave, who called."""
    rng = random.Random(wave)
    lines = ["supporter_id,called"]
    for arm, rate in rates.items():
        with (folder / "lists" / f"wave-{wave:02d}-{arm}.csv").open(encoding="utf-8") as file:
            people = [row["supporter_id"] for row in csv.DictReader(file)]
        did = set(rng.sample(people, round(rate * len(people))))
        lines += [f"{person},{int(person in did)}" for person in people]
    path = folder / f"called-{wave}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_a_release_taught_is_on_the_issue_and_in_the_next_drafts_reason(shell, world):
    first = raised(shell)
    assert first["issue"] == "labor"
    assert "Last time" not in first["reason"]
    release = released(shell, first["draft"])
    made = shell.json("bridge", release, "--outcome", "called", "--base-rate", "0.05",
                      "--list-size", str(PEOPLE))  # fmt: skip
    name = made["experiment"]
    plan = shell.json("experiment", "lock", name)["plan"]
    texts = {arm["name"]: arm["text"] for arm in plan["arms"]}
    for arm in ("a", "b"):
        assert first["content"]["arms"]["email"][arm]["body"].rstrip() in texts[arm]
    people = shell.folder / "people.csv"
    people.write_text(
        "supporter_id\n" + "".join(f"P{n:05d}\n" for n in range(PEOPLE)), encoding="utf-8"
    )
    shell.ok("experiment", "assign", name, str(people))
    folder = shell.folder / "experiments" / name
    waves = len(list((folder / "lists").glob("wave-*-a.csv")))
    for wave in range(1, waves + 1):
        shell.ok("experiment", "sent", name, "--wave", str(wave))
        shell.clock.move(hours=24 * 8)
        shell.ok("experiment", "intake", name, str(results(folder, wave, {"a": 0.04, "b": 0.09})))
        look = shell.json("experiment", "look", name)["look"]
        (lesson,) = shell.json("issue", "show", "labor")["lessons"]
        assert not lesson["decided"]  # a look is no decision
        if look["verdict"] != "continue":
            break
    assert look["verdict"] == "crossed-up"
    decision = shell.json("experiment", "decide", name)["decision"]
    assert (decision["outcome"], decision["proven"]) == ("ship", True)

    (lesson,) = shell.json("issue", "show", "labor")["lessons"]
    assert (lesson["release"], lesson["metric"]) == (release, "called")
    assert lesson["proven"]
    assert lesson["chosen"] == texts["b"]
    assert lesson["sentence"].startswith("b was better: +")
    text = shell.ok("issue", "show", "labor").out
    assert "What worked last time:" in text
    assert lesson["sentence"] in text

    shell.clock.move(hours=24)
    report(
        world, shell, "Nurses at County General walk out in strike over staffing",
        "County General nurses strike over staffing",
        "Staffing strike: nurses walk out at County General",
    )  # fmt: skip
    second = raised(shell)
    assert second["draft"] != first["draft"]
    assert f"Last time ({lesson['released_at'][:10]}, email): b was better: +" in second["reason"]
    # Who approves reads it beside the words.
    shell.json("draft", "submit", second["draft"], "--no-candidate", person="sam")
    shown = shell.ok("signoff", "show", second["draft"]).out
    assert "Last time" in shown
    assert "b was better" in shown

    # Words that were taken back are nobody's example, though their test stays on the page.
    shell.ok("signoff", "recall", first["draft"], "-m", "the number was wrong", person="kim")
    shell.clock.move(hours=24)
    report(
        world, shell, "Teachers in Elmwood walk out over unpaid overtime",
        "Elmwood teachers walkout: overtime went unpaid",
        "Unpaid overtime sends Elmwood teachers to the picket line",
    )  # fmt: skip
    third = raised(shell)
    assert third["draft"] not in {first["draft"], second["draft"]}
    assert "Last time" not in third["reason"]
    assert [found["became"] for found in shell.json("issue", "show", "labor")["lessons"]] == [
        "recalled"
    ]


def test_a_release_that_was_recalled_says_so_where_its_test_is_listed(shell, world):
    first = raised(shell)
    release = released(shell, first["draft"])
    name = shell.json("bridge", release, "--outcome", "called", "--base-rate", "0.05",
                      "--list-size", str(PEOPLE))["experiment"]  # fmt: skip
    shell.ok("experiment", "lock", name)
    assert len(shell.json("issue", "show", "labor")["lessons"]) == 1
    shell.ok("signoff", "recall", first["draft"], "-m", "the number was wrong", person="kim")
    (lesson,) = shell.json("issue", "show", "labor")["lessons"]
    assert lesson["became"] == "recalled"
    assert "recalled" in shell.ok("issue", "show", "labor").out
