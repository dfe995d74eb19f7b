"""What conditions ask about: the facts that can be stated, and what each may say.

A fact that is misspelt would be unknown to every condition, and a value of the wrong kind
(``names_candidate=maybe``) would make one certainly false, so that a stage is skipped: both are
refused where a person states them.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from testkit.errors import InputError
from testkit.signoff.conditions import comparisons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.signoff.model import ChainDef

__all__ = ["FACTS", "stated"]

Kind: TypeAlias = Literal["level", "yes or no", "cents", "number", "words", "any"]

FACTS: Final[Mapping[str, Kind]] = {
    "channel": "words",
    "names_candidate": "yes or no",
    "partner": "any",
    "position_is_new": "yes or no",
    "risk": "level",
    "spend_cents": "cents",
    "topic": "words",
}
"""Facts that responses state, with what each may say; other users of the chain name their own."""

_EXPECTED: Final[Mapping[str, str]] = {
    "yes or no": "true or false",
    "cents": "a whole number of cents, 0 or more",
    "number": "a number",
    "words": "words, or several as [one, other]",
}


def _known(chain: ChainDef) -> dict[str, Kind]:
    """The facts of responses, and those that this chain compares with something."""
    constants: dict[str, list[Any]] = {}
    for stage in chain.stages:
        for when in (stage.when, *(group.when for group in stage.groups)):
            for part in comparisons(when):
                seen = constants.setdefault(part.fact, [])
                seen += part.value if isinstance(part.value, tuple) else (part.value,)
    own = {name: _kind(name, seen, chain) for name, seen in constants.items()}
    levels: dict[str, Kind] = dict.fromkeys(chain.levels, "level")
    return {**own, **FACTS, **levels}


def _kind(name: str, constants: list[Any], chain: ChainDef) -> Kind:
    """What a chain's own fact may say: the kind of everything that it is compared with."""
    if name in chain.levels:
        return "level"
    if all(isinstance(value, bool) for value in constants):
        return "yes or no"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in constants):
        return "number"
    return "words" if all(isinstance(value, str) for value in constants) else "any"


def stated(chain: ChainDef, name: str, value: object) -> Any:
    """The value of a fact as conditions take it.

    Args:
        chain: The chain whose conditions will be asked.
        name: Name of the fact.
        value: What somebody says it is.

    Returns:
        The value; ``yes`` and ``no`` as truth values where the fact is one of these.

    Raises:
        InputError: Nobody asks about such a fact, or it cannot have this value.

    Examples:
        >>> from testkit.signoff.model import ChainDef
        >>> stated(ChainDef(id="any"), "names_candidate", "no")
        False
    """
    known = _known(chain)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        listed = f"known: {', '.join(sorted(known))}"
        raise InputError(
            f"chain {chain.id} asks about no fact {name!r}",
            field=name,
            value=value,
            hint=f"did you mean {near[0]}?" if near else listed,
        )
    kind = known[name]
    if kind == "yes or no":
        value = {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value
    if _fits(chain, name, kind, value):
        return value
    raise InputError(
        f"{name} cannot be {'empty' if value is None else repr(value)}",
        field=name,
        value=value,
        hint=f"it is {_expected(chain, name, kind)}",
    )


def _expected(chain: ChainDef, name: str, kind: Kind) -> str:
    if kind == "level":
        return f"one of {', '.join(chain.levels.get(name, ()))}"
    return _EXPECTED.get(kind, "words, a number, or true or false")


def _fits(chain: ChainDef, name: str, kind: Kind, value: object) -> bool:
    match kind:
        case "level":
            return value in chain.levels.get(name, ())
        case "yes or no":
            return isinstance(value, bool)
        case "cents":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    several = value if isinstance(value, list | tuple) and value else (value,)
    plain = str if kind == "words" else str | int | float
    return all(isinstance(each, plain) for each in several)
