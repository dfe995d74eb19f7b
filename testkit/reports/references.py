"""What the numbers of a report stand on: the papers of the methods that were used, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from testkit.model.look import Comparison, Look
    from testkit.model.plan import Plan

__all__ = ["references"]

_SPENDING: Final = (
    "Lan & DeMets (1983), Biometrika 70(3), 659-663, solved by the recursion of Armitage,"
    " McPherson & Rowe (1969), JRSS A 132(2), 235-244."
)
_AT_BOUND: Final = "inverted at the look's bound; Jennison & Turnbull (2000), ch. 9."
_EXACT: Final = (
    "exact limits of the odds ratio, Cornfield (1956), Third Berkeley Symposium 4, 135-148, and"
    " Gart (1970), Biometrika 57, 471-475, mapped to a difference."
)
_OPEN: Final = {
    "e-process": "Lindon & Malek (2022), NeurIPS, arXiv 2011.03567",
    "safe 2x2": "Turner, Ly & Grunwald (2024), arXiv 2106.02693",
    "asymptotic": "Waudby-Smith et al. (2024), Annals of Statistics, arXiv 2103.06476",
}
_INTERVALS: Final = {
    "difference of rates": (
        f"Miettinen & Nurminen (1985), Statistics in Medicine 4(2), 213-226, {_AT_BOUND}"
    ),
    "difference of means, adjusted": (
        f"difference of adjusted means, Lin (2013), Annals of Applied Statistics 7(1), 295-318,"
        f" {_AT_BOUND}"
    ),
    "difference of means": (
        f"difference of means with unequal variances, Welch (1947), Biometrika 34, 28-35,"
        f" {_AT_BOUND}"
    ),
    "ratio to": f"ratio of sums by the delta method, {_AT_BOUND}",
    "difference per": f"difference between whole groups, {_AT_BOUND}",
}


def references(plan: Plan, last: Look | None) -> tuple[str, ...]:
    """One line for each method that the last look used; the plan's own before there is any."""
    used = last.comparisons if last is not None else ()
    engines = {one.engine for one in used} or {last.engine if last is not None else plan.engine}
    lines = []
    if "z" in engines:
        lines.append(f"Bounds: {_SPENDING}")
    if "exact" in engines:
        lines.append(
            "Critical counts: the arm's count given the totals of each wave, Fisher (1935), JRSS"
            f" 98, 39-82; the error is spent as by {_SPENDING}"
        )
    for told in dict.fromkeys(filter(None, map(_interval, used))):
        metrics = ", ".join(dict.fromkeys(c.metric for c in used if _interval(c) == told))
        lines.append(f"Interval of {metrics} while running: {told}")
    if engines - {"open"}:
        lines.append(
            "After a stop: stage-wise ordering, Tsiatis, Rosner & Mehta (1984), Biometrics 40(3),"
            " 797-803."
        )
    lines.append(
        "Sample ratio: sequential multinomial test against the planned shares, Lindon & Malek"
        " (2022), NeurIPS, arXiv 2011.03567; it holds at every look, and blocks below 0.001."
    )
    return tuple(lines)


def _interval(one: Comparison) -> str:
    """What the running interval of a comparison was computed by; empty where nobody said."""
    if one.engine == "exact":
        return _EXACT
    if one.engine == "open":
        found = next((paper for start, paper in _OPEN.items() if one.method.startswith(start)), "")
        return f"{one.method}, {found}; it holds at any time." if found else ""
    return next((line for start, line in _INTERVALS.items() if one.method.startswith(start)), "")
