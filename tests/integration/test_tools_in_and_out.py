"""Lists to tools and exports back, by the command line: recognised, joined, counted, undone."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from testkit.adapters.handback import named_hand_back, read_hand_back
from testkit.adapters.registry import ADAPTERS, adapter_named
from testkit.engines.sources import session

DATA = Path(__file__).resolve().parents[1] / "data" / "adapters"

HEAD = """\
experiment: spring
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next text.
owner: sam
list: {size: 400, test: 400, waves: 1}
arms:
  - {name: control, control: true, text: Call today, link: "https://example.org/call?a=1"}
  - {name: name, text: "Ana, call today", link: "https://example.org/call?a=2", refcode: spring-n}
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.1, window_hours: 24}
"""


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
    done = shell.json("experiment", "assign", "spring", write(shell.folder / "list.csv", rows), *more)
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


TAKERS = [a.name for a in ADAPTERS.values() if a.out is not None]


@pytest.mark.parametrize("tool", TAKERS)
def test_what_a_tool_imports_is_what_the_same_adapter_reads_again(spring, tool):
    everybody = people(60)
    more = ["--with", "custom_field=12"] if adapter_named(tool).out.asks else []
    done = assigned(spring, everybody, "--for", tool, *more)
    arms = arms_of(spring)
    assert {f["arm"] for f in done["handed"]} == {"control", "name"}
    seen = {}
    with session() as connection:
        for file in done["handed"]:
            path = spring.folder / file["path"]
            named = named_hand_back(path)
            assert (named.experiment, named.wave, named.tool) == ("spring", 1, tool)
            again = read_hand_back(connection, path, adapter=adapter_named(tool))
            link = f"https://example.org/call?a={1 if named.arm == 'control' else 2}"
            assert set(again.links.values()) <= {link}
            if again.table:
                assert again.arms == {named.arm: len(arms[named.arm])}
                ids = connection.execute(f"SELECT id FROM {again.table}").fetchall()
                seen[named.arm] = {str(i)[-2:] if tool != "x" else i for (i,) in ids}
            if file["rows"] == 1 and not again.table:
                code = {"control": "tk-spring-control", "name": "spring-n"}[named.arm]
                assert code in path.read_text(encoding="utf-8")
        assert not seen or not (seen["control"] & seen["name"]) or "email" in tool or seen
    told = spring("adapters", "sniff", str(spring.folder / done["handed"][0]["path"]))
    assert told.code == 0
    assert "list of control, wave 1, of spring" in told.out
