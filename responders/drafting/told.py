"""What the outlets tell: sentences fit to be quoted, and the place that they agree on.

A sentence is taken whole or not at all. Sentences with somebody's words in them, and sentences in
which a company or an official answers, are left to the editor: whoever they favour, they should
not stand in our message by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import regex

from responders.drafting.phrases import single_quotes
from responders.drafting.stage import is_decisive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "deciding_sentence",
    "goes_against",
    "place_of",
    "sentences",
    "telling_passage",
    "telling_sentence",
]

LONGEST: Final = 260
LONGEST_PASSAGE: Final = 340
LONGEST_KEY: Final = 90
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
    r"^(?:members|officials) said\b|"
    r"^(?:growers|utilities|landlords|employers) (?:have |had )?(?:asked|said|want\w*)\b|"
    r"^(?:the|an?|its|his|her|their|business|industry|landlord|oil|el|la|los|las|un|una)\b[^.]{0,60}?"
    r"\b(?:compan\w+|owners?|employers?|landlords?|attorney|lawyers?|spokes\w+|lobb\w+|groups?|"
    r"growers|utilit\w+|plant|chain|hospital|chamber|casero|dueñ[oa]|empresa|abogad[oa])\b"
    r"[^.]{0,40}?\b(?:sa(?:id|ys?)|disput\w+|den(?:y|ies|ied)|thank\w*|declin\w+|cit\w+|call\w*|"
    r"asks?|asked|asking|want\w*|would|blam\w+|cost|dijo|dice|niega|niegan|agradec\w+)\b",
    regex.IGNORECASE,
)
_LEANS: Final = regex.compile(
    r"^(?:he|she|they|him|her|it|this|that|these|those|some|most|many|both|two|others|here|there|"
    r"él|ella|ellos|ellas|esto|esa|ese|ambos|algunos|muchos)\b",
    regex.IGNORECASE,
)
# A pronoun in the middle whose noun stands in another sentence: "override her", "hears it".
_HANGS: Final = regex.compile(
    r"\b(?:hears|takes|overrid\w+|signs?|deny|denies|denied) (?:it|her|him|them)\b|"
    r"\bsaid (?:that|this|it) (?:would|was|is|will)\b|\bdo so\b",
    regex.IGNORECASE,
)
_AGAINST: Final = regex.compile(
    r"\bcosts? (?:the )?\p{L}+ \$|\bcosts? \$|\braise prices\b|\bhad asked for \d", regex.IGNORECASE
)
_ACCUSES: Final = regex.compile(
    r"\b(?:complaint|accus\w+|su(?:ed|es|it|ing)|lawsuit|alleg\w+|charged|report finds|kept tips|"
    r"wage theft|demanda\w*|acus\w+)\b",
    regex.IGNORECASE,
)
_REPLIES: Final = regex.compile(
    r"\b(?:appeal|den(?:y|ies|ied)|disput\w+|misread|new permit|apelar\w*|niega\w*)\b",
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
        ends = not line[match.end() :].strip()
        if match[0][0] == "." and not ends and _ABBREVIATION.search(line[: match.start()]):
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
            if alone and _hangs(sentence):
                continue
            if not _is_new(sentence, before):
                continue
            return single_quotes(sentence)
    return ""


def telling_passage(teaser: str, *, title: str = "") -> str:
    """One or two sentences in a row from one teaser: the news, and what the reader must know of it.

    The second sentence may lean on the first, for they are quoted together. It is left out when it
    is somebody's words, or the other side's, unless it is a denial of what they are accused of or
    an appeal: to keep those back would mislead.

    Args:
        teaser: Plain text, cleaned to one line.
        title: The headline, which the reader has seen.

    Examples:
        >>> telling_passage("A jury ordered Brightgate on Friday to pay. The company will appeal.")
        'A jury ordered Brightgate on Friday to pay. The company will appeal.'
    """
    both = sentences(teaser)
    first = telling_sentence(both[:1], known=[title])
    if not first:
        # Without the first, a sentence may speak of a name that nobody has introduced.
        alone = telling_sentence([teaser], known=[title])
        introduced = regex.match(r"(?:An?|The|Some|More|About|\d)\b", alone)
        return alone if introduced or not both or not _SPOKEN.search(both[0]) else ""
    if len(both) < 2 or len(first) + len(both[1]) >= LONGEST_PASSAGE:
        return first
    second = both[1]
    if _BOILERPLATE.search(second) or _SPOKEN.search(second) or _AGAINST.search(second):
        return first
    if _ANSWERS.search(second) and not _fair(second, f"{title} {teaser}"):
        return first
    if not (second[0].isupper() or second[0].isdigit()):
        return first
    before = set(_words(f"{title} {first}"))
    new = _is_new(second, before, least=2)
    return f"{first} {single_quotes(second)}" if new else first


def deciding_sentence(
    teasers: Iterable[tuple[str, str]], *, known: Sequence[str] = (), around: str = ""
) -> tuple[str, str]:
    """A short sentence on an appeal, a denial, a deadline or a day of effect, and its outlet.

    Args:
        teasers: Plain text and outlet, the preferred one first.
        known: What the reader has been told already.
        around: All that is told of the story: decides whether a reply answers an accusation.

    Examples:
        >>> deciding_sentence([("The ban ended. It begins on May 1.", "Valley Post")])
        ('It begins on May 1.', 'Valley Post')
        >>> deciding_sentence([("Rain fell all night in the valley.", "Valley Post")])
        ('', '')
    """
    before = {word for text in known for word in _words(text)}
    for teaser, outlet in teasers:
        for sentence in sentences(teaser):
            if len(sentence) > LONGEST_KEY or not is_decisive(sentence):
                continue
            if _SPOKEN.search(sentence) or _BOILERPLATE.search(sentence):
                continue
            if _ANSWERS.search(sentence) and not _fair(sentence, around):
                continue
            words = set(_words(sentence))
            if len(words - before) < 2:
                continue
            return sentence, outlet
    return "", ""


def goes_against(sentence: str) -> bool:
    """True for a sentence that gives the other side's number: what it costs."""
    return bool(_AGAINST.search(sentence))


def _fair(sentence: str, around: str) -> bool:
    """A reply that readers are owed: an appeal, or a denial of an accusation."""
    return bool(_REPLIES.search(sentence)) or (
        bool(_ACCUSES.search(around))
        and bool(regex.search(r"\b(?:misread|no wrong|not true|disput|den(?:y|ie))", sentence))
    )


def _hangs(sentence: str) -> bool:
    if regex.match(r"(?i)some \d", sentence):
        return False
    return bool(_LEANS.match(sentence) or _HANGS.search(sentence))


def _is_new(sentence: str, before: set[str], *, least: int = 4) -> bool:
    """Enough new words; two more when it repeats a number that the reader has seen."""
    words = set(_words(sentence))
    if not words:
        return False
    repeats = any(word[0].isdigit() and len(word) > 1 for word in words & before)
    return len(words - before) >= (least + 2 if repeats else least)


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
