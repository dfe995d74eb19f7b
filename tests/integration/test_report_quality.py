"""What machines did and what it cost, on the page, in Markdown and in JSON: shown, never read."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import lxml.html
import pytest

DATA = Path(__file__).resolve().parents[1] / "data" / "adapters"

HEAD = """\
experiment: spring
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next text.
owner: sam
list: {size: 4000, test: 4000}
arms:
  - {name: control, control: true, text: Call today}
  - {name: name, text: "Ana, call today", refcode: spring-n%s}
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.1, window_hours: 24}
design: {waves: 1}
"""


@pytest.fixture
def spring(shell):
    return locked(shell)


def locked(shell, more=""):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(HEAD % more, encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    return shell


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def assigned(shell):
    people = [{"supporter_id": f"S{i:04d}", "email": f"p{i}@example.org"} for i in range(4000)]
    shell.ok("experiment", "assign", "spring", write(shell.folder / "list.csv", people))
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    arms = {}
    for arm in ("control", "name"):
        path = shell.folder / "experiments" / "spring" / "lists" / f"wave-01-{arm}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            arms[arm] = list(csv.DictReader(file))
    return arms


def page(shell):
    shell.ok("experiment", "report", "spring")
    text = (shell.folder / "reports" / "spring.html").read_text(encoding="utf-8")
    return lxml.html.fromstring(text)


def rows_under(shell, heading):
    """Cells of the table that follows a heading on the page that people open; None without it."""
    (title,) = [h for h in page(shell).iter("h2", "h3") if h.text_content() == heading] or [None]
    if title is None:
        return None
    table = next(one for one in title.itersiblings() if one.tag == "div").find("table")
    return [
        [cell.text_content() for cell in row.iterchildren("td")]
        for row in table.find("tbody").iterchildren("tr")
    ]


def markdown(shell):
    shell.ok("experiment", "report", "spring", "--format", "md")
    return (shell.folder / "reports" / "spring.md").read_text(encoding="utf-8")


def plain(shell):
    shell.ok("experiment", "report", "spring", "--format", "json")
    return json.loads((shell.folder / "reports" / "spring.json").read_text(encoding="utf-8"))


MACHINES = "Opens and deeds by machines"


def test_deeds_of_machines_stand_beside_those_of_people_and_enter_no_figure(spring):
    arms = assigned(spring)
    rows = []
    for arm, humans, machines in (("control", 150, 40), ("name", 200, 45)):
        for i, person in enumerate(arms[arm]):
            did = i < humans + machines
            rows.append(
                {
                    "supporter_id": person["supporter_id"],
                    "called": int(did),
                    "machine": int(humans <= i < humans + machines),
                }
            )
        rows += [  # of these a machine was seen as well: a person did it, so it counts
            {"supporter_id": p["supporter_id"], "called": 1, "machine": 1} for p in arms[arm][:10]
        ]
    spring.ok("experiment", "intake", "spring", write(spring.folder / "r.csv", rows))
    spring.clock.move(hours=30)
    assert rows_under(spring, MACHINES) is None  # before a look the page tells nothing by arm
    look = spring.json("experiment", "look", "spring")["look"]
    assert [a["outcomes"] for a in look["arms"]] == [150, 200]
    assert rows_under(spring, MACHINES) == [
        ["called", "control", "190", "150", "40 (21%)", ""],
        ["called", "name", "245", "200", "45 (18%)", ""],
    ]
    assert "| called | control | 190 | 150 | 40 (21%) |" in markdown(spring)
    told = plain(spring)["quality"]["machines"]
    assert [(m["arm"], m["raw"], m["human"], m["gap"]) for m in told] == [
        ("control", 190, 150, 40), ("name", 245, 200, 45),
    ]  # fmt: skip


def test_opens_of_a_tool_are_told_by_the_arm_that_people_are_in(spring):
    arms = assigned(spring)
    events = []
    for arm, opened, proxies in (("control", 30, 20), ("name", 40, 35)):
        for i, person in enumerate(arms[arm][: opened + proxies]):
            events.append(
                {
                    "email": person["email"],
                    "event": "open",
                    "timestamp": 1793628000 + i,
                    "sg_event_id": f"{arm}-o{i}",
                    "sg_message_id": f"m-{arm}",
                    "sg_machine_open": i >= opened,
                    "useragent": "Mozilla/5.0",
                }
            )
        events += [
            {"email": p["email"], "event": "click", "timestamp": 1793629000, "url": "https://e.org",
             "sg_event_id": f"{arm}-c{i}", "sg_message_id": f"m-{arm}", "useragent": "Mozilla/5.0"}
            for i, p in enumerate(arms[arm][:12])
        ]  # fmt: skip
    path = spring.folder / "events.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    spring.ok("experiment", "intake", "spring", str(path), "--from", "sendgrid",
              "--deed", "called=clicked")  # fmt: skip
    spring.clock.move(hours=30)
    spring.ok("experiment", "look", "spring")
    found = {(row[0], row[1]): row[2:5] for row in rows_under(spring, MACHINES)}
    assert found["opened (as the tool counts)", "control"] == ["50", "30", "20 (40%)"]
    assert found["opened (as the tool counts)", "name"] == ["75", "40", "35 (47%)"]
    assert {m["why"] and sum(m["why"].values()) for m in plain(spring)["quality"]["machines"]
            if m["what"] == "opened"} == {20, 35}  # fmt: skip


def snapshot(shell, name, counts):
    reports = [
        {"id": key, "campaign_title": key, "emails_sent": 2000, "unsubscribed": 0,
         "abuse_reports": 0, "send_time": "2026-11-02T15:00:00+00:00",
         "bounces": {"hard_bounces": 0, "soft_bounces": 0},
         "opens": {"unique_opens": opened, "proxy_excluded_unique_opens": human},
         "clicks": {"unique_subscriber_clicks": clicked}}
        for key, (clicked, opened, human) in counts.items()
    ]  # fmt: skip
    path = shell.folder / name
    path.write_text(json.dumps({"reports": reports}), encoding="utf-8")
    return str(path)


def test_running_totals_are_not_added_up_and_a_retracted_file_counts_no_longer(spring):
    words = ("experiment", "intake", "spring")
    arms = ("--arm", "ca=control", "--arm", "cb=name", "--deed", "called=clicked")
    one = snapshot(spring, "1.json", {"ca": (150, 900, 500), "cb": (190, 950, 600)})
    two = snapshot(spring, "2.json", {"ca": (160, 990, 510), "cb": (200, 999, 610)})
    spring.ok(*words, one, *arms, "--as-of", "2026-11-01 12:00", "--sent-at", "2026-10-31 08:00")
    batch = spring.json(*words, two, *arms, "--as-of", "2026-11-02 01:00")["batch"]
    spring.ok("experiment", "look", "spring")
    assert [row[1:5] for row in rows_under(spring, MACHINES)] == [
        ["control", "990", "510", "480 (48%)"], ["name", "999", "610", "389 (39%)"],
    ]  # fmt: skip
    spring.ok("experiment", "retract", "spring", batch, "--reason", "wrong filter")
    spring.ok("experiment", "look", "spring")
    assert [row[2:4] for row in rows_under(spring, MACHINES)] == [["900", "500"], ["950", "600"]]


def test_actions_per_thousand_stand_with_their_interval_and_wait_for_a_look(spring):
    ads = shutil.copy(DATA / "meta-ads.csv", spring.folder / "ads.csv")
    spring.ok("experiment", "intake", "spring", str(ads))
    counts = [
        {"arm": "control", "units": 2000, "called": 150},
        {"arm": "name", "units": 2000, "called": 245},
    ]
    path = write(spring.folder / "counts.csv", counts)
    spring.ok("experiment", "intake", "spring", path, "--sent-at", "2026-10-31 08:00")
    assert rows_under(spring, "What it cost")[1][:3] == ["name", "980.00 USD", "none yet"]
    spring.ok("experiment", "look", "spring")
    data = plain(spring)
    (control, name) = data["spend"]["arms"]
    assert (control["cents"], name["cents"], name["planned"]) == (125_075, 98_000, False)
    assert name["per_thousand"] == pytest.approx(245 / 0.98)
    # 2,000 people cost 980; the interval of their rate is Wilson's (1927), by his formula.
    low, high = (share * 2000 / 0.98 for share in wilson_by_hand(245, 2000))
    assert (name["low"], name["high"]) == pytest.approx((low, high))
    look = data["looks"][-1]
    assert name["extra"]["value"] == pytest.approx((245 - 150) / 0.98)
    assert name["extra"]["low"] == pytest.approx(look["low"] * 2000 / 0.98)
    assert control["extra"] is None
    shown = rows_under(spring, "What it cost")
    assert shown[1][3] == f"250.0 ({low:,.1f} to {high:,.1f})"
    assert shown[1][4].startswith("+96.9 (+")
    assert f"| name | 980.00 USD | 245 | 250.0 ({low:,.1f} to" in markdown(spring)
    assert spring.json("experiment", "spend", "spring") == data["spend"]["arms"]
    decided = spring.json("experiment", "decide", "spring")["decision"]
    # What was paid, and not what was planned, prices the decision.
    assert decided["per_thousand"]["value"] == pytest.approx(decided["difference"] * 2000 / 0.98)


def wilson_by_hand(k, n):
    z = 1.959963984540054
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (k * (n - k) / n + z * z / 4) ** 0.5
    return middle - half, middle + half


def test_without_files_of_spend_the_planned_price_stands_and_is_called_so(shell):
    spring = locked(shell, ", cents_per_unit: 5")
    counts = [
        {"arm": "control", "units": 2000, "called": 150},
        {"arm": "name", "units": 2000, "called": 245},
    ]
    path = write(spring.folder / "counts.csv", counts)
    spring.ok("experiment", "intake", "spring", path, "--sent-at", "2026-10-31 08:00")
    assert "What it cost" not in page(spring).text_content()
    spring.ok("experiment", "look", "spring")
    (row,) = rows_under(spring, "What it cost")
    assert row[:3] == ["name", "100.00", "245"]
    assert row[3].startswith("2,450.0 (")
    assert "What the plan says that a message costs" in page(spring).text_content()
