"""One decision through a link, whatever happens in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testkit.errors import InputError, KitError, NotAuthorisedError, StateError
from testkit.kernel.ledger import Actor
from testkit.signoff import service
from testkit.signoff.model import Decision
from testkit.web import deciding, links
from testkit.web.security import TooLargeError
from testkit.web.shell import status_of
from tests.web_world import Office, moved_in, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from testkit.kernel.workspace import Workspace
    from testkit.web.links import Link


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


@pytest.fixture
def desk(office: Office) -> Workspace:
    return office.workspace(Actor(name="kim", via="web", auth="link"))


def fresh(workspace: Workspace, link: Link) -> Link:
    with workspace.db.read() as conn:
        return links.by_id(conn, link.id)


def given(office: Office, workspace: Workspace, person: str = "kim") -> Link:
    return links.issue(workspace, person=person, revision=office.revision, stage="comms")[0]


def said(office: Office) -> list[str]:
    return [s["decision"] for s in office.request()["signoffs"]]


def test_a_crash_before_the_decision_leaves_a_link_that_still_decides(
    office: Office, desk: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = given(office, desk)
    with monkeypatch.context() as broken:
        broken.setattr(service, "sign", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert said(office) == []
    with pytest.raises(StateError, match="used before, to approve"):
        deciding.through_link(desk, fresh(desk, link), Decision.BLOCK, note="no")
    deciding.through_link(desk, fresh(desk, link), Decision.APPROVE, note="")
    assert said(office) == ["approve"]
    assert fresh(desk, link).settled_at


def test_a_crash_after_the_decision_does_not_decide_again(
    office: Office, desk: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = given(office, desk)
    with monkeypatch.context() as broken:
        broken.setattr(links, "settle", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deciding.through_link(desk, link, Decision.APPROVE, note="")
    deciding.through_link(desk, fresh(desk, link), Decision.APPROVE, note="")
    assert said(office) == ["approve"]


def test_a_refused_decision_gives_the_link_back(office: Office, desk: Workspace) -> None:
    link = given(office, desk, "sam")
    with pytest.raises(NotAuthorisedError):
        deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert fresh(desk, link).used_at is None


def test_a_tab_that_loses_the_race_cannot_say_something_else(
    office: Office, desk: Workspace
) -> None:
    link = given(office, desk)
    deciding.through_link(desk, link, Decision.BLOCK, note="in talks")
    with pytest.raises(StateError, match="used before, to block"):
        deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert said(office) == ["block"]


def test_a_link_for_a_decision_goes_only_to_those_who_may_decide_now(office: Office) -> None:
    office.run("people", "link", "sam", "--revision", office.revision, code=5)
    # Her stage is skipped for these facts: a matter of the state, not of who she is.
    office.run("people", "link", "rosa", "--revision", office.revision, code=3)
    office.run("people", "link", "nobody", code=4)
    office.run("people", "link", "kim", "--stage", "comms", code=2)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "yes"},
        {"decision": "return"},
        {"decision": "block", "note": " \n "},
        {"decision": "APPROVE"},
    ],
)
def test_a_form_without_a_decision_or_its_reason_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(InputError):
        deciding.read_decision(form)


def test_the_page_offers_exactly_what_would_be_taken(office: Office, desk: Workspace) -> None:
    from testkit.signoff.model import RosterView

    def offered(person: str) -> set[str]:
        with desk.db.read() as conn:
            request = service.find(conn, office.revision)
        found = deciding.options(
            request.state, person, RosterView.of(desk.roster), desk.clock(),
            revision=office.revision, auth="session", zone_name="UTC",
        )  # fmt: skip
        return {offer.decision.value for offer in found.offers}

    assert offered("kim") == {"approve", "approve_with_nits", "return", "block"}
    assert offered("sam") == {"withdraw"}
    assert offered("bo") == set()
    service.sign(desk, office.revision, Decision.APPROVE, person="kim")
    assert offered("kim") == {"return", "block", "withdraw"}
    assert offered("alex") == {"return", "block"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("x"), 400),
        (NotAuthorisedError("x"), 403),
        (StateError("x"), 409),
        (links.GoneError("x"), 410),
        (TooLargeError("x"), 413),
        (KitError("x"), 500),
    ],
)
def test_every_error_has_its_status(error: KitError, status: int) -> None:
    assert status_of(error) == status


def test_a_link_taken_back_since_the_page_was_read_decides_nothing(
    office: Office, desk: Workspace
) -> None:
    link = given(office, desk)
    office.run("people", "revoke", "kim")
    with pytest.raises(links.GoneError, match="taken back"):
        deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert said(office) == []
