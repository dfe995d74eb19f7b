"""Every code of the catalogue is shown at work: one case that it speaks on, one that it does not.

``CASES`` has both for each code that a draft or a template can be made to have here. The rest need
a workspace and are shown by the integration tests that ``ELSEWHERE`` names. A new rule without a
case fails the first test.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from responders.drafting.compose import bundled_templates, compose
from responders.drafting.lint import RULES, LintRules, lint_draft
from responders.drafting.proposal import read_answer
from responders.drafting.render import RenderLimits, render
from responders.kinds import TEMPLATE
from responders.match import parse_query
from responders.model.draft import Draft, MatchReason, Organisation, StoryEntry, StoryFacts
from responders.model.feed import Entry
from responders.model.issue_file import issue_from_mapping
from responders.services.relint import unused
from responders.services.sources import left_out, story_facts
from responders.starter import starter_issues
from responders.store.archive import StoryRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from testkit.kernel.findings import Finding

NOW = datetime(2026, 5, 12, 11, 0, tzinfo=UTC)
ORG = Organisation(
    name="Four Rivers",
    link="https://go.fourrivers.org",
    phone="555-0142",
    signer="Maya Ortiz",
    address="14 Mill Street",
    email_opt_out="Leave: {{unsubscribe_url}}",
    disclaimer="Paid for by Four Rivers.",
)
ISSUES = {
    name: replace(
        issue_from_mapping(yaml.safe_load(text)), channels=("email", "sms", "post", "call")
    )
    for name, text in starter_issues().items()
}
LABOR = ISSUES["labor"]
# A fact for the moment of the story below, so that its expiry can be shown.
LABOR = ISSUES["labor"] = replace(
    LABOR,
    talking_points=tuple(
        replace(p, moments=(*p.moments, "strike-vote")) if p.name == "section-7" else p
        for p in LABOR.talking_points
    ),
)
STORY = StoryFacts(
    id="st_1",
    title="Northfield workers vote to strike over 5% offer",
    url="https://courier.org/strike",
    source="The Harbor Courier",
    published_at=NOW - timedelta(hours=2),
    summary="Workers voted 412 to 61 to authorize a strike at the Northfield plant on Monday.",
    entries=(
        StoryEntry(
            title="Strike vote in Northfield", url="https://b.org", source="Radio Four Rivers"
        ),
    ),
)


def made(title: str = "", *, issue: str = "labor", **more: object) -> Draft:
    changes = {"title": title, "summary": ""} if title else {}
    options = {k: more.pop(k) for k in ("templates", "variants", "as_of") if k in more}
    found = ISSUES[issue]
    reason = MatchReason(issue=found.slug, issue_title=found.title)
    story = replace(STORY, **changes | more)
    return compose(story, found, reason, ORG, **{"as_of": NOW} | options)


BASE = made()


def codes(draft: Draft, *, issue: object = LABOR, org: object = ORG, **options: object) -> set[str]:
    """Codes of the whole draft and of the first variant on each channel, linted again."""
    checked = lint_draft(draft, issue, org, **{"as_of": NOW} | options)
    texts = [f for v in checked.variants if v.key == "a" for f in v.findings]
    return {f.code for f in (*checked.findings, *texts)}


def of(findings: Iterable[Finding]) -> set[str]:
    return {f.code for f in findings}


def words(channel: str = "email", *, add: str = "", drop: str = "", **fields: str) -> Draft:
    """The draft with other words in the first variant of a channel."""
    body = BASE.on(channel)[0].text.body.replace(drop, "") if drop else ""
    body = body or BASE.on(channel)[0].text.body
    fields = {"body": f"{body}\n\n{add}" if add else body} | fields
    return replace(
        BASE,
        variants=tuple(
            replace(v, text=replace(v.text, **fields)) if (v.channel, v.key) == (channel, "a")
            else v
            for v in BASE.variants
        ),
    )  # fmt: skip


def expiring(day: date) -> object:
    point = next(p for p in LABOR.talking_points if p.text in BASE.on("email")[0].text.body)
    return replace(LABOR, talking_points=(replace(point, expires_on=day),))


def asking(day: date) -> object:
    return replace(LABOR, asks=tuple(replace(ask, expires_on=day) for ask in LABOR.asks))


def template(text: str) -> set[str]:
    changed = bundled_templates() | {("sms", "response", "en"): text}
    return of(made(templates=changed).findings)


def reported(*titles: str) -> set[str]:
    """RS018 of a draft that is raised from these reports of one story."""
    entries = tuple(
        (
            Entry(
                id=f"e{n}", feed_id="f", guid=str(n), url=f"https://o{n}.org/a",
                canonical_url=None, title=title, summary_text="", content_html="",
                published=NOW, updated=None, first_seen=NOW,
            ),
            f"Outlet {n}",
        )
        for n, title in enumerate(titles)
    )  # fmt: skip
    story = StoryRow(id="s", first_at=NOW, last_at=NOW, entries=entries)
    facts = story_facts(story, query=parse_query("strike OR nurses"))
    return of(unused(left_out(story, facts)))


ACCENTS = "Inquilinos sin calefacción en tres edificios más"
BARE = replace(ORG, address="", disclaimer="")
HARD = (
    "The administrative determination regarding compensation methodologies necessitates "
    "comprehensive organizational participation in deliberative proceedings concerning "
    "occupational classification and remuneration standardization across jurisdictions. "
) * 3
SMS = BASE.on("sms")[0].text.body
POST = "“Strike vote in Northfield” (Radio Four Rivers)"
LONG = f"{'a' * 230} https://go.fourrivers.org/"
TWO = "Nurses at Mercy Hospital vote to strike", "Mercy Hospital nurses ready to walk out"

CASES: dict[str, tuple[Callable[[], set[str]], Callable[[], set[str]]]] = {
    "RS001": (lambda: of(render("{{ a.b }}", {"a": {}}).findings),
              lambda: of(render("{{ a.b }}", {"a": {"b": "x"}}).findings)),
    "RS002": (lambda: of(render("{{ a", {"a": "x"}).findings),
              lambda: of(render("{{ a }}", {"a": "x"}).findings)),
    "RS003": (lambda: of(render("123456", {}, limits=RenderLimits(output_chars=5)).findings),
              lambda: of(render("12345", {}, limits=RenderLimits(output_chars=5)).findings)),
    "RS004": (lambda: template("{{ story.titel }} {{ org.sms_opt_out }}"),
              lambda: template("{{ story.title }} {{ org.sms_opt_out }}")),
    "RS005": (lambda: of(made(templates={}).findings), lambda: of(BASE.findings)),
    "RS006": (lambda: of(made(ACCENTS, issue="vivienda", lang="es").findings),
              lambda: of(made(ACCENTS.replace("ó", "o").replace("á", "a"), issue="vivienda",
                              lang="es").findings)),
    "RS010": (lambda: codes(words(add="“Northfield workers vote to strike over 5% offer”")),
              lambda: codes(words(add="The Harbor Courier: “Northfield workers vote to strike”"))),
    "RS011": (lambda: codes(words(add="The Harbor Courier: “Workers are winning big today”")),
              lambda: codes(words(add="They call it a “final offer” again."))),
    "RS012": (lambda: codes(words(add="They voted 431 to 61.")),
              lambda: codes(words(add="They voted 412 to 61."))),
    "RS013": (lambda: codes(words(subject="They asked Governor Hale")),
              lambda: codes(words(subject="All 412 of them"))),
    "RS014": (lambda: codes(BASE, as_of=NOW + timedelta(hours=40)), lambda: codes(BASE)),
    "RS015": (lambda: codes(made("Opinion | Why workers strike")),
              lambda: codes(made("Opinions split as workers strike"))),
    "RS016": (lambda: codes(made(lang="es")), lambda: codes(made(lang="en-US"))),
    "RS017": (lambda: codes(made(entries=())), lambda: codes(BASE)),
    "RS018": (lambda: reported(*TWO, "Bakery opens on Elm Street"), lambda: reported(*TWO)),
    "RS020": (lambda: codes(made("Worker killed at Dalton plant")), lambda: codes(BASE)),
    "RS021": (lambda: codes(made("Striking worker shot outside plant")),
              lambda: codes(made("Senate kills bill on overtime for workers"))),
    "RS022": (lambda: codes(made("Workers strike after ICE raid")), lambda: codes(BASE)),
    "RS023": (lambda: codes(made("Layoffs announced, contract ratified")), lambda: codes(BASE)),
    "RS024": (lambda: codes(words(add="Tell them to reject the offer.")),
              lambda: codes(words(add="Tell them that you stand with them."))),
    "RS030": (lambda: codes(BASE, issue=expiring(date(2026, 5, 11))),
              lambda: codes(BASE, issue=expiring(date(2026, 5, 12)))),
    "RS031": (lambda: codes(BASE, issue=expiring(date(2026, 5, 11))),
              lambda: codes(BASE, issue=expiring(date(2026, 5, 12)))),
    "RS032": (lambda: codes(BASE, issue=asking(date(2026, 5, 11))),
              lambda: codes(BASE, issue=asking(date(2026, 5, 12)))),
    "RS040": (lambda: codes(words(drop=ORG.disclaimer)), lambda: codes(BASE)),
    "RS041": (lambda: codes(words("sms", drop=ORG.sms_opt_out)),
              lambda: codes(words("sms", drop=ORG.sms_opt_out, add="Text STOP to quit"))),
    "RS042": (lambda: codes(words(drop=ORG.address)), lambda: codes(BASE)),
    "RS050": (lambda: codes(words("post", body=f"{POST} Stand with them.")),
              lambda: codes(words("post", body=f"{POST} Call 555-0142"))),
    "RS051": (lambda: codes(words(add="See http://a.org/x")),
              lambda: codes(words(add="See https://a.org/x"))),
    "RS052": (lambda: codes(words(add="See https://example.org/x")),
              lambda: codes(words(add="See https://a.org/x"))),
    "RS053": (lambda: codes(words("sms", add="https://bit.ly/x")),
              lambda: codes(words(add="https://bit.ly/x"))),
    "RS054": (lambda: codes(words(add="Dear [first name],")),
              lambda: codes(words(add="Dear you,"))),
    "RS055": (lambda: codes(words(add="Click here.")), lambda: codes(words(add="Come on Friday."))),
    "RS060": (lambda: codes(words(add=HARD)), lambda: codes(BASE)),
    "RS061": (lambda: codes(replace(BASE, lang="es")), lambda: codes(BASE)),
    "RS062": (lambda: codes(words(add="Enough!!")), lambda: codes(words(add="Enough!"))),
    "RS070": (lambda: codes(words("post", add="a" * 200)), lambda: codes(words("post", add="a"))),
    "RS071": (lambda: codes(words("sms", add="a " * 60)), lambda: codes(words("sms", add="a"))),
    "RS072": (lambda: codes(words("sms", body=SMS + "’")),
              lambda: codes(words("sms", body=SMS + "'"))),
    "RS073": (lambda: codes(words("post", body=f"{LONG}{'b' * 90}")),
              lambda: codes(words("post", body=f"{LONG}b"))),
    "RS080": (lambda: codes(words(subject="Another subject")), lambda: codes(BASE)),
    "RS081": (lambda: codes(made(variants=1)), lambda: codes(BASE)),
    "RS090": (lambda: of(TEMPLATE.check(None, "Hello", "templates/fax/response.en.jinja")),
              lambda: of(TEMPLATE.check(None, "Hello", "templates/sms/response.en.jinja"))),
    "RS101": (lambda: of(read_answer(b"Sure! Here it is:", channels=["sms"])[1]),
              lambda: of(read_answer(b'{"texts": [{"channel": "sms", "body": "Hi"}]}',
                                     channels=["sms"])[1])),
}  # fmt: skip
INTEGRATION = Path(__file__).parents[2] / "integration"
ELSEWHERE = {
    "RS025": "test_relint.py",
    "RS092": "test_relint.py",
    "RS100": "test_hook.py",
}


def test_every_code_has_a_case_that_trips_it() -> None:
    assert CASES.keys() | ELSEWHERE.keys() == RULES.keys()
    assert not CASES.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("code", CASES)
def test_a_code_is_tripped_by_its_case_and_not_by_the_neighbour(code: str) -> None:
    trips, neighbour = CASES[code]
    assert code in trips()
    assert code not in neighbour()


@pytest.mark.parametrize(("code", "file"), ELSEWHERE.items())
def test_a_code_that_needs_a_workspace_is_shown_both_ways_there(code: str, file: str) -> None:
    text = (INTEGRATION / file).read_text(encoding="utf-8")
    assert re.search(rf'assert "{code}" in ', text)
    assert re.search(rf'assert "{code}" not in ', text)


def test_left_out_reports_are_counted_and_the_first_three_named() -> None:
    (one,) = unused(["Post: A"])
    assert "1 report was left out" in one.message
    (four,) = unused(["Post: A", "Post: B", "Post: C", "Post: D"])
    assert "4 reports were left out" in four.message
    assert "Post: C; ..." in four.message
    assert "Post: D" not in four.message


def test_a_rule_that_is_switched_off_is_silent() -> None:
    assert "RS062" not in codes(words(add="Enough!!"), rules=LintRules(off=frozenset({"RS062"})))
