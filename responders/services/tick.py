"""tick: one idempotent step of the newsroom. Kill it anywhere, run it again: nothing doubles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders.services.alarm import ring
from responders.services.draft import Raised, raise_due
from responders.services.facts import ChangedFacts, note_changed_facts
from responders.services.poll import Polled, poll
from responders.services.schedule import Due, release_due
from responders.services.tell import tell_alarms, tell_held
from responders.services.triage import Triaged, triage
from testkit.services.deliver import Delivered, deliver_due
from testkit.signoff.waiting import advance_clocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from responders.store.alarms import AlarmRow
    from testkit.kernel.workspace import Workspace

__all__ = ["Ticked", "tick"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What one step did.

    Attributes:
        polled: Feeds asked, entries found.
        triaged: Stories matched.
        rang: Alarms that rang.
        tell: Alarms that people are to be told of now.
        raised: Drafts raised.
        changed: Words that wait because the facts under them changed.
        clocks: ``(request, kind, stage)`` of reminders, escalations and expiries.
        due: What became of planned releases.
        delivered: Messages that left.
    """

    polled: Polled
    triaged: Triaged
    rang: tuple[AlarmRow, ...]
    tell: tuple[AlarmRow, ...]
    raised: tuple[Raised, ...]
    changed: tuple[ChangedFacts, ...]
    clocks: tuple[tuple[str, str, str], ...]
    due: tuple[Due, ...]
    delivered: Delivered


def tick(workspace: Workspace, *, say: Callable[[str], None] = lambda _: None) -> Ticked:
    """Poll, match, alarm, raise drafts, hold what changed, advance clocks, release and send.

    Args:
        workspace: The workspace.
        say: Told what is being done.
    """
    asked: list[Triaged] = []
    rang: list[AlarmRow] = []
    raised: list[Raised] = []

    def answer() -> None:
        say("matching stories")
        asked.append(triage(workspace))
        say("listening for what is loud")
        rang.extend(ring(workspace))
        say("raising drafts")
        raised.extend(raise_due(workspace))

    # A feed that hangs holds nobody's draft up: what the others brought is answered meanwhile.
    polled = poll(workspace, say=say, stored=answer)
    answer()  # also what time alone brings: an alarm that ends, an issue that was adopted
    changed = note_changed_facts(workspace)
    tell = tell_alarms(workspace)
    tell_held(workspace)
    say("advancing clocks")
    clocks = advance_clocks(workspace)
    due = release_due(workspace)
    say("delivering")
    delivered = deliver_due(workspace)
    return Ticked(
        polled=polled,
        triaged=Triaged(
            stories=sum(one.stories for one in asked),
            matches=tuple(row for one in asked for row in one.matches),
        ),
        rang=tuple(rang),
        tell=tell,
        raised=tuple(raised),
        changed=tuple(changed),
        clocks=tuple(clocks),
        due=tuple(due),
        delivered=delivered,
    )
