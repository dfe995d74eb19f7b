"""An issue is tried on the stored history; labels give a precision; versions are compared."""

from __future__ import annotations

import csv
import io

import pytest


@pytest.fixture
def newsroom(newsroom_after_tick):
    return newsroom_after_tick


def rewrite(shell, query):
    path = shell.folder / "issues" / "labor.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("query:"))
    end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith((" ", "#")))
    path.write_text("\n".join([*lines[:start], f"query: '{query}'", *lines[end:]]) + "\n", "utf-8")


def test_a_trial_shows_the_days_a_sample_and_the_matched_words(newsroom):
    data = newsroom.json("issue", "try", "labor")
    assert (data["hits"], data["stories"]) == (1, 5)
    assert sum(d["hits"] for d in data["days"]) == data["hits"]
    assert "[" in data["sample"][0]["marked"]
    assert data["precision"]["rate"] is None
    assert "finds the same stories" in newsroom.ok("issue", "try", "labor").out


def test_a_new_version_says_what_it_gains_and_loses(newsroom):
    rewrite(newsroom, "mudhens OR council OR library")
    data = newsroom.json("issue", "try", "labor")
    assert len(data["lost"]) == 1
    assert len(data["gained"]) == data["hits"] > 0
    assert {s["story"] for s in data["lost"]}.isdisjoint(s["story"] for s in data["gained"])
    assert f"{data['hits']} gained, 1 lost" in newsroom.ok("issue", "try", "labor").out


def test_labels_go_out_as_a_table_and_come_back_filled_in(newsroom, tmp_path):
    rewrite(newsroom, "NOT quokka")
    table = tmp_path / "labels.csv"
    newsroom.ok("issue", "try", "labor", "--labels", str(table))
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert len(rows) == 5
    for row, verdict in zip(rows, ["y", "n", "u", "yes"], strict=False):
        row["about_it"] = verdict
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    table.write_text(out.getvalue(), encoding="utf-8")
    data = newsroom.json("issue", "try", "labor", "--labels", str(table))
    counts = {k: data["precision"][k] for k in ("relevant", "judged", "unsure", "hits")}
    assert counts == {"relevant": 2, "judged": 3, "unsure": 1, "hits": 5}
    assert data["precision"]["low"] < 2 / 3 < data["precision"]["high"]
    # A narrower version keeps the judgements of the hits that it keeps.
    rewrite(newsroom, "NOT quokka NOT strike")
    assert newsroom.json("issue", "try", "labor")["precision"]["judged"] >= 1


def test_a_wrong_table_is_refused_whole(newsroom, tmp_path):
    table = tmp_path / "labels.csv"
    newsroom.ok("issue", "try", "labor", "--labels", str(table))
    written = table.read_text(encoding="utf-8")
    for bad in ("story,about\nx,y\n", written.rstrip("\n") + "maybe\n", "story,about_it\nx,y\n"):
        table.write_text(bad, encoding="utf-8")
        assert newsroom("issue", "try", "labor", "--labels", str(table)).code == 2
    assert newsroom.json("issue", "try", "labor")["precision"]["judged"] == 0


def test_answers_on_a_terminal_are_kept_one_by_one(newsroom, monkeypatch):
    assert newsroom("issue", "try", "labor", "--label").code == 2  # nobody is there to answer
    rewrite(newsroom, "NOT quokka")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("y\nn\ns\nq\n"))
    data = newsroom.json("issue", "try", "labor", "--label")
    assert (data["precision"]["judged"], data["precision"]["unsure"]) == (2, 1)


def test_a_table_for_a_spreadsheet_holds_no_formula_from_a_feed(newsroom, tmp_path):
    from testkit.kernel.sqlite import Database

    with Database(newsroom.folder / "archive.db").write() as conn:
        conn.execute("UPDATE entry SET title = '=HYPERLINK(1) strike'")
    table = tmp_path / "labels.csv"
    newsroom.ok("issue", "try", "labor", "--labels", str(table))
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert rows
    assert all(cell[:1] not in "=+-@" for row in rows for cell in row.values() if cell)
