"""What a person had heard of their own decisions when they decided again.

Two windows show two pages; the older one must not undo in silence what was said in the newer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.errors import StateError
from testkit.kernel.clock import shown
from testkit.signoff.model import Decision

if TYPE_CHECKING:
    from testkit.signoff.office import Office
    from testkit.signoff.state import RequestState, SignOff

__all__ = ["SaidSinceError", "lifted", "said_of", "said_since"]


class SaidSinceError(StateError):
    """The person has said something else since the page was made that they decide on."""


def said_of(state: RequestState, person: str) -> tuple[SignOff, ...]:
    """Every decision that a person made, or that somebody made in their seat."""
    return tuple(s for s in state.signoffs if person in (s.actor, s.principal))


def lifted(state: RequestState, person: str) -> SignOff | None:
    """The block or return that a person's newest decision has just taken the place of."""
    said = said_of(state, person)
    before = [
        s for s in said[:-1] if (s.stage, s.principal) == (said[-1].stage, said[-1].principal)
    ]
    last = before[-1] if before else None
    objected = last is not None and last.decision in (Decision.BLOCK, Decision.RETURN)
    return last if objected and last is not None and last.standing == "superseded" else None


_DID: Final = {
    Decision.APPROVE: "approved this",
    Decision.APPROVE_WITH_NITS: "approved this with nits",
    Decision.RETURN: "returned this",
    Decision.BLOCK: "blocked this",
    Decision.WITHDRAW: "took back a decision here",
}


def said_since(last: SignOff, person: str, decision: Decision, office: Office) -> SaidSinceError:
    """What to tell somebody who decides on a page from before their own last decision."""
    who = "you" if last.actor == person else office.roster.name(last.actor)
    where = "in another window" if last.said.via in {"web", "mail"} else "elsewhere"
    when = shown(last.at, zone_name=office.zone_name)
    verb = decision.value.replace("_", " ")
    means = f"to {verb} takes the place of that"
    if last.standing == "stands":
        means = f"to {verb} lifts your {last.decision.value}"
    return SaidSinceError(
        f"{who} {_DID[last.decision]} {where} ({when}), after this page was opened; nothing was"
        " recorded now",
        current=last.decision.value,
        hint=f"{means}: choose again if you mean it",
    )
