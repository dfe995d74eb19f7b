"""What the words seem to hold in the slots of a template, so that nobody types them twice.

Theory of operation. Template and words are lined up word by word at the least cost: a word that
differs, is missing or is too many costs one, a slot that holds what it may hold costs nothing, and
one that holds something else costs one and a half, so that a word before it is not taken for a
part of it. The result is a guess. Whether the words *are* the template is decided in
:mod:`testkit.signoff.lane`, which fills the slots in and compares; a good guess makes it name the
word that differs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from testkit.signoff.lane import holes_in, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.signoff.lane import ClearedTemplate, SlotRule

__all__ = ["guess_slots"]

_WRONG_SLOT = 1.5
_LONGEST = 12
"""Words that a slot may hold at most, as far as guessing goes."""


def guess_slots(template: ClearedTemplate, words: Mapping[str, Any]) -> dict[str, str]:
    """What stands in each slot; a slot that nothing can be found for is left out.

    Args:
        template: The pre-cleared words.
        words: Every field of the revision.

    Examples:
        >>> from testkit.signoff.lane import ClearedTemplate, SlotRule
        >>> vote = ClearedTemplate(
        ...     id="vote", fields={"body": "{bill} passed, {yes} to 210."},
        ...     slots={"bill": SlotRule(), "yes": SlotRule(number=True)},
        ... )
        >>> guess_slots(vote, {"body": "HR 12 failed, 218 to 210."})
        {'bill': 'HR 12', 'yes': '218'}
    """
    found: dict[str, str] = {}
    texts = texts_of(words)
    for path, text in template.fields.items():
        given = texts.get(path)
        if isinstance(given, str) and not found.keys() >= template.slots.keys():
            for name, value in _lined_up(text.split(), given.split(), template.slots).items():
                found.setdefault(name, value)
    return found


def _lined_up(ours: list[str], given: list[str], slots: Mapping[str, SlotRule]) -> dict[str, str]:
    """The slots' values in the cheapest way to line two texts up."""
    holes = {i: word for i, word in enumerate(ours) if not slots.keys().isdisjoint(holes_in(word))}
    # cost[j]: least cost of the template so far against the first j words; with the values.
    row: list[tuple[float, dict[str, str]]] = [(float(j), {}) for j in range(len(given) + 1)]
    for i, word in enumerate(ours):
        step = [(row[0][0] + 1, row[0][1])]
        patterns = _patterns(word, slots) if i in holes else None
        for j in range(1, len(given) + 1):
            # A changed word comes before a missing one, so that no slot swallows it.
            ways = [
                (row[j - 1][0] + (word != given[j - 1]), row[j - 1][1]),
                (row[j][0] + 1, row[j][1]),
                (step[j - 1][0] + 1, step[j - 1][1]),
            ]
            if patterns is not None:
                for back in range(1, min(j, _LONGEST) + 1):
                    cost, values = row[j - back]
                    held = _held(patterns, " ".join(given[j - back : j]))
                    if held is not None:
                        ways.append((cost + held[0], {**values, **held[1]}))
            step.append(min(ways, key=lambda way: way[0]))
        row = step
    return row[-1][1]


def _patterns(word: str, slots: Mapping[str, SlotRule]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The word with holes that hold what they may, and with holes that hold anything."""
    strict = loose = ""
    seen: set[str] = set()
    for part in re.split(r"(\{[a-z][a-z0-9_]*\})", word):
        name = part[1:-1]
        if not part.startswith("{") or name not in slots:
            strict += re.escape(part)
            loose += re.escape(part)
        elif name in seen:
            strict += f"(?P={name})"
            loose += f"(?P={name})"
        else:
            seen.add(name)
            strict += f"(?P<{name}>{_holds(slots[name])})"
            loose += f"(?P<{name}>.+?)"
    return re.compile(strict), re.compile(loose)


def _holds(rule: SlotRule) -> str:
    if rule.choices:
        return "|".join(map(re.escape, rule.choices))
    return r"\d[\d.,]*?" if rule.number else f".{{1,{rule.most}}}?"


def _held(
    patterns: tuple[re.Pattern[str], re.Pattern[str]], text: str
) -> tuple[float, dict[str, str]] | None:
    for cost, pattern in zip((0.0, _WRONG_SLOT), patterns, strict=True):
        match = pattern.fullmatch(text)
        if match:
            return cost, match.groupdict()
    return None
