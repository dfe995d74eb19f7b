"""Lists to tools and exports back, by the command line: recognised, joined, counted, undone."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import cli
from testkit.adapters.handback import named_hand_back, read_hand_back
from testkit.adapters.registry import ADAPTERS, adapter_named
from testkit.engines.sources import session
from testkit.kernel.console import App
from testkit.services.counting import counts_now
from testkit.services.handing import hand_over
from testkit.store import plans

DATA = Path(__file__).resolve().parents[1] / "data" / "adapters"

HEAD = """\
experiment: spring
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next text.
owner: sam
list: {size: 400, test: 400}
arms:
  - {name: control, control: true, text: Call today, link: "https://example.org/call?a=1"}
  - {name: name, text: "Ana, call today", link: "https://example.org/call?a=2", refcode: spring-n}
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.1, window_hours: 24}
design: {waves: 1}
"""

pytestmark = pytest.mark.faults


def people(count):
    """Everybody has every id, so that every tool finds its own; each id ends in the number."""
    return [
        {
            "supporter_id": f"S{i:04d}",
            "email": f"p{i}@example.org",
            "phone": f"+1212555{i:04d}",
            "vanid": str(100000 + i),
            "uuid": f"an-{i:04d}",
            "user_id": str(500 + i),
            "subscriber_uuid": f"sub-{i}",
            "contact_id": str(900 + i),
            "first_name": "Zoë",
            "zip": "02134",
        }
        for i in range(count)
    ]


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def spring(shell):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(HEAD, encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    return shell


def assigned(shell, rows, *more):
    done = shell.json(
        "experiment", "assign", "spring", write(shell.folder / "list.csv", rows), *more
    )
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=30)
    return done


def arms_of(shell):
    folder = shell.folder / "experiments" / "spring" / "lists"
    out = {}
    for arm in ("control", "name"):
        with (folder / f"wave-01-{arm}.csv").open(encoding="utf-8", newline="") as file:
            out[arm] = [row["supporter_id"] for row in csv.DictReader(file)]
    return out


def state(shell):
    """Everything that a refused or dry run must leave as it was."""
    (shell.folder / "data" / "results").mkdir(parents=True, exist_ok=True)
    files = sorted(p.name for p in (shell.folder / "data").rglob("*.parquet"))
    return files, shell.json("ledger", "verify")["rows"]


TAKERS = {id(a.out): a.name for a in ADAPTERS.values() if a.out is not None}
"""One adapter of every form; adapters of one tool share it."""


def test_what_a_tool_imports_is_what_the_same_adapter_reads_again(spring):
    everybody = people(400)
    assigned(spring, everybody)
    arms = arms_of(spring)
    ids_of = {row["supporter_id"]: {v.lower() for v in row.values()} for row in everybody}
    workspace = opened(spring)
    for tool in TAKERS.values():
        asked = adapter_named(tool).out.asks
        for file in hand_over(workspace, "spring", tool, values=dict.fromkeys(asked, "12")):
            comes_back(file, tool, people={i for u in arms[file.arm] for i in ids_of[u]})
            assert not adapter_named(tool).out.per_person or file.rows == len(arms[file.arm])


def comes_back(file, tool, *, people):
    named = named_hand_back(file.path)
    assert (named.experiment, named.wave, named.arm, named.tool) == ("spring", 1, file.arm, tool)
    with session() as connection:
        again = read_hand_back(connection, file.path, adapter=adapter_named(tool))
        link = f"https://example.org/call?a={1 if named.arm == 'control' else 2}"
        assert all(found.startswith(link) for found in again.links.values())
        if not again.table:
            code = {"control": "tk-spring-control", "name": "spring-n"}[named.arm]
            assert code in file.path.read_text(encoding="utf-8")
            return
        read = [
            i.lower() for (i,) in connection.execute(f"SELECT id FROM {again.table}").fetchall()
        ]
    assert len(set(read)) == file.rows
    assert set(read) <= people


def test_a_list_that_went_out_is_named_when_it_is_met_again(spring):
    done = assigned(spring, people(400), "--for", "everyaction-people", "--with", "custom_field=12")
    assert {(f["arm"], f["rows"], f["left_out"]) for f in done["handed"]} == {
        ("control", 200, 0), ("name", 200, 0),
    }  # fmt: skip
    path = str(spring.folder / done["handed"][0]["path"])
    assert "list of control, wave 1, of spring" in spring.ok("adapters", "sniff", path).out
    refused = spring("experiment", "intake", "spring", path)
    assert refused.code == 2
    assert "holds no results" in refused.err


def test_a_wrong_tool_or_a_missing_id_is_told_and_a_mark_for_excel_is_written(spring):
    rows = [{"supporter_id": f"S{i}", "cell": ""} for i in range(400)]
    path = write(spring.folder / "list.csv", rows)
    assert spring("experiment", "assign", "spring", path, "--for", "mailchimpapi").code == 4
    assert spring("experiment", "assign", "spring", path, "--for", "meta-ads").code == 2
    assert not (spring.folder / "experiments" / "spring" / "lists").exists()
    refused = spring("experiment", "assign", "spring", path, "--for", "mailchimp-api")
    assert refused.code == 2
    assert "joins on email" in refused.err
    done = spring.json("experiment", "assign", "spring", path, "--for", "generic-csv", "--bom")
    assert not done["new"]
    texts = [(spring.folder / f["path"]).read_bytes() for f in done["handed"]]
    assert all(text.startswith(b"\xef\xbb\xbf") for text in texts)


def mobilize(shell, emails):
    """An export that names people by e-mail."""
    same = {
        "status": "REGISTERED", "attended": "true", "event_id": "1", "timeslot_id": "2",
        "created_date": "2026-11-02T15:00:00Z", "start_date": "2026-11-02T16:00:00Z",
    }  # fmt: skip
    rows = [{"id": n, "user__email_address": email, **same} for n, email in enumerate(emails)]
    return write(shell.folder / "mobilize.csv", rows)


def test_a_list_by_phone_meets_an_export_by_e_mail_through_the_crosswalk(spring):
    everybody = people(400)
    assigned(spring, [{k: row[k] for k in ("supporter_id", "phone")} for row in everybody])
    arms = arms_of(spring)
    number = {row["supporter_id"]: n for n, row in enumerate(everybody)}
    did = [number[u] for u in arms["control"][:5] + arms["name"][:12]]
    # Mobilize names people by e-mail; the list knows telephone numbers only.
    path = mobilize(spring, [f"P{n}@Example.org" for n in did])
    words = ("experiment", "intake", "spring", path, "--deed", "called=attended")
    before = state(spring)
    refused = spring(*words)
    assert refused.code == 2
    assert "crosswalk add" in refused.err
    assert state(spring) == before
    crm = write(
        spring.folder / "crm.csv",
        [{"Email": r["email"].upper(), "Cell": r["phone"].removeprefix("+1")} for r in everybody],
    )
    dry = spring.json("crosswalk", "add", crm, "--dry-run")
    assert (dry["file"], dry["people"], dry["ids"]) == (None, 400, 800)
    assert state(spring) == before
    assert spring.json("crosswalk", "list") == []
    added = spring.json("crosswalk", "add", crm)
    assert (added["people"], added["linked"]) == (400, 400)
    twin = spring("crosswalk", "add", crm)
    assert twin.code == 3
    assert "crosswalk forget" in twin.err
    dry = spring.json(*words, "--dry-run")
    taken = spring.json(*words)
    assert dry["outcomes"] == taken["outcomes"] == {"control": 5, "name": 12}
    assert taken["read_as"].startswith("mobilize (certain)")
    assert any("200 of 200 people can be found by email, 5" in note for note in taken["notes"])
    look = spring.json("experiment", "look", "spring")["look"]
    assert not [f for f in look["findings"] if f["code"] == "DQ006"]
    gone = spring.json("crosswalk", "forget", added["file"])
    assert gone["ids"] == 800
    assert spring.json("crosswalk", "add", crm)["people"] == 400  # it may come again


def test_a_crosswalk_that_knows_one_arm_better_forbids_a_decision(spring):
    everybody = people(400)
    assigned(spring, [{k: row[k] for k in ("supporter_id", "phone")} for row in everybody])
    arms = arms_of(spring)
    found = {*arms["control"][: len(arms["control"]) // 2], *arms["name"]}
    rows = [r for r in everybody if r["supporter_id"] in found]
    spring.ok(
        "crosswalk", "add", write(spring.folder / "crm.csv", rows), "--id", "unit=supporter_id"
    )
    path = mobilize(spring, [row["email"] for row in rows[:90]])
    spring.ok("experiment", "intake", "spring", path, "--deed", "called=attended")
    look = spring.json("experiment", "look", "spring")["look"]
    assert [f["code"] for f in look["findings"] if f["code"] == "DQ006"] == ["DQ006"]


def test_rows_that_would_make_two_people_one_are_listed_and_change_nothing(shell):
    one = [{"email": "a@example.org", "vanid": "1"}, {"email": "b@example.org", "vanid": "2"}]
    shell.ok("crosswalk", "add", write(shell.folder / "one.csv", one))
    assert shell.ok("crosswalk", "conflicts").out.strip() == "no conflicts"
    two = [{"email": "a@example.org", "vanid": "2"}]
    done = shell.json("crosswalk", "add", write(shell.folder / "two.csv", two))
    assert (done["conflicts"], done["ids"]) == (1, 0)
    (clash,) = shell.json("crosswalk", "conflicts")
    assert (clash["file"], len(clash["people"])) == ("two.csv", 2)
    alone = shell(
        "crosswalk", "add", write(shell.folder / "x.csv", [{"email": "a@example.org", "n": 1}])
    )
    assert alone.code == 2
    assert "--id KIND=COLUMN" in alone.err


def api(shell, name, counts):
    """Mailchimp's API reports: ``campaign -> (sent, clicked, opened, opened by people)``."""
    reports = [
        {"id": key, "campaign_title": key, "emails_sent": sent, "unsubscribed": 0,
         "abuse_reports": 0, "send_time": "2026-11-02T15:00:00+00:00",
         "bounces": {"hard_bounces": 0, "soft_bounces": 0},
         "opens": {"unique_opens": opened, "proxy_excluded_unique_opens": human},
         "clicks": {"unique_subscriber_clicks": clicked}}
        for key, (sent, clicked, opened, human) in counts.items()
    ]  # fmt: skip
    path = shell.folder / name
    path.write_text(json.dumps({"reports": reports}), encoding="utf-8")
    return str(path)


ARMS = ("--arm", "ca=control", "--arm", "cb=name", "--deed", "called=clicked")


def opened(shell):
    return App(
        schemas=cli.schemas, kinds=cli.kinds, starter=cli.starter, clock=shell.clock,
        folder=shell.folder,
    ).workspace()  # fmt: skip


def counted(shell):
    """Units and outcomes by arm, as the next look would read them."""
    workspace = opened(shell)
    with workspace.db.read() as conn:
        locked = plans.require(conn, "spring")
    (wave,), _ = counts_now(workspace, "spring", locked.plan, locked.version)
    return wave.units, wave.outcomes


def test_a_newer_count_supersedes_an_older_one_changes_nothing_and_a_fall_is_told(spring):
    first = api(spring, "1.json", {"ca": (200, 10, 90, 50), "cb": (200, 20, 95, 60)})
    words = ("experiment", "intake", "spring")
    before = state(spring)
    dry = spring.json(*words, first, *ARMS, "--as-of", "2026-11-02 12:00", "--dry-run")
    assert state(spring) == before
    one = spring.json(*words, first, *ARMS, "--as-of", "2026-11-02 12:00", "--sent-at",
                      "2026-11-01 08:00")  # fmt: skip
    assert dry["arms"] == one["arms"] == {"control": 200, "name": 200}
    assert "opened in control: 90, 50 by people, 40 by machines only" in one["notes"]
    assert "IM001" not in {f["code"] for f in one["findings"]}
    spring.clock.move(hours=30)
    assert counted(spring)[1] == {"control": 10, "name": 20}
    newer = api(spring, "2.json", {"ca": (200, 15, 99, 55), "cb": (200, 18, 99, 66)})
    two = spring.json(*words, newer, *ARMS)  # nobody says when: now stands for it
    assert {"IM001", "IM006"} <= {f["code"] for f in two["findings"]}
    assert any("clicked 20 -> 18" in f["message"] for f in two["findings"])
    assert counted(spring) == ({"control": 200, "name": 200}, {"control": 15, "name": 18})
    older = api(spring, "3.json", {"ca": (200, 11, 91, 51), "cb": (200, 20, 96, 61)})
    late = spring.json(*words, older, *ARMS, "--as-of", "2026-11-02 13:00")
    assert "IM012" in {f["code"] for f in late["findings"]}
    assert counted(spring)[1] == {"control": 15, "name": 18}
    twin = spring(*words, newer, *ARMS)
    assert twin.code == 3
    assert two["batch"] in twin.err
    spring.ok("experiment", "retract", "spring", two["batch"], "--reason", "wrong filter")
    assert counted(spring)[1] == {"control": 11, "name": 20}


def test_files_of_one_message_each_stand_beside_one_another_and_increments_are_declared(spring):
    words = ("experiment", "intake", "spring")
    spring.ok(*words, api(spring, "a.json", {"ca": (200, 10, 9, 9)}), *ARMS, "--sent-at",
              "2026-11-01 08:00")  # fmt: skip
    spring.ok(*words, api(spring, "b.json", {"cb": (150, 20, 9, 9)}), *ARMS)
    spring.ok(*words, api(spring, "c.json", {"cc": (50, 4, 9, 9)}), *ARMS, "--arm", "cc=name")
    spring.clock.move(hours=30)
    assert counted(spring) == ({"control": 200, "name": 200}, {"control": 10, "name": 24})
    more = api(spring, "d.json", {"cc": (0, 3, 9, 9)})
    spring.ok(*words, more, *ARMS, "--arm", "cc=name", "--increments")
    assert counted(spring)[1] == {"control": 10, "name": 27}


def test_messages_of_no_arm_and_metrics_that_nothing_counts_are_asked_for(spring):
    words = ("experiment", "intake", "spring")
    path = api(spring, "a.json", {"ca": (200, 10, 9, 9), "cb": (200, 20, 9, 9)})
    before = state(spring)
    refused = spring(*words, path)
    assert refused.code == 2
    assert '--arm "ca=control"' in refused.err
    refused = spring(*words, path, *ARMS[:4])
    assert "nothing says what counts as called" in refused.err
    assert "clicked" in refused.err
    refused = spring(*words, path, "--arm", "ca=kontrol")
    assert "no arm 'kontrol'" in refused.err
    assert spring(*words, path, "--deed", "called").code == 2
    assert spring(*words, path, "--from", "mailchimp").code == 4
    assert state(spring) == before


def test_a_resend_to_the_rest_is_dropped_and_reported(spring):
    path = shutil.copy(DATA / "mailchimp-report-csv.csv", spring.folder / "report.csv")
    done = spring.json(
        "experiment", "intake", "spring", str(path), "--deed", "called=clicked",
        "--arm", "combination-1=control", "--arm", "combination-2=name",
    )  # fmt: skip
    assert done["arms"] == {"control": 1751, "name": 1750}
    assert [one["count"] for one in done["dropped"]] == [1]
    assert "winner" in done["dropped"][0]["why"]


def test_a_saved_mapping_reads_an_own_csv(spring):
    everybody = people(400)
    assigned(spring, everybody)
    rows = [
        {"Mail": r["email"], "Done": "ja" if n < 10 else "nein"} for n, r in enumerate(everybody)
    ]
    path = write(spring.folder / "crm.csv", rows)
    assert spring("experiment", "intake", "spring", path).code == 2
    spring.ok("adapters", "map", path, "--name", "crm")
    target = spring.folder / "mappings" / "crm.yaml"
    target.write_text(
        "mapping: crm\nid_kind: email\nmetric: called\ncolumns: {unit: Mail, metric: Done}\n"
    )
    done = spring.json("experiment", "intake", "spring", path, "--mapping", "crm")
    assert sum(done["outcomes"].values()) == 10
    assert done["rows"] == 400


def test_spend_is_kept_told_per_thousand_and_taken_back(spring):
    ads = shutil.copy(DATA / "meta-ads.csv", spring.folder / "ads.csv")
    words = ("experiment", "intake", "spring", str(ads))
    assert spring.json("experiment", "spend", "spring") == []
    before = state(spring)
    assert len(spring.json(*words, "--dry-run")["costs"]) == 2
    assert state(spring) == before
    done = spring.json(*words)
    assert {c["arm"]: (c["cents"], c["currency"]) for c in done["costs"]} == {
        "control": (125_075, "USD"), "name": (98_000, "USD"),
    }  # fmt: skip
    assert {c["per_thousand"] for c in done["costs"]} == {None}  # nothing came in yet
    assert "IM010" in {f["code"] for f in done["findings"]}
    twin = spring(*words)
    assert twin.code == 3
    assert done["spend"] in twin.err
    overlap = Path(ads).read_text(encoding="utf-8").replace("2026-03-07", "2026-03-09")
    (spring.folder / "more.csv").write_text(overlap, encoding="utf-8")
    refused = spring("experiment", "intake", "spring", str(spring.folder / "more.csv"))
    assert refused.code == 2
    assert "count twice" in refused.err
    counts = write(
        spring.folder / "counts.csv",
        [
            {"arm": "control", "units": 200, "called": 10},
            {"arm": "name", "units": 200, "called": 49},
        ],
    )
    spring.ok("experiment", "intake", "spring", counts, "--sent-at", "2026-11-01 08:00")
    unread = spring.json("experiment", "spend", "spring")
    assert {c["per_thousand"] for c in unread} == {None}  # no look has read it: nothing by arm
    spring.clock.move(hours=30)
    look = spring.json("experiment", "look", "spring")
    costs = {c["arm"]: c for c in spring.json("experiment", "spend", "spring")}
    assert costs["name"]["per_thousand"] == pytest.approx(49 / 0.98)
    spring.ok("experiment", "retract", "spring", done["spend"], "--reason", "another account")
    assert spring.json("experiment", "spend", "spring") == []
    assert not spring.json("experiment", "look", "spring")["new"]  # money is no outcome
    assert look["new"]
    assert spring.ok("ledger", "verify")
