"""What can be wrong with the metrics of a definition. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from testkit.kernel.yamlfile import Key
    from testkit.model.definition import Definition, MetricDefinition

__all__ = ["Report", "check_outcomes"]

Report = Callable[[str, "Key", str, str], None]
"""``(code, place, message, hint)``."""

AFTER_THE_MESSAGE: Final = frozenset(
    [
        *("open", "opens", "opened", "opener", "openers"),
        *("click", "clicks", "clicked", "clicker", "clickers"),
        *("reply", "replies", "replied", "answered", "delivered", "reached"),
        *("visit", "visits", "visited", "session", "sessions"),
    ]
)
"""Denominators that the message itself changes."""

SUPPORTER_WORDS: Final = (
    "unsub",
    "complain",
    "spam",
    "opt_out",
    "opted",
    "optout",
    "stop",
    "bounce",
)


def check_outcomes(definition: Definition, *, error: Report, warn: Report) -> None:
    """Report what is wrong or weak about the metrics.

    Args:
        definition: The values.
        error: Told what makes the definition wrong.
        warn: Told what makes it weak.
    """
    metrics = definition.metrics
    primary = [i for i, metric in enumerate(metrics) if metric.role == "primary"]
    if len(primary) != 1:
        error(
            "EX005",
            ("metrics", primary[1], "role") if len(primary) > 1 else ("metrics",),
            f"{len(primary)} metrics are primary",
            "exactly one outcome decides; make the others `role: secondary` or `role: guardrail`",
        )
    names = [metric.name for metric in metrics]
    for i, metric in enumerate(metrics):
        if metric.name in names[:i]:
            error(
                "EX036",
                ("metrics", i, "name"),
                f"the name {metric.name!r} stands twice",
                "rename one metric",
            )
        _figures(metric, i, error=error)
        _sense(metric, i, names=names, error=error)
        if not metric.owner:
            warn(
                "EX026",
                ("metrics", i),
                f"nobody owns {metric.name!r}",
                "add `owner: NAME`: who answers for this goal",
            )
    guards = [m for m in metrics if m.role == "guardrail"]
    if not any(word in m.name for m in guards for word in SUPPORTER_WORDS):
        warn(
            "EX025",
            ("metrics",),
            "nothing watches whether supporters leave",
            "add a guardrail such as `unsubscribed`, with `direction: down` and a `margin:`",
        )


def _figures(metric: MetricDefinition, i: int, *, error: Report) -> None:
    """Every kind and role needs figures of its own."""

    def missing(key: str, why: str) -> None:
        error(
            "EX023",
            ("metrics", i),
            f"{metric.name!r} is a {metric.kind} with role {metric.role} and has no `{key}`",
            why,
        )

    decides = metric.role == "primary"
    if metric.window_hours is None:
        error(
            "EX021",
            ("metrics", i),
            f"{metric.name!r} has no `window_hours`",
            "say how long after the send an outcome counts; 72 suits most e-mail",
        )
    if metric.kind == "proportion" and metric.base_rate is None and metric.role != "secondary":
        missing("base_rate", "what share does it today? 2 % is 0.02")
    if metric.kind != "proportion" and decides and metric.base_sd is None:
        missing("base_sd", "the standard deviation per unit, from the last comparable send")
    if decides and metric.mde is None:
        missing("mde", "the smallest difference worth acting on, in absolute terms")
    if metric.role == "guardrail" and metric.margin is None:
        missing("margin", "how much worse may it get before the test must stop?")
    if metric.kind == "ratio" and not metric.per:
        missing("per", "name the column of the denominator")
    if metric.base_rate is None or metric.kind != "proportion":
        return
    if metric.mde is not None:
        end = metric.base_rate + (metric.mde if metric.direction == "up" else -metric.mde)
        if not 0 < end < 1:
            sign = "+" if metric.direction == "up" else "-"
            error(
                "EX007",
                ("metrics", i, "mde"),
                f"base_rate {metric.base_rate:g} {sign} mde {metric.mde:g} is not between 0 and 1",
                "mde is an absolute difference: half a point is 0.005",
            )
    if metric.lowest_rate is not None and metric.lowest_rate > metric.base_rate:
        error(
            "EX007",
            ("metrics", i, "lowest_rate"),
            f"lowest_rate {metric.lowest_rate:g} is above base_rate {metric.base_rate:g}",
            "it is the lowest rate that is still plausible",
        )


def _sense(metric: MetricDefinition, i: int, *, names: list[str], error: Report) -> None:
    """Whether the figure can mean what it is taken for."""
    if metric.role == "primary" and metric.tier == "milestone" and not metric.reason:
        error(
            "EX006",
            ("metrics", i, "tier"),
            f"{metric.name!r} is a milestone (open, click): it shows interest, not action",
            "decide on an organising outcome, or write a `reason:` why this may decide",
        )
    if metric.per and (metric.per.lower() in AFTER_THE_MESSAGE or metric.per in names):
        error(
            "EX022",
            ("metrics", i, "per"),
            f"{metric.name!r} divides by {metric.per!r}, which the message itself changes",
            "divide by something that was fixed before the send, such as units",
        )
    for j, column in enumerate(metric.covariates):
        if column in names or column.lower() in AFTER_THE_MESSAGE:
            error(
                "EX032",
                ("metrics", i, "covariates", j),
                f"{column!r} is measured after the send",
                "adjust only for what was known before it, such as gifts last year",
            )
