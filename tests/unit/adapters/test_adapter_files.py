"""Every adapter: its file is recognised and read to known figures, its list is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from testkit.adapters.counts import falls, latest
from testkit.adapters.handback import hand_back, read_hand_back
from testkit.adapters.model import Options, Snapshot
from testkit.adapters.reading import outcomes, read
from testkit.adapters.registry import ADAPTERS, adapter_named, sniff
from testkit.engines.sources import session
from testkit.errors import DataError, InputError, NotFoundError

DATA = Path(__file__).resolve().parents[2] / "data" / "adapters"
READ = [a for a in ADAPTERS.values() if a.signs]
WRITTEN = {id(a.out): a for a in ADAPTERS.values() if a.out}.values()


def fixture_of(name):
    return next(p for p in sorted(DATA.iterdir()) if p.stem == name)


def events(connection, reading):
    return [
        tuple(row)
        for row in connection.execute(
            f"SELECT kind, id, arm, machine FROM {reading.events} ORDER BY n, kind"
        ).fetchall()
    ]


@pytest.fixture(scope="module")
def connection():
    with session() as opened:
        yield opened


@pytest.mark.parametrize("adapter", [pytest.param(a, id=a.name) for a in READ])
def test_every_adapter_recognises_its_file_and_reads_all_of_it(adapter, connection):
    path = fixture_of(adapter.name)
    found = sniff(path)
    assert found.adapter is adapter
    assert all(part in found.why for part in ("it has",))
    reading = read(connection, path, options=Options(success=("yes",)))
    assert reading.adapter == adapter.name
    assert reading.form == adapter.form
    assert reading.rows > 0
    if adapter.verified == "preset":
        assert "IM011" in {f.code for f in reading.findings}


# Each figure stands in the fixture of that name; none was computed by the program.
SNAPSHOTS = {
    "mailchimp-report-csv": [
        ("combination-1", {"sent": 1751, "opened_all": 141, "clicked": 20, "bounced": 9}, None),
        ("combination-2", {"sent": 1750, "opened_all": 125, "clicked": 27}, None),
    ],
    "mailchimp-campaigns-csv": [
        ("June A", {"sent": 2000, "bounced": 10, "clicked": 60}, 34050),
        ("June B", {"sent": 2001, "bounced": 13, "clicked": 75}, 141000),
    ],
    "mailchimp-api": [
        ("June A", {"sent": 2000, "opened_all": 553, "opened_human": 301}, None),
        ("June B", {"sent": 2001, "opened_all": 540, "opened_human": 290}, None),
    ],
    "action-network-messages": [
        ("Petition, plain", {"assigned": 5000, "sent": 4990, "actions": 155, "donors": 3}, 4500),
        ("Petition, name", {"assigned": 5001, "sent": 4995, "actions": 190, "donors": 5}, 8000),
    ],
    "everyaction-email": [
        ("A", {"sent": 4000, "opened_all": 900, "opened_machine": 400, "donors": 22}, 61050),
        ("B", {"sent": 4001, "opened_all": 950, "opened_machine": 410, "donors": 30}, 82000),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_counts_of_a_tool_are_read_by_arm(name, connection):
    found = read(connection, fixture_of(name)).snapshots
    assert [s.arm for s in found] == [arm for arm, _, _ in SNAPSHOTS[name]]
    for one, (_, counts, amount) in zip(found, SNAPSHOTS[name], strict=True):
        assert counts.items() <= one.counts.items()
        assert one.amount_cents == amount


@pytest.mark.parametrize(
    "name", ["mailchimp-report-csv", "action-network-messages", "everyaction-email"]
)
def test_what_was_sent_to_the_rest_after_a_winner_is_dropped_and_reported(name, connection):
    reading = read(connection, fixture_of(name))
    (dropped,) = reading.dropped
    assert dropped.count == 1
    assert "winner" in dropped.why
    assert "win" in dropped.examples[0].lower()


EVENTS = {
    "mailchimp-activity": [
        ("opened", "ana@example.org", None, None), ("clicked", "ana@example.org", None, None),
        ("bounced", "ben@example.org", None, None),
    ],
    "actblue-csv": [
        ("donated", "ana@example.org", "tk-spring-control", None),
        ("donated", "ben@example.org", "tk-spring-name", None),
        ("recurred", "ben@example.org", "tk-spring-name", None),
        ("donated", "cleo@example.org", "tk-spring-name", None),
        ("refunded", "cleo@example.org", "tk-spring-name", None),
    ],
    "mobilize": [
        ("attended", "ana@example.org", "tk-spring-control", None),
        ("signup", "ana@example.org", "tk-spring-control", None),
        ("signup", "ben@example.org", "tk-spring-name", None),
    ],
    "spoke-messages": [
        ("sent", "+12125550142", None, None), ("replied", "+12125550142", None, None),
        ("bounced", "+12125550143", None, None), ("sent", "+12125550143", None, None),
    ],
    "spoke-contacts": [
        ("action", "007", "control", None), ("replied", "007", "control", None),
        ("sent", "007", "control", None), ("opted_out", "008", "name", None),
        ("sent", "008", "name", None), ("bounced", "009", "name", None),
    ],
    "sendgrid": [
        ("delivered", "ana@example.org", "control", None),
        ("opened", "ana@example.org", "control", True),
        ("opened", "ana@example.org", "control", False),
        ("delivered", "ben@example.org", "name", None),
        ("clicked", "ben@example.org", "name", True),
        ("opened", "cleo@example.org", "name", True),
        ("clicked", "dora@example.org", "name", None),
    ],
    "mailgun": [
        ("opened", "ana@example.org", "control", True),
        ("opened", "ana@example.org", "control", False),
        ("clicked", "ana@example.org", "control", False),
    ],
    "postmark": [
        ("opened", "ana@example.org", "control", None),
        ("clicked", "ana@example.org", "control", None),
        ("bounced", "ben@example.org", "name", None),
    ],
    "brevo": [
        ("opened", "ana@example.org", "control", True),
        ("opened", "ana@example.org", "control", False),
        ("bounced", "ben@example.org", "name", None),
    ],
    "everyaction-survey": [
        ("action", "101", None, None), ("replied", "101", None, None),
        ("replied", "102", None, None), ("replied", "103", None, None),
    ],
    "action-network-report": [
        ("unsubscribed", "0f1e2d3c-0000-4000-8000-00000000000b", "tk-spring-name", None),
        ("bounced", "0f1e2d3c-0000-4000-8000-00000000000c", "tk-spring-name", None),
        ("opted_out", "0f1e2d3c-0000-4000-8000-00000000000c", "tk-spring-name", None),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_deeds_of_a_tool_are_read_person_by_person(name, connection):
    reading = read(connection, fixture_of(name), options=Options(success=("YES ",)))
    assert events(connection, reading) == EVENTS[name]


def test_seven_columns_of_one_name_are_seven_columns():
    assert sniff(fixture_of("actblue-csv")).columns.count("Reserved") == 1
    assert "Reserved_6" in sniff(fixture_of("actblue-csv")).columns


def test_codes_of_links_are_led_to_arms_and_other_codes_to_none(connection):
    arms = {"tk-spring-control": "control"}
    reading = read(connection, fixture_of("actblue-csv"), options=Options(arms=arms))
    assert {arm for _, _, arm, _ in events(connection, reading)} == {"control", None}
    assert "IM009" in {f.code for f in reading.findings}


def test_only_a_persons_deeds_are_outcomes_and_each_person_is_one_row(connection):
    reading = read(connection, fixture_of("sendgrid"))
    table = outcomes(connection, reading, kinds=["opened", "clicked"])
    found = connection.execute(f"SELECT id, value FROM {table} ORDER BY id").fetchall()
    assert found == [("ana@example.org", 1.0), ("dora@example.org", 1.0)]


def test_what_machines_add_is_shown_by_arm(connection):
    gaps = {(g.arm, g.kind): g for g in read(connection, fixture_of("sendgrid")).gaps}
    # cleo was only seen by a machine, ben's only click came 2 seconds after delivery
    assert (gaps["name", "opened"].all, gaps["name", "opened"].human) == (1, 0)
    assert (gaps["name", "clicked"].all, gaps["name", "clicked"].human) == (2, 1)
    assert gaps["name", "clicked"].why == {"within 5 seconds of delivery": 1}
    assert gaps["control", "opened"].machine == 0  # ana opened it herself as well
    (june_a, _) = read(connection, fixture_of("mailchimp-api")).gaps
    assert (june_a.all, june_a.human, june_a.machine) == (553, 301, 252)
    (one, _) = read(connection, fixture_of("postmark")).gaps
    assert one.human is None  # the tool does not say


def test_a_deed_told_twice_counts_once_and_another_of_the_same_row_stays(connection, tmp_path):
    path = tmp_path / "texts.csv"
    head = "campaignId,contact[cell],contact[messageStatus],question[a],question[b]\n"
    path.write_text(f"{head}9,+12125550142,convo,yes,yes\n9,+12125550142,convo,yes,no\n")
    reading = read(connection, path, options=Options(success=("yes",)))
    kinds = [kind for kind, *_ in events(connection, reading)]
    assert kinds.count("action") == 3  # nobody can say that two rows without a time are one
    path = tmp_path / "hooks.jsonl"
    one = '{"event":"%s","email":"a@b.org","message-id":"m","ts_event":1772463600}\n'
    path.write_text(one % "opened" + one % "opened" + one % "proxy_open")
    reading = read(connection, path)
    assert [machine for *_, machine in events(connection, reading)] == [False, True]
    assert reading.dropped[0].count == 1


def test_three_links_in_two_seconds_and_a_decoy_are_scanners(connection, tmp_path):
    def click(who, second, url):
        return (
            f'{{"event":"click","sg_event_id":"{who}{second}{url}","email":"{who}@example.org",'
            f'"timestamp":{1772463600 + second},"url":"https://example.org/{url}"}}\n'
        )

    path = tmp_path / "clicks.jsonl"
    path.write_text(
        "".join(click("ana", s, u) for s, u in [(100, "a"), (101, "b"), (102, "c"), (500, "d")])
        + "".join(click("ben", s, u) for s, u in [(100, "a"), (102, "b"), (104, "c")])
        + "".join(click("cleo", s, u) for s, u in [(100, "hidden"), (900, "a")])
    )
    reading = read(connection, path, options=Options(decoys=("https://example.org/hidden",)))
    found = connection.execute(
        f"SELECT id, url, machine_why FROM {reading.events} ORDER BY n"
    ).fetchall()
    assert [why for _, _, why in found] == [
        "3 links within 2 seconds", "3 links within 2 seconds", "3 links within 2 seconds", None,
        None, None, None,
        "opened a link that nobody is shown", "opened a link that nobody is shown",
    ]  # fmt: skip


def test_spend_is_read_with_its_currency_and_counts_as_observational(connection):
    first, second = read(connection, fixture_of("meta-ads"), options=Options(
        arms={"control": "plain", "spring_name": "named"})).spend  # fmt: skip
    assert (first.amount_cents, first.currency, first.arm) == (125075, "USD", "plain")
    assert (second.amount_cents, second.arm, second.first_day) == (98000, "named", "2026-03-01")
    reading = read(connection, fixture_of("google-ads"))
    assert [s.amount_cents for s in reading.spend] == [6120, 6080]
    assert [s.results for s in reading.spend] == [3.5, 4.0]
    assert reading.dropped[0].examples == ("line 6: Total: Campaigns",)
    assert {f.code for f in reading.findings} == {"IM010"}


def test_a_german_report_in_utf_16_is_read_once_its_commas_are_explained(connection):
    path = fixture_of("meta-ads-de")
    with pytest.raises(DataError, match="--decimal ','"):
        read(connection, path)
    (row,) = read(connection, path, options=Options(decimal=",")).spend
    assert (row.campaign, row.amount_cents, row.currency) == ("Frühling", 175150, "EUR")
    assert row.impressions == 12345


def test_a_newer_snapshot_supersedes_and_a_fall_is_told():
    def taken(day, opened):
        return Snapshot(
            message="m", label="m", arm="a", wave=1, as_of=f"2026-03-0{day}T00:00:00Z", sent_at="",
            counts={"opened_all": opened},
        )  # fmt: skip

    old, new = taken(1, 10), taken(2, 12)
    assert latest([new, old]) == [new]
    assert falls([old], [new]) == []
    (found,) = falls([taken(1, 15)], [new])
    assert found.code == "IM006"
    assert "opened_all 15 -> 12" in found.message
    assert falls([new], [taken(1, 10)]) == []  # an older file that comes late is no fall


def test_a_file_that_fits_two_adapters_is_refused_with_both_named(tmp_path):
    path = tmp_path / "both.csv"
    path.write_text(
        "VANID,Survey Response,Survey Question Name,Contact Result\n1,yes,Will vote,Canvassed\n"
    )
    with pytest.raises(InputError, match="everyaction-survey and everyaction-people") as caught:
        sniff(path)
    assert "--from everyaction-survey" in caught.value.hint


def test_a_file_that_fits_none_is_refused_with_the_nearest_and_what_it_misses(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("user_id,mailing_id,variation\n1,2,A\n")
    with pytest.raises(
        InputError, match="nearest is actionkit-sql, but it misses letter"
    ) as caught:
        sniff(path)
    assert "adapters map odd.csv" in caught.value.hint
    with pytest.raises(NotFoundError, match="mailgun"):
        adapter_named("mailgnu")


PEOPLE = """
    SELECT * FROM (VALUES
      ('control', 1, 'Ana@example.org', '+12125550142', '101', '007', 'u-1', '1001', '31', 'Ana'),
      ('control', 1, 'ben@example.org', '(212) 555-0143', '102', '008', 'u-2', '1002', '32', 'Ben'),
      ('name', 1, 'cleo@example.org', '+12125550144', '103', '009', 'u-3', '1003', '33', '=Cleo'),
      ('name', 2, 'dora@example.org', '+12125550145', '104', '010', 'u-4', '1004', '34', 'Dora'),
      ('name', 2, '', '', '', '', '', '', '', 'Nobody')
    ) t(arm, wave, email, phone, vanid, external_id, action_network, actionkit, contact, name)
"""
LINKS = {"control": "https://example.org/a?refcode=c", "name": "https://example.org/a?refcode=n"}


@pytest.mark.parametrize("adapter", [pytest.param(a, id=a.name) for a in WRITTEN])
def test_what_is_handed_back_is_read_again_with_the_same_people_arm_and_link(
    adapter, connection, tmp_path
):
    bom = adapter.name.startswith("s")
    written = hand_back(
        connection, PEOPLE, adapter=adapter, experiment="spring", folder=tmp_path, links=LINKS,
        texts={"control": "Call today.", "name": "Ana, call today."},
        values=dict.fromkeys(adapter.out.asks, "123"), bom=bom,
    )  # fmt: skip
    assert [(w.wave, w.arm) for w in written] == [(1, "control"), (1, "name"), (2, "name")]
    for one in written:
        assert one.path.read_bytes().startswith(b"\xef\xbb\xbf") is bom
        again = read_hand_back(connection, one.path, adapter=adapter)
        assert (again.experiment, again.wave) == ("spring", one.wave)
        assert set(again.arms) == {one.arm}
        # With the arm's code behind it, where the tool carries one in the link.
        assert all(found.startswith(LINKS[one.arm]) for found in again.links.values())
        if not adapter.out.per_person:
            assert again.links
            continue
        assert again.arms[one.arm] == one.rows
        ids = connection.execute(f"SELECT id_kind, id FROM {again.table} ORDER BY id").fetchall()
        key = next(k for k in adapter.out.keys if k != "unit")
        expected = {
            "email": {(1, "control"): ["ana@example.org", "ben@example.org"]},
            "phone": {(1, "control"): ["+12125550142", "+12125550143"]},
            "vanid": {(1, "control"): ["101", "102"]},
            "action_network": {(1, "control"): ["u-1", "u-2"]},
            "actionkit": {(1, "control"): ["1001", "1002"]},
            "contact": {(1, "control"): ["31", "32"]},
        }[key].get((one.wave, one.arm))
        assert {kind for kind, _ in ids} == {key}
        assert expected is None or [i for _, i in ids] == expected
    if adapter.out.per_person:
        assert [w.left_out for w in written] == [0, 0, 1]


def test_no_cell_of_a_handed_back_file_can_start_a_formula(connection, tmp_path):
    files = hand_back(
        connection, PEOPLE, adapter=adapter_named("listmonk-views"), experiment="spring",
        folder=tmp_path,
    )  # fmt: skip
    assert ",'=Cleo," in files[1].path.read_text()


def test_a_link_that_is_none_and_a_field_that_is_missing_are_refused(connection, tmp_path):
    def handed(name, **extra):
        return hand_back(
            connection,
            PEOPLE,
            adapter=adapter_named(name),
            experiment="s",
            folder=tmp_path,
            **extra,
        )

    with pytest.raises(InputError, match="is not a link"):
        handed("actblue-csv", links={"control": "javascript:alert(1)"})
    with pytest.raises(InputError, match="file name"):
        hand_back(
            connection, "SELECT '../x' AS arm, 1 AS wave, 'a@b.org' AS email", experiment="s",
            adapter=adapter_named("sendgrid"), folder=tmp_path,
        )  # fmt: skip
    with pytest.raises(InputError, match="custom_field"):
        handed("everyaction-people")
    with pytest.raises(InputError, match="takes no list"):
        handed("meta-ads")
    assert list(tmp_path.iterdir()) == []
