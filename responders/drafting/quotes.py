"""Find what people said in a teaser, with the person, so that an editor can use it.

Only a quotation with a named speaker beside it is taken: ``“...,” said Ana Ruiz, a nurse``. Rather
none than one in the wrong mouth. A draft never uses a quotation by itself: it is offered, with its
attribution, for the editor to choose (the speaker may be the other side).
"""

from __future__ import annotations

from typing import Final

import regex

from responders.drafting.facts import clean_line
from responders.model.draft import Quote

__all__ = ["quotes_in"]

MIN_WORDS: Final = 4
_SAID: Final = (
    r"(?:said|says|told\s+reporters|added|wrote|explained|dijo|dice|afirmó|añadió|explicó)"
)
_PARTICLE: Final = r"(?:de|del|la|las|los|da|van|von|der|bin|al|y)"
_NAME: Final = (
    rf"(?P<name>(?:(?:Mr|Mrs|Ms|Dr|Gov|Sen|Rep|Sr|Sra|Dra)\.\s+)?"
    rf"\p{{Lu}}[\p{{L}}'’-]+(?:\s+(?:{_PARTICLE}\s+)*\p{{Lu}}(?:[\p{{L}}'’-]+|\.)){{0,4}})"
)
_QUOTE: Final = r"[“\"«](?P<words>[^“”\"«»]{10,400}?)[,.!?]?[”\"»]"
_AFTER: Final = regex.compile(rf"{_QUOTE},?\s+(?:{_SAID}\s+{_NAME}|{_NAME}\s+{_SAID})\b")
_BEFORE: Final = regex.compile(rf"(?:{_NAME}\s+{_SAID}|[Ss]egún\s+{_NAME})\s*[,:]\s*{_QUOTE}")
_PRONOUNS: Final = frozenset(
    {"He", "She", "They", "It", "I", "We", "Who", "The", "A", "Él", "Ella", "Ellos", "Ellas"}
)


def quotes_in(text: str, *, source: str = "", url: str = "") -> tuple[Quote, ...]:
    """Quotations with their speakers, in order of appearance.

    Args:
        text: Plain text of a teaser or article.
        source: Outlet that published it.
        url: Where.

    Examples:
        >>> found = quotes_in("“We want to come home safe,” said Ana Ruiz, a packer.")
        >>> (found[0].text, found[0].speaker)
        ('We want to come home safe', 'Ana Ruiz')
    """
    line = clean_line(text, limit=5000)
    found: dict[int, Quote] = {}
    for pattern in (_AFTER, _BEFORE):
        for match in pattern.finditer(line):
            name = next((n for n in match.captures("name") if n), "")
            words = match["words"].strip(" ,")
            if name in _PRONOUNS or len(words.split()) < MIN_WORDS:
                continue
            found.setdefault(
                match.start("words"), Quote(text=words, speaker=name, source=source, url=url)
            )
    return tuple(found[start] for start in sorted(found))
