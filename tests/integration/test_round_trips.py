"""What a hand-back wrote is understood when it comes back: a law over every adapter."""

from __future__ import annotations

import csv
import json

import pytest

import cli
from testkit.adapters.registry import ADAPTERS
from testkit.kernel.console import App
from testkit.services.handing import hand_over

HEAD = """\
experiment: spring
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next text.
owner: sam
list: {size: 60, test: 60}
arms:
  - {name: control, control: true, text: Call today, link: "https://example.org/call?a=1"}
  - {name: name, text: "Ana, call today", link: "https://example.org/call?a=2"}
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.5, window_hours: 24}
design: {waves: 1}
"""
IDS = {
    "email": lambda i: f"p{i}@example.org",
    "phone": lambda i: f"+1212555{i:04d}",
    "vanid": lambda i: str(100000 + i),
    "external_id": lambda i: f"X{i:04d}",
    "action_network": lambda i: f"an-{i:04d}",
    "actionkit": lambda i: str(500 + i),
    "akid": lambda i: f".{500 + i}.aBc",
    "subscriber": lambda i: f"sub-{i}",
    "contact": lambda i: str(900 + i),
    "member": lambda i: f"m-{i}",
}
"""A made-up id of every kind for the person of a number."""
BACK = [
    a
    for a in ADAPTERS.values()
    if a.out is not None and a.out.per_person and a.form == "events" and a.signs
]

pytestmark = pytest.mark.faults


@pytest.fixture
def spring(shell):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(HEAD, encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    return shell


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(k for r in rows for k in r)))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def handed(shell, tool, columns, *more):
    """Assign people who have these columns, hand them to a tool: ``arm -> rows of its file``."""
    rows = [
        {"supporter_id": f"S{i:04d}", **{c: IDS[k](i) for c, k in columns.items()}}
        for i in range(60)
    ]
    path = write(shell.folder / "list.csv", rows)
    done = shell.json("experiment", "assign", "spring", path, "--for", tool, *more)
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=30)
    return {file["arm"]: read(shell.folder / file["path"]) for file in done["handed"]}


def handed_again(shell, adapter):
    """The assigned list in the form of a tool: ``arm -> rows of its file``."""
    app = App(
        schemas=cli.schemas, kinds=cli.kinds, starter=cli.starter, clock=shell.clock,
        folder=shell.folder,
    )  # fmt: skip
    values = dict.fromkeys(adapter.out.asks, "12")
    files = hand_over(app.workspace(), "spring", adapter.name, values=values)
    return {file.arm: read(file.path) for file in files}


def export(shell, adapter, people):
    """What the tool gives back of these people: ``(ids by kind, arm)``; everybody did the deed."""
    columns = adapter.columns
    deeds = {"action", "called", "clicked", "opened", "replied"}
    verb = next(v for v in columns.verbs if v.kind in deeds)
    fixed = {name[0]: "x" for name in adapter.signs}
    deed = verb.column[0].replace("[*]", "[Will you call?]") if verb.column else ""
    says = {"yes": "true", "more": "1", "is": verb.values[0] if verb.values else "yes"}
    rows = []
    for number, (ids, arm) in enumerate(people):
        row = dict(fixed)
        for told in columns.verbs:
            row |= dict.fromkeys(told.event_id[:1], f"event-{number}")
            row |= dict.fromkeys(told.at[:1], "2026-11-02T16:00:00Z")
        row |= {v.column[0]: "0" for v in columns.verbs if v.when == "more"}
        row |= {v.column[0]: "false" for v in columns.verbs if v.when == "yes"}
        row |= {names[0]: ids[kind] for kind, names in columns.ids.items() if kind in ids}
        row |= {columns.arm[0]: arm} if columns.arm else {}
        row |= {deed: says.get(verb.when, "2026-11-02T16:00:00Z")} if deed else {}
        rows.append(row)
    path = shell.folder / "export.csv"
    match adapter.shape:
        case "csv":
            write(path, rows)
        case "jsonl":
            path = path.with_suffix(".jsonl")
            path.write_text("\n".join(json.dumps(nested(r)) for r in rows), encoding="utf-8")
        case _:
            path = path.with_suffix(".json")
            nest = [nested(row) for row in rows]
            for one in nest if adapter.each else ():
                one[adapter.each] = [one[adapter.each]]
            document = nest
            for key in reversed(adapter.records[0].split(".") if adapter.records[0] else ()):
                document = {key: document}
            path.write_text(json.dumps(document), encoding="utf-8")
    return str(path), verb.kind


def nested(row):
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    out = {}
    for name, value in row.items():
        if any(other.startswith(f"{name}.") for other in row):
            continue
        *above, last = name.split(".")
        inner = out
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return out


def ids_in(adapter, row):
    """``kind -> id`` as the hand-back of an adapter wrote them."""
    return {
        kind: row[header]
        for header, template in adapter.out.columns
        for kind in IDS
        if template == f"{{{kind}}}" and row.get(header)
    }


def take(shell, path, tool, kind, *more):
    words = ("--from", tool, "--deed", f"called={kind}", "--success", "yes", *more)
    return shell.json("experiment", "intake", "spring", path, *words)


LIST = {"Email": "email", "Cell": "phone", "VANID": "vanid", "uuid": "action_network",
        "user_id": "actionkit", "contact_id": "contact"}  # fmt: skip


def of_both_arms(lists, *, control, name):
    return [
        (row, arm) for arm, n in (("control", control), ("name", name)) for row in lists[arm][:n]
    ]


def test_an_export_with_the_ids_that_the_hand_back_wrote_needs_no_crosswalk(spring):
    handed(spring, "generic-csv", LIST)
    for adapter in BACK:
        rows = of_both_arms(handed_again(spring, adapter), control=3, name=7)
        people = [(ids_in(adapter, row), arm) for row, arm in rows]
        assert all(ids.keys() & adapter.columns.ids.keys() for ids, _ in people), adapter.name
        path, kind = export(spring, adapter, people)
        done = take(spring, path, adapter.name, kind, "--dry-run")
        assert done["outcomes"] == {"control": 3, "name": 7}, adapter.name
        assert done["rows"] == 10, adapter.name


def test_whom_the_first_id_does_not_name_the_next_one_does(spring):
    lists = handed(spring, "generic-csv", LIST)
    several = 0
    for adapter in BACK:
        # The tool knows people by numbers of its own in the first place.
        first, *others = adapter.columns.ids
        usable = [kind for kind in others if kind in LIST.values()]
        if not usable:
            continue
        several += 1
        people = [
            ({first: IDS[first](5000 + n), usable[0]: row[usable[0]]}, arm)
            for n, (row, arm) in enumerate(of_both_arms(lists, control=3, name=7))
        ]
        path, kind = export(spring, adapter, people)
        done = take(spring, path, adapter.name, kind, "--dry-run")
        assert done["outcomes"] == {"control": 3, "name": 7}, adapter.name
        assert any(f"can be found by {usable[0]}" in note for note in done["notes"]), adapter.name
    assert several >= 5


def test_the_arm_that_the_export_tells_is_held_against_the_arm_of_the_list(spring):
    lists = handed(spring, "spoke-contacts", {"Cell": "phone"})
    adapter = ADAPTERS["spoke-contacts"]
    swapped = [(ids_in(adapter, row), "name") for row in lists["control"]]
    right = [(ids_in(adapter, row), "name") for row in lists["name"]]
    assert all(ids["external_id"].startswith("S") for ids, _ in right)
    path, kind = export(spring, adapter, [*swapped, *right])
    take(spring, path, "spoke-contacts", kind)
    look = spring.json("experiment", "look", "spring")["look"]
    assert "DQ004" in {f["code"] for f in look["findings"]}


def test_a_column_that_was_named_for_the_hand_back_is_known_when_it_comes_back(spring):
    lists = handed(
        spring, "spoke-contacts", {"Cell": "phone", "CRM number": "external_id"},
        "--id", "external_id=crm NUMBER",
    )  # fmt: skip
    adapter = ADAPTERS["spoke-contacts"]
    people = [({"external_id": row["external_id"]}, "name") for row in lists["name"][:4]]
    assert all(ids["external_id"].startswith("X") for ids, _ in people)
    path, kind = export(spring, adapter, people)
    done = take(spring, path, "spoke-contacts", kind)
    assert done["outcomes"] == {"control": 0, "name": 4}


def test_a_general_hand_back_is_read_again_by_a_mapping_of_its_own_columns(spring):
    lists = handed(spring, "generic-csv", {"Cell": "phone"})
    rows = [{**row, "Did": "yes"} for row in lists["name"][:6]]
    path = write(spring.folder / "export.csv", rows)
    folder = spring.folder / "mappings"
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(
        "mapping: own\nid_kind: unit\nmetric: called\n"
        "columns: {unit: unit, metric: Did, arm: arm}\n"
    )
    done = spring.json("experiment", "intake", "spring", path, "--mapping", "own")
    assert done["outcomes"] == {"control": 0, "name": 6}


def test_everyaction_takes_the_arm_as_a_field_with_link_and_code_or_as_an_activist_code(spring):
    handed(spring, "generic-csv", LIST)
    words = ("experiment", "assign", "spring", str(spring.folder / "list.csv"))
    words = (*words, "--for", "everyaction-people")
    fields = ("custom_field=12", "link_field=13", "code_field=14")
    rows = again(spring, words, fields)["name"]
    assert rows[0].keys() == {"vanid", "CF12", "CF13", "CF14"}
    assert {(r["CF12"], r["CF13"], r["CF14"]) for r in rows} == {
        ("name", "https://example.org/call?a=2", "tk-spring-name"),
    }  # fmt: skip
    codes = ("activist_code.control=101", "activist_code.name=102")
    day = ("date=2026-11-03", "contact_type=2")
    rows = again(spring, words, (*codes, *day))
    assert list(rows["name"][0]) == ["vanid", "activistcodeid", "datecanvassed", "contacttypeid"]
    assert {r["activistcodeid"] for r in rows["control"]} == {"101"}
    assert {tuple(r.values())[1:] for r in rows["name"]} == {("102", "2026-11-03", "2")}
    for wrong, said in (
        (("activist_code=101", *day), "two arms have one activist_code"),
        ((codes[0], *day), "activist_code.name=VALUE"),
        ((*fields, "colour=red"), "does not ask for 'colour'"),
        ((), "needs custom_field"),
    ):
        refused = spring(*words, *(w for one in wrong for w in ("--with", one)))
        assert refused.code == 2
        assert said in refused.err


def again(shell, words, given):
    done = shell.json(*words, *(w for one in given for w in ("--with", one)))
    return {file["arm"]: read(shell.folder / file["path"]) for file in done["handed"]}


def test_a_tool_that_joins_on_one_id_gets_no_other(spring):
    handed(spring, "generic-csv", LIST)
    network = handed_again(spring, ADAPTERS["action-network-report"])["name"][0]
    assert network.keys() == {"uuid", "tk_link"}  # no address leaves this machine
    kit = handed_again(spring, ADAPTERS["actionkit-sql"])["name"][0]
    assert kit.keys() == {"user_id", "user_tk_spring", "user_tk_spring_link"}  # the fast path


def test_links_of_gifts_and_events_carry_the_code_of_their_arm(spring):
    handed(spring, "generic-csv", LIST)
    for tool, parameter in (("actblue-csv", "refcode"), ("mobilize", "utm_content")):
        (row,) = handed_again(spring, ADAPTERS[tool])["name"]
        assert row["link"] == f"https://example.org/call?a=2&{parameter}=tk-spring-name"
