"""Experiments in the browser: the recorded report, never a new look (looking spends error)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from testkit.reports.render import render
from testkit.services.report import brief_of, overview, recorded
from testkit.web.pageset import Page, PageSet, Reply

if TYPE_CHECKING:
    from typing import Any

    from testkit.web.pageset import Visit

__all__ = ["EXPERIMENTS", "ListContext", "OneContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListContext:
    """``experiments/list.html.jinja``.

    Attributes:
        rows: One per experiment: name, state, looks, title, and whether it has a page.
    """

    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneContext:
    """``experiments/one.html.jinja``.

    Attributes:
        title: The question.
        body: The report's HTML, escaped by its own template.
    """

    title: str
    body: str


def _list(visit: Visit) -> Reply:
    rows = tuple({**row, "locked": row["state"] != "drafted"} for row in overview(visit.workspace))
    return Reply(template="experiments/list.html.jinja", context=ListContext(rows=rows))


def _one(visit: Visit) -> Reply:
    context, _ = recorded(visit.workspace, visit.parts["name"])
    return Reply(
        template="experiments/one.html.jinja",
        context=OneContext(title=context.title, body=render("report_body", context, form="html")),
    )


def _brief(visit: Visit) -> Reply:
    context = brief_of(visit.workspace, visit.parts["name"])
    return Reply(
        template="experiments/one.html.jinja",
        context=OneContext(title=context.title, body=render("brief_body", context, form="html")),
    )


def _sheet() -> str:
    return files("testkit.reports").joinpath("templates", "report.css").read_text(encoding="utf-8")


EXPERIMENTS: Final = PageSet(
    package="testkit.pages",
    title="Experiments",
    home="/experiments",
    pages=(
        Page(path="/experiments", show=_list),
        Page(path="/experiments/{name}", show=_one),
        Page(path="/experiments/{name}/brief", show=_brief),
    ),
    styles={"report.css": _sheet},
)
