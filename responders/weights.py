"""How much a term tells about which story an entry belongs to.

Weights are inverse document frequencies over everything seen so far (*warm*: they go on from day
to day), with two corrections that a newsroom needs:

- Before anything was seen every word would weigh the same. The function words of English and
  Spanish therefore start as if they had been met often, and the words of any day's news (days,
  months, "meet") as if they had been met now and then.
- An outlet's furniture ("appeared first on The Daily Example", the name behind the headline) is
  rare in the world and in each of its entries. A term that one owner used in half or more of
  its latest entries says nothing about the story and weighs nothing there.

Counts are halved now and then, so that they follow the year and stay small.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from responders.match import tokenize_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TermWeights"]

_SUMMARY_TERMS: Final = 60
# Sixty terms and what stands between them; the rest of a long text need not be cut into terms.
_SUMMARY_CHARACTERS: Final = 1_000
_MOST_DOCUMENTS: Final = 100_000
_OWNER_DOCUMENTS: Final = 40
_FURNITURE_FROM: Final = 10
_FURNITURE_SHARE: Final = 0.5
# Pseudo-documents that stand for what was read before the first entry, and how many of them hold
# each function word. Any mixture of this order does; the first few hundred entries outweigh it.
_PRIOR_DOCUMENTS: Final = 500
_PRIOR_FREQUENCY: Final = 200
_PRIOR_DAILY: Final = 60
_DAILY_WORDS: Final = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april june july
    august september october november december meet meets meeting next month instead again set
    hold holds held announce announces announced expected tonight tomorrow yesterday
    lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio julio
    agosto septiembre octubre noviembre diciembre reunion reunira proximo proxima mes semana
    manana ayer
    """.split()  # noqa: SIM905 - a list of 80 strings is not readable
)
_FUNCTION_WORDS: Final = frozenset(
    """
    a about after against all also am an and any are as at back be because been before being but by
    can could day did do does down during even first for from get go had has have he her here him
    his how i if in into is it its just last like ll make may me more most much my new no not now
    of off on one only or other our out over re s said say says second see she should so some still
    such t take than that the their them then there these they this those three through time to
    today too top two under until up us ve very want was way we week were what when where which
    while who why will with would year years you your
    al algo ante antes asi aunque bajo cada como con contra cual cuando de del desde despues dia
    dias dice dijo donde dos el ella ellos en entre era es esa ese eso esta estan estas este estos
    fue ha hace han hasta hay hoy la las le les lo los mas mi mientras muy ni nos nueva nuevo o otra
    otro para pero por porque primer primera que quien se segun ser si sin sobre son su sus tambien
    tiene todo todos tras tres un una uno y ya
    """.split()  # noqa: SIM905 - a list of 200 strings is not readable
)


class TermWeights:
    """Document frequencies, overall and by owner.

    Args:
        summary_weight: Weight of a summary's term beside a title's, 0..1.
    """

    def __init__(self, *, summary_weight: float) -> None:
        self.summary_weight = summary_weight
        self._documents = 0.0
        self._frequency: dict[str, float] = {}
        self._owner_documents: dict[str, float] = {}
        self._owner_frequency: dict[str, dict[str, float]] = {}
        self._cut: tuple[str, str, dict[str, float]] = ("", "", {})

    def vector(self, *, title: str, summary: str, owner: str) -> dict[str, float]:
        """The entry as a unit vector over its terms, heaviest first.

        Args:
            title: Headline.
            summary: Teaser; its first 60 terms of its first 1,000 characters count.
            owner: Who speaks, for furniture; empty when unknown.

        Returns:
            Weights by term, with Euclidean norm 1; empty where nothing has weight.
        """
        total = self._documents + _PRIOR_DOCUMENTS
        furniture = self._furniture(owner)
        weights = {}
        for term, part in self._parts(title, summary).items():
            if term not in furniture:
                met = self._frequency.get(term, 0.0) + _prior(term)
                weights[term] = part * math.log(1.0 + total / met)
        norm = math.sqrt(sum(w * w for w in weights.values()))
        heaviest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        return {term: weight / norm for term, weight in heaviest}

    def learn(self, *, title: str, summary: str, owner: str) -> None:
        """Count an entry's terms."""
        terms = self._parts(title, summary)
        self._documents += 1
        _count(self._frequency, terms)
        if self._documents >= _MOST_DOCUMENTS:
            self._documents /= 2
            self._frequency = _halved(self._frequency)
        if owner:
            counted = self._owner_frequency.setdefault(owner, {})
            _count(counted, terms)
            self._owner_documents[owner] = self._owner_documents.get(owner, 0.0) + 1
            self._owner_documents[owner] = self._tidied(owner, self._owner_documents[owner])

    def export(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "documents": self._documents,
            "frequency": dict(self._frequency),
            "owner_documents": dict(self._owner_documents),
            "owner_frequency": {owner: dict(c) for owner, c in self._owner_frequency.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`export` gave."""
        self._documents = float(state["documents"])
        self._frequency = dict(state["frequency"])
        self._owner_documents = dict(state["owner_documents"])
        self._owner_frequency = {o: dict(c) for o, c in state["owner_frequency"].items()}

    def _parts(self, title: str, summary: str) -> dict[str, float]:
        if self._cut[:2] == (title, summary):  # an entry is weighed first and learned right after
            return self._cut[2]
        parts = dict.fromkeys(tokenize_terms(title), 1.0)
        for term in tokenize_terms(summary[:_SUMMARY_CHARACTERS])[:_SUMMARY_TERMS]:
            parts.setdefault(term, self.summary_weight)
        self._cut = (title, summary, parts)
        return parts

    def _tidied(self, owner: str, documents: float) -> float:
        """Keep of an owner only what may yet be furniture: the rest would be most of the state."""
        counted = self._owner_frequency[owner]
        if documents >= _OWNER_DOCUMENTS:
            documents /= 2
            self._owner_frequency[owner] = _halved(counted)
        elif documents % 4 == 0:
            least = documents * _FURNITURE_SHARE / 2
            self._owner_frequency[owner] = {t: n for t, n in counted.items() if n >= least}
        return documents

    def _furniture(self, owner: str) -> frozenset[str]:
        documents = self._owner_documents.get(owner, 0.0)
        if documents < _FURNITURE_FROM:
            return frozenset()
        least = documents * _FURNITURE_SHARE
        return frozenset(t for t, n in self._owner_frequency[owner].items() if n >= least)


def _prior(term: str) -> int:
    if term in _FUNCTION_WORDS:
        return _PRIOR_FREQUENCY
    return _PRIOR_DAILY if term in _DAILY_WORDS else 1


def _count(frequency: dict[str, float], terms: Mapping[str, float]) -> None:
    for term in terms:
        frequency[term] = frequency.get(term, 0.0) + 1.0


def _halved(frequency: Mapping[str, float]) -> dict[str, float]:
    return {term: n / 2 for term, n in frequency.items() if n >= 2.0}
