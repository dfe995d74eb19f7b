"""Conditions over facts, as data: ``{any: [{risk: high}, {spend_cents: {gt: 500000}}]}``.

Theory of operation. A fact that is not stated makes a comparison *unknown*, and ``all``, ``any``
and ``not`` follow Kleene's three-valued logic. A stage is skipped only when its condition is
certainly false: what nobody has stated is asked about, never assumed away.

References:
    Kleene (1952), Introduction to Metamathematics, section 64 (the strong tables).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "LEVELS",
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Compare",
    "Condition",
    "Not",
    "Operator",
    "applies",
    "comparisons",
    "evaluate",
    "phrase",
]

Operator = Literal["eq", "ne", "gt", "ge", "lt", "le", "in", "not_in"]

OPERATORS: Final[tuple[Operator, ...]] = ("eq", "ne", "gt", "ge", "lt", "le", "in", "not_in")

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {"risk": ("low", "medium", "high")}
"""Facts whose values are ordered words, lowest first, unless a chain says otherwise."""

_SIGNS: Final[Mapping[str, str]] = {
    "eq": "is",
    "ne": "is not",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "in": "is one of",
    "not_in": "is none of",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """One fact against one value.

    Attributes:
        fact: Name of the fact.
        op: How it is compared.
        value: With what; a tuple for ``in`` and ``not_in``.
    """

    fact: str
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    of: Condition


Condition: TypeAlias = Compare | AllOf | AnyOf | Not


def evaluate(
    condition: Condition,
    facts: Mapping[str, Any],
    levels: Mapping[str, tuple[str, ...]] = LEVELS,
) -> bool | None:
    """Whether the condition holds of the facts.

    Args:
        condition: The condition.
        facts: Stated facts; text, numbers, booleans, or lists of these. None is not stated.
        levels: Facts whose words have an order.

    Returns:
        True or False, or None when the facts do not settle it.

    Examples:
        >>> dear = Compare(fact="spend_cents", op="gt", value=500_000)
        >>> evaluate(dear, {"spend_cents": 600_000})
        True
        >>> evaluate(dear, {}) is None
        True
        >>> evaluate(AnyOf((dear, Compare(fact="risk", op="eq", value="high"))), {"risk": "high"})
        True
    """
    match condition:
        case Compare():
            return _compare(condition, facts.get(condition.fact), levels)
        case Not(of=part):
            inner = evaluate(part, facts, levels)
            return None if inner is None else not inner
        case AllOf(of=parts):
            found = [evaluate(part, facts, levels) for part in parts]
            return False if False in found else None if None in found else True
        case AnyOf(of=parts):
            found = [evaluate(part, facts, levels) for part in parts]
            return True if True in found else None if None in found else False


def applies(
    condition: Condition | None,
    facts: Mapping[str, Any],
    levels: Mapping[str, tuple[str, ...]] = LEVELS,
) -> bool:
    """Whether to ask: unless the condition is certainly false."""
    return condition is None or evaluate(condition, facts, levels) is not False


def _same(left: Any, right: Any) -> bool:
    # True == 1 in Python; a yes/no fact is never a number here.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _rank(fact: str, value: Any, levels: Mapping[str, tuple[str, ...]]) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    order = levels.get(fact, ())
    return order.index(value) if isinstance(value, str) and value in order else None


def _compare(condition: Compare, stated: Any, levels: Mapping[str, tuple[str, ...]]) -> bool | None:
    if stated is None:
        return None
    several = stated if isinstance(stated, list | tuple | set | frozenset) else (stated,)
    order = levels.get(condition.fact)
    if order is not None and any(value not in order for value in several):
        # A level that the order does not have ("extreme") must not slip below a threshold.
        return None
    match condition.op:
        case "eq":
            return any(_same(value, condition.value) for value in several)
        case "ne":
            return not any(_same(value, condition.value) for value in several)
        case "in":
            return any(_same(value, wanted) for value in several for wanted in condition.value)
        case "not_in":
            return not any(_same(value, wanted) for value in several for wanted in condition.value)
    left = _rank(condition.fact, stated, levels)
    right = _rank(condition.fact, condition.value, levels)
    if left is None or right is None:
        return None
    match condition.op:
        case "gt":
            return left > right
        case "ge":
            return left >= right
        case "lt":
            return left < right
        case "le":
            return left <= right


def comparisons(condition: Condition | None) -> Iterator[Compare]:
    """Every comparison inside a condition, left to right."""
    match condition:
        case Compare():
            yield condition
        case Not(of=part):
            yield from comparisons(part)
        case AllOf(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from comparisons(part)


def phrase(condition: Condition) -> str:
    """The condition in words, for people.

    Examples:
        >>> phrase(AnyOf((Compare(fact="risk", op="eq", value="high"),
        ...               Compare(fact="spend_cents", op="gt", value=500000))))
        'risk is high or spend_cents > 500000'
    """
    match condition:
        case Compare(fact=fact, op=op, value=value):
            shown = ", ".join(map(_word, value)) if isinstance(value, tuple) else _word(value)
            return f"{fact} {_SIGNS[op]} {shown}"
        case Not(of=part):
            return f"not ({phrase(part)})"
        case AllOf(of=parts):
            return " and ".join(_inner(part) for part in parts)
        case AnyOf(of=parts):
            return " or ".join(_inner(part) for part in parts)


def _inner(part: Condition) -> str:
    return f"({phrase(part)})" if isinstance(part, AllOf | AnyOf) else phrase(part)


def _word(value: Any) -> str:
    match value:
        case True:
            return "yes"
        case False:
            return "no"
    return str(value)
