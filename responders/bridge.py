"""The bridge: a released response is itself an experiment.

The only place where responders meet testkit's definitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testkit.errors import InputError
from testkit.services.define import Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["answers_of"]


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
