"""Many people decide the same stage at once: one is first, everybody else hears who and when."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from testkit.errors import StateError
from testkit.kernel.clock import to_text
from testkit.kernel.ledger import Actor
from testkit.signoff import service
from testkit.signoff.model import Decision
from tests.web_world import Office, moved_in

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
THREADS = 50
PROCESSES = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office of fifty communications leads, with words that wait for one of them."""
    office = Office(folder=tmp_path_factory.mktemp("races") / "ws")
    office.run("init", str(office.folder), "--zone", "UTC")
    people = office.folder / "people.yaml"
    leads = "".join(
        f"  - {{id: lead{n:02}, name: Lead {n}, roles: [comms_lead]}}\n" for n in range(THREADS)
    )
    people.write_text(
        people.read_text("utf-8").replace("people:\n", f"people:\n{leads}", 1), "utf-8"
    )
    office.run("adopt", "people", person="jo")
    office.raise_draft()
    office.submit()
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def rows(office: Office) -> list[dict[str, object]]:
    """Sign-offs as the table holds them."""
    with office.workspace().db.read() as conn:
        found = conn.execute("SELECT event FROM request_event WHERE kind = 'signed'").fetchall()
    return [json.loads(row["event"]) for row in found]


def test_of_fifty_threads_one_decides_and_the_others_are_told_by_whom_and_when(
    office: Office,
) -> None:
    ready, answers = threading.Barrier(THREADS), {}

    def decide(person: str) -> None:
        workspace = office.workspace(Actor(name=person, via="web", auth="session"))
        ready.wait(timeout=120)
        try:
            service.sign(workspace, office.revision, Decision.APPROVE, person=person)
            answers[person] = "first"
        except StateError as told:
            answers[person] = str(told)
        except BaseException as wrong:
            answers[person] = repr(wrong)

    crowd = [threading.Thread(target=decide, args=(f"lead{n:02}",)) for n in range(THREADS)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(timeout=180)

    assert len(answers) == THREADS
    (first,) = [person for person, said in answers.items() if said == "first"]
    (row,) = rows(office)
    assert row["actor"] == first
    expected = f"already decided by Lead {int(first[4:])} at 2 Nov 2026 14:00"
    others = {person: said for person, said in answers.items() if person != first}
    assert len(others) == THREADS - 1
    assert all(expected in said for said in others.values()), set(others.values())
    assert office.json("ledger", "verify")["whole"]


SCRIPT = """
import sys, time
from pathlib import Path
from tests.web_world import Office
from testkit.errors import StateError
from testkit.kernel.ledger import Actor
from testkit.signoff import service
from testkit.signoff.model import Decision

folder, person, revision = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
office = Office(folder=folder)
workspace = office.workspace(Actor(name=person, via="web", auth="session"))
(folder.parent / f"ready-{person}").touch()
while not (folder.parent / "go").exists():
    time.sleep(0.001)
try:
    service.sign(workspace, revision, Decision.APPROVE, person=person)
    print("first")
except StateError as told:
    print(told)
"""


def test_of_four_processes_one_decides_and_the_others_are_told_by_whom_and_when(
    office: Office,
) -> None:
    people = [f"lead{n:02}" for n in range(PROCESSES)]
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(office.folder), person, office.revision],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for person in people
    ]
    deadline = time.monotonic() + 120
    while not all((office.folder.parent / f"ready-{p}").exists() for p in people):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (office.folder.parent / "go").touch()
    done = [process.communicate(timeout=120) for process in crowd]
    answers = {person: out.strip() for person, (out, _) in zip(people, done, strict=True)}
    assert all(process.returncode == 0 for process in crowd), [err for _, err in done]

    (first,) = [person for person, said in answers.items() if said == "first"]
    (row,) = rows(office)
    assert (row["actor"], row["at"]) == (first, to_text(office.clock()))
    told = f"already decided by Lead {int(first[4:])} at 2 Nov 2026 14:00"
    assert sum(told in said for said in answers.values()) == PROCESSES - 1
    assert office.json("ledger", "verify")["whole"]
