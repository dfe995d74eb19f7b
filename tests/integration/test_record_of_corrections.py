"""The record of a draft holds every request about it: what was corrected, and the correction."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

import cli
from tests.web_world import Office, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A draft that went out with Kim's yes, and whose correction went out with Alex's."""
    office = prepared(tmp_path_factory.mktemp("corrected") / "ws")
    office.run("signoff", "approve", office.revision, "-m", "first", person="kim")
    office.run("release", office.draft, person="sam")
    office.clock.move(minutes=10)
    office.run("signoff", "correct", office.draft, person="sam")
    words = ("--channel", "email", "--variant", "a", "--body", "Friend,\n\nCall <tonight>.")
    office.revision = office.json("draft", "edit", office.draft, *words, person="sam")["revision"]
    office.run("signoff", "approve", office.revision, "-m", "second", person="alex")
    office.run("release", office.draft, person="sam")
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    copy = moved_in(made, tmp_path / "ws")
    copy.clock.move(minutes=20)
    return copy


def export(office: Office, name: str, what: str = "") -> str:
    path = office.folder / name
    told = office.run("signoff", "record", what or office.draft, "-o", str(path))
    assert ("in 2 requests" in told) is (not what)
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def test_the_record_of_a_corrected_draft_holds_both_yeses_in_order(office: Office) -> None:
    rows = list(csv.DictReader(export(office, "r.csv").splitlines()))
    yes = [(r["who"], r["note"], r["request"]) for r in rows if r["did"] == "approve"]
    assert [y[:2] for y in yes] == [("kim", "first"), ("alex", "second")]
    assert yes[0][2] != yes[1][2]
    assert "<today>" in next(r["words"] for r in rows if r["who"] == "kim")
    assert "<tonight>" in next(r["words"] for r in rows if r["who"] == "alex")

    record = json.loads(export(office, "r.json"))
    (earlier,) = record["earlier"]
    assert [earlier["request"], record["request"]] == [yes[0][2], yes[1][2]]
    assert "kim" in {act["who"] for act in earlier["acts"]}

    page = html.unescape(export(office, "r.html"))
    first, second = (page.index(f"<h2>Request {y[2]}") for y in yes)
    assert first < page.index("first") < second < page.index("second")
    assert f"<h2>Request {yes[1][2]}, corrects {yes[0][2]}</h2>" in page


def test_one_request_by_its_own_id_stands_alone(office: Office) -> None:
    first = json.loads(export(office, "r.json"))["earlier"][0]
    alone = json.loads(export(office, "one.json", first["request"]))
    assert (alone["request"], alone["earlier"]) == (first["request"], [])
    assert alone["acts"] == first["acts"]


@pytest.mark.parametrize(("name", "who"), [("r.csv", "kim"), ("r.csv", "alex"), ("r.json", "kim")])
def test_changed_words_of_any_request_are_found(office: Office, name: str, who: str) -> None:
    text = export(office, name)
    path = office.folder / name
    assert "every word" in office.run("signoff", "record", "--check", str(path))
    request = json.loads(export(office, "n.json"))
    request = request["earlier"][0] if who == "kim" else request
    digest = next(a["material_digest"] for a in request["acts"] if a["who"] == who)
    path.write_text(text.replace(digest, "0" * 64), encoding="utf-8", newline="")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert cli.run(["signoff", "record", "--check", str(path)], obj=office.app()) == 3
    lines = printed.getvalue().splitlines()
    # The correction begins with the words of the first request, so both may be named.
    assert any(line.startswith(f"request {request['request']}, ") for line in lines)
    assert all(line.startswith("request req_") for line in lines)


def test_a_record_exported_before_requests_were_named_can_still_be_checked(office: Office) -> None:
    rows = list(csv.DictReader(export(office, "r.csv").splitlines()))
    path = office.folder / "old.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        names = [name for name in rows[0] if name != "request"]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert "every word" in office.run("signoff", "record", "--check", str(path))


def test_the_page_of_a_request_leads_to_the_others_about_the_same_words(office: Office) -> None:
    record = json.loads(export(office, "r.json"))
    first, second = record["earlier"][0]["request"], record["request"]
    with serving(office) as address, visitor(address) as kim:
        kim.sign_in(office.link("kim"))
        assert re.search(f'href="/signoff/{second}">Request {second}, corrects {first}<',
                         kim.get(f"/signoff/{first}").text)  # fmt: skip
        assert f'href="/signoff/{first}"' in kim.get(f"/signoff/{second}").text
