"""What the outlets tell: sentences fit to be quoted, and the place that they agree on.

A sentence is taken whole or not at all. Sentences with somebody's words in them, and sentences in
which a company or an official answers, are left to the editor: whoever they favour, they should
not stand in our message by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import regex

from responders.drafting.phrases import single_quotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["place_of", "sentences", "telling_sentence"]

LONGEST: Final = 260
_BOILERPLATE: Final = regex.compile(
    r"read more|continue reading|appeared first on|click here|sign up|subscribe|newsletter|"
    r"leer más|seguir leyendo|suscr|https?://|www\.|\[|\.\.\.|…",
    regex.IGNORECASE,
)
# A full stop ends a sentence when a capital, a quotation mark or nothing follows, and the word
# before it is not an abbreviation.
_SENTENCE_END: Final = regex.compile(r"[.!?][”\"'’]?(?=\s+[\p{Lu}\d“\"'¿¡]|\s*$)")
_ABBREVIATION: Final = regex.compile(
    r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Gov|Sen|Rep|Lt|Gen|St|No|Inc|Co|Corp|vs|Jan|Feb|Aug|Sept|Oct|"
    r"Nov|Dec|Sr|Sra|Dra|Ud|a\.m|p\.m|\p{Lu}|\p{Lu}\.\p{Lu})$"
)
_SPOKEN: Final = regex.compile(r"[“”\"«»]|(?<!\w)[‘']\w")
_ANSWERS: Final = regex.compile(
    r"^(?:the|an?|its|his|her|their|business|industry|landlord|el|la|los|las|un|una)\b[^.]{0,60}?"
    r"\b(?:compan\w+|owners?|employers?|landlords?|attorney|lawyers?|spokes\w+|lobb\w+|groups?|"
    r"growers|utilit\w+|plant|chain|hospital|chamber|casero|dueñ[oa]|empresa|abogad[oa])\b"
    r"[^.]{0,40}?\b(?:sa(?:id|ys?)|disput\w+|den(?:y|ies|ied)|thank\w*|declin\w+|cit\w+|call\w*|"
    r"asks?|asked|asking|want\w*|would|blam\w+|dijo|dice|niega|niegan|agradec\w+)\b",
    regex.IGNORECASE,
)
_LEANS: Final = regex.compile(
    r"^(?:he|she|they|him|her|it|this|that|these|those|some|most|many|both|two|others|here|there|"
    r"él|ella|ellos|ellas|esto|esa|ese|ambos|algunos|muchos)\b",
    regex.IGNORECASE,
)
_PLACE: Final = regex.compile(
    r"\b(?:in|near|outside|en)\s+(?P<name>\p{Lu}[\p{Ll}'’]+(?:\s\p{Lu}[\p{Ll}'’]+){0,2})"
)
_COUNTY: Final = regex.compile(r"\b\p{Lu}\p{Ll}+\sCounty\b")
_NO_PLACE: Final = regex.compile(
    r"^(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Spring|Summer|Fall|Winter|"
    r"St|Mt|Ft|Congress|Senate|House|Court|Supreme|State|Election|Medicaid|Gov|Rep|Sen)\b"
)
_BUILDING: Final = regex.compile(
    r"\b(?:Hospital|School|University|College|Court|Towers|Terrace|Church|Center|Centre|Memorial|"
    r"Elementary|Stadium|Airport|Store|Markets?|Street|Avenue|Road|Bridge|Torres|Calle|Foods|Inc)\b"
)


def sentences(line: str, *, most: int = 2) -> tuple[str, ...]:
    """The first sentences of a line of text.

    Examples:
        >>> sentences("Gov. Lee signed it at 5 p.m. Monday. It starts now. More later.")
        ('Gov. Lee signed it at 5 p.m. Monday.', 'It starts now.')
    """
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if match[0][0] == "." and _ABBREVIATION.search(line[: match.start()]):
            continue
        found.append(line[start : match.end()].strip())
        start = match.end()
        if len(found) == most:
            break
    return tuple(found)


def telling_sentence(
    teasers: Iterable[str], *, known: Sequence[str] = (), least: int = 40, alone: bool = True
) -> str:
    """The first sentence that can be quoted whole and says something new; else an empty text.

    Args:
        teasers: Plain text, cleaned to one line, the preferred one first.
        known: What the reader has been told already.
        least: Fewest characters.
        alone: Leave out sentences that lean on an earlier one (``It is ...``).

    Examples:
        >>> told = "Some 640 people left the plant. The company says it is ready."
        >>> telling_sentence([told], known=["Strike at the plant"], least=20)
        'Some 640 people left the plant.'
        >>> telling_sentence(["The company says that it has a plan to keep the plant running."])
        ''
    """
    before = {word for text in known for word in _words(text)}
    for teaser in teasers:
        for sentence in sentences(teaser):
            if not least <= len(sentence) <= LONGEST or _BOILERPLATE.search(sentence):
                continue
            if not (sentence[0].isupper() or sentence[0].isdigit()):
                continue
            if _SPOKEN.search(sentence) or _ANSWERS.search(sentence):
                continue
            if alone and _LEANS.match(sentence) and not regex.match(r"(?i)some \d", sentence):
                continue
            words = set(_words(sentence))
            if words and len(words - before) < 4:
                continue
            return single_quotes(sentence)
    return ""


def place_of(texts: Sequence[Sequence[str]]) -> str:
    """The town or county that at least two outlets name; empty when they do not agree on one.

    Args:
        texts: For each outlet, its headline and teaser.

    Examples:
        >>> place_of([["Strike begins in Dunmore", ""], ["Dunmore plant quiet", ""]])
        'Dunmore'
        >>> place_of([["Strike begins in Dunmore", ""], ["Plant quiet", ""]])
        ''
    """
    named: dict[str, int] = {}
    for outlet in texts:
        for text in outlet:
            found = [match["name"] for match in _PLACE.finditer(text)] + _COUNTY.findall(text)
            for name in found:
                clean = regex.sub(r"['’]s$", "", name)
                if not _NO_PLACE.match(clean) and not _BUILDING.search(clean):
                    named[clean] = named.get(clean, 0) + 1
    best = ""
    score = (0, 0)
    for name, times in named.items():
        voices = sum(
            any(regex.search(rf"\b{regex.escape(name)}\b", text) for text in outlet)
            for outlet in texts
        )
        if voices >= 2 and (voices, times) > score:
            best, score = name, (voices, times)
    return best


def _words(text: str) -> list[str]:
    return [word.casefold() for word in regex.findall(r"[\p{L}\p{N}]+", text)]
