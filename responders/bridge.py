"""The bridge: a released response is itself an experiment, and its result comes back.

The only place where responders meet testkit's definitions and decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.errors import InputError
from testkit.services.define import Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.model.decision import Decision
    from testkit.model.plan import Plan

__all__ = ["Lesson", "answers_of", "lesson_of", "release_of"]


def answers_of(
    fields: Mapping[str, Any],
    *,
    channel: str,
    title: str,
    release_id: str,
    outcome: str,
    base_rate: float,
    list_size: int,
) -> Answers:
    """A definition's answers from the words of a release: its first two variants become the arms.

    Args:
        fields: Fields of the released revision.
        channel: Which channel's variants.
        title: Headline that the response answers.
        release_id: Where the words come from.
        outcome: The deed that counts.
        base_rate: Share that does it today, in (0, 1).
        list_size: People on the list.

    Raises:
        InputError: The channel has no two variants.
    """
    arms = fields["arms"].get(channel, {})
    if len(arms) < 2:
        known = ", ".join(c for c, variants in fields["arms"].items() if len(variants) > 1)
        raise InputError(
            f"the release has no two variants for {channel}",
            field="channel",
            value=channel,
            hint=f"it has two for: {known or 'no channel'}",
        )
    first, second = sorted(arms)[:2]
    varied = fields.get("varied", {}).get(channel, "")
    what = f"the {varied}" if varied else "the words"
    return Answers(
        question=f"Response to {title!r}: which of two ways to put {what} brings more action?",
        control_text=_words(arms[first]),
        arm_text=_words(arms[second]),
        outcome=outcome,
        base_rate=base_rate,
        list_size=list_size,
        control_name=first,
        arm_name=second,
        channel=channel,
        source=f"release {release_id}",
    )


def _words(variant: Mapping[str, str]) -> str:
    subject = f"{variant['subject']}\n\n" if variant.get("subject") else ""
    return f"{subject}{variant['body'].rstrip()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one earlier response taught.

    Attributes:
        experiment: The experiment that the release became.
        release: The release.
        title: What it answered.
        released_at: ISO-8601 text.
        channel: Where the arms went.
        metric: The deed that counted.
        decided: Whether there is a decision.
        proven: Whether it follows from a crossing.
        sentence: The same for people.
        chosen: Words of the arm that was chosen for the rest; empty without one choice.
        became: ``killed``, ``recalled`` or ``corrected``; empty where the words still stand.
    """

    experiment: str
    release: str
    title: str
    released_at: str
    channel: str
    metric: str
    decided: bool
    proven: bool
    sentence: str
    chosen: str
    became: str = ""


def release_of(source: str) -> str:
    """The release that a definition names as its source; empty when it names another.

    Examples:
        >>> release_of("release rel_01k9z3q8xw4f7m2abc"), release_of("a paper")
        ('rel_01k9z3q8xw4f7m2abc', '')
    """
    word, _, given = source.strip().partition(" ")
    return given if word == "release" and given.startswith("rel_") else ""


def lesson_of(
    plan: Plan,
    decision: Decision | None,
    *,
    release: str,
    title: str,
    released_at: str,
    became: str = "",
) -> Lesson:
    """What a test of a release says so far; nothing is read into a test that has not decided.

    Args:
        plan: The locked plan.
        decision: Its decision, or None while it runs.
        release: Where the words came from.
        title: What they answered.
        released_at: ISO-8601 text.
        became: What happened to the words afterwards.
    """
    metric = plan.metric.name
    best = max(decision.chosen, key=lambda arm: decision.chosen[arm]) if decision else ""
    single = decision is not None and decision.chosen.get(best) == 1
    chosen = next((arm.text for arm in plan.arms if arm.name == best), "") if single else ""
    if decision is None:
        sentence = "the test is still running: nothing to say yet"
    elif decision.outcome == "inconclusive":
        sentence = f"no difference in {metric} was proven"
        if single:
            sentence += f"; the rest got {best}, chosen, not proven"
    else:
        more = f"{decision.difference:+.2%} of the people ({metric}) against the control"
        if decision.low is not None and decision.high is not None:
            more += f", between {decision.low:+.2%} and {decision.high:+.2%}"
        sentence = f"{best} was better" if decision.outcome == "ship" else f"{best} stayed"
        sentence += f": {more}"
        if not decision.proven:
            sentence += "; chosen, not proven"
    return Lesson(
        experiment=plan.experiment,
        release=release,
        title=title,
        released_at=released_at,
        channel=plan.channel,
        metric=metric,
        decided=decision is not None,
        proven=decision is not None and decision.proven,
        sentence=sentence,
        chosen=chosen,
        became=became,
    )
