"""What kind of news is this? Cue words in the headline decide, and say so.

A draft that answers a win with outrage is worse than none. Each moment of an issue lists *cues*:

- ``strike vote``: these words in a row, in any letter case;
- ``picket*``: any ending;
- ``calls off ... strike``: in this order, at most eight words between, in one sentence.

A cue that lies inside the match of another moment's cue does not count (``calls off strike`` is
not a strike). The headline weighs three times the summary. When a setback and a step forward are
equally likely, nothing is chosen and the draft says so: the neutral frames are used.

Cues are then held against what happens to the things that the issue names
(:mod:`responders.drafting.turns`). Where it names none, a headline that turns something around
(``vetoes``, ``blocks``) or leaves it open (``could``, ``weighs``) with a word that no cue of the
moment has is not read: ``Judge blocks camp sweep`` is not a sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from responders.drafting.rules import LintRules
from responders.drafting.spans import find_phrase
from responders.drafting.turns import read_turn, without_may

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.drafting.turns import Turn
    from responders.model.issue import Moment, Thing

__all__ = ["Cue", "Reading", "find_phrase", "read_moment"]

Doubt = Literal["", "open", "good", "bad"]
TITLE_WEIGHT: Final = 3
# Verbs that turn the rest of a headline around.
_TURNS: Final = (
    "veto*", "reject", "rejects", "rejected", "block", "blocks", "blocked", "halt", "halts",
    "halted", "strike down", "strikes down", "struck down", "throw out", "throws out", "toss out",
    "tosses out", "overturn*", "repeal*", "reverse", "reverses", "reversed", "withdraw*",
    "deny", "denies", "denied", "restores", "vote down", "votes down", "delays vote",
    "withdrew", "cancels", "override*", "suspend", "suspends", "scraps", "falls short", "fall",
    "falls", "fell", "drops", "declines", "rehires", "reopens", "restored",
    "restore", "award*", "reinstat*", "fall short", "fails",
    "veta", "vetó", "rechaza*", "rechazó", "bloquea*", "bloqueó", "frena", "frenó", "anula*",
    "anuló", "deroga*", "derogó", "suspende*", "suspendió",
)  # fmt: skip
# Verbs with which somebody stops what comes behind them.
_STOPS: Final = (
    "stop", "stops", "stopped", "ban", "bans", "banned", "bar", "bars", "barred", "outlaw*",
    "void", "voids", "voided", "prohibit*", "declines to", "refuses to", "abandon*", "cancel*",
    "prohíbe*", "detien*", "cancela*",
)  # fmt: skip
# Deaths of bills, not of people.
_POLITICAL: Final = (
    *LintRules().not_tragedy,
    *(f"{what} ... {verb}" for what in ("bill", "bills", "measure", "proposal", "amendment") for
      verb in ("dies in", "dies", "died in", "died", "dead in", "dead")),
    *(f"{verb} ... {where}" for verb in ("dies in", "died in", "dead in", "die in") for where in (
        "senate", "house", "committee", "legislature", "chamber", "council", "statehouse")),
    *(f"{who} kill*" for who in (
        "senate", "house", "committee", "panel", "council", "lawmakers", "legislature", "board",
        "governor", "congress", "regulators", "commissioners", "commission", "senators", "voters",
        "court", "judge", "administration", "state", "republicans", "democrats",
    )),
)  # fmt: skip
# Words that leave a headline open; a cue that claims that it happened must have them in it.
_MAYBE: Final = (
    "could", "may", "might", "weigh", "weighs", "consider", "considers", "considering", "mull*",
    "propos*", "would", "to hear", "will hear", "take up", "takes up", "debates",
    "seeks to", "seek to", "vows to", "whether",
    "podría*", "propon*", "considera", "consideran", "estudia*", "analiza*", "debate", "debaten",
    "busca", "buscan", "evalúa*",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A cue found in a text.

    Attributes:
        moment: Name of the moment that it speaks for.
        text: The words as they stand.
        where: ``title`` or ``summary``.
    """

    moment: str
    text: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a story was read.

    Attributes:
        moment: The moment, or None when there is none, or when it is unclear.
        cues: What speaks for it; for an unclear story, what speaks for each side.
        unclear: True when setback and progress speak equally.
        doubt: Why there is no moment although something was read: ``open`` when nothing is decided
            yet, ``good`` or ``bad`` when no moment is written for such news; else empty.
    """

    moment: Moment | None
    cues: tuple[Cue, ...] = ()
    unclear: bool = False
    doubt: Doubt = ""

    def in_words(self) -> str:
        """The reading as a sentence: ``Read as a strike (“walk out” in the title).``."""
        longest: list[Cue] = []
        for cue in self.cues:
            if not any(cue.text.casefold() in other.text.casefold() for other in longest):
                longest = [o for o in longest if o.text.casefold() not in cue.text.casefold()]
                longest.append(cue)
        shown = ", ".join(f"“{cue.text}” in the {cue.where}" for cue in longest[:3])
        if self.moment is not None:
            return f"Read as {self.moment.label} ({shown})."
        if self.doubt == "open":
            return f"Not decided yet ({shown}): general wording is used."
        if self.doubt:
            return (
                f"Read as {self.doubt} news ({shown}) that no moment is written for: "
                "general wording is used."
            )
        if self.unclear:
            return f"Good or bad news? Unclear ({shown}): neutral wording is used."
        return "No particular kind of news recognised: general wording is used."


def read_moment(
    moments: Iterable[Moment],
    *,
    title: str,
    summary: str = "",
    things: Iterable[Thing] = (),
    lang: str = "en",
) -> Reading:
    """The moment that the story's own words speak for.

    Cues and things are read each for themselves (:mod:`responders.drafting.turns`), and then held
    against each other. A cue that agrees with what happens to a thing is the more exact; one that
    disagrees is overruled, because it did not see the word that turned the headline round.

    Args:
        moments: The issue's moments; earlier ones win a tie.
        title: Headline.
        summary: Teaser, plain text.
        things: What news happens to.
        lang: BCP 47 tag of the issue.

    Returns:
        The reading, with the words that decided it.
    """
    known = tuple(moments)
    stuff = tuple(things)
    by_cues = _by_cues(known, title=title, summary=summary)
    if by_cues.moment is not None and by_cues.moment.hold:
        return by_cues
    awaited = {
        name
        for thing in stuff
        for outcome, name in thing.moments.items()
        if outcome in {"hoped", "feared"}
    }
    turn = read_turn(stuff, title, lang=lang)
    if turn is None:
        return _guarded(by_cues, title, awaited)
    return _weighed(known, by_cues, turn, title, awaited)


def _weighed(
    known: Sequence[Moment], by_cues: Reading, turn: Turn, title: str, awaited: set[str]
) -> Reading:
    """What the cues say, held against what happens to a thing."""
    names = [turn.thing.moments[o] for o in turn.outcomes() if o in turn.thing.moments]
    own = next((moment for moment in known if moment.name in names[:1]), None)
    words = tuple(
        Cue(moment=own.name if own else "", text=title[a:b], where="title") for a, b in turn.spans
    )
    by_turn = Reading(moment=own, cues=words)
    cued = by_cues.moment
    if cued is not None:
        agrees = cued.stance == ("progress" if turn.good else "setback")
        # A cue that is only the name of the thing does not say what was done, or is planned.
        named = title[slice(*turn.spans[0])]
        bare = own is not None and all(cue.text in named for cue in by_cues.cues)
        if turn.settled and agrees and cued.name not in awaited and not bare:
            return by_cues
        if not turn.settled and (cued.name in awaited or (cued.stance == "neutral" and not bare)):
            return by_cues
        if own is None and cued.stance == "neutral":
            return by_cues
        if cued.stance == "neutral" and any(
            # The cue knows what was done: "opens comment period on soot rule".
            " " in cue.text and any(word.text in cue.text for word in words[1:])
            for cue in by_cues.cues
        ):
            return by_cues
    if own is not None:
        return by_turn
    if not turn.settled:
        return Reading(moment=None, cues=words, doubt="open")
    return Reading(moment=None, cues=words, doubt="good" if turn.good else "bad")


def _guarded(by_cues: Reading, title: str, awaited: set[str]) -> Reading:
    """What the cues say, unless the headline turns it round or leaves it open."""
    moment = by_cues.moment
    if moment is None or moment.stance == "neutral":
        return by_cues
    own = [span for cue in moment.cues for span in find_phrase(cue, title)]
    turned = _outside(_TURNS, title, own)
    if not turned:
        # Said before everything that the moment knows: "City bans rent-setting software".
        begins = min((start for start, _ in own), default=0)
        turned = _outside(_STOPS, title[:begins], ())
    if turned:
        cue = Cue(moment=moment.name, text=turned, where="title")
        return Reading(moment=None, cues=(*by_cues.cues, cue), unclear=True)
    maybe = "" if moment.name in awaited else _outside(_MAYBE, without_may(title), own)
    if maybe:
        cue = Cue(moment=moment.name, text=maybe, where="title")
        return Reading(moment=None, cues=(cue,), doubt="open")
    return by_cues


def _outside(phrases: Iterable[str], title: str, own: Sequence[tuple[int, int]]) -> str:
    """The first of these phrases in a headline that no cue of the moment has in it."""
    for phrase in phrases:
        for start, end in find_phrase(phrase, title):
            if not any(a <= start and end <= b for a, b in own):
                return title[start:end]
    return ""


def _by_cues(known: Sequence[Moment], *, title: str, summary: str) -> Reading:
    holding = {moment.name for moment in known if moment.hold}
    scores: dict[str, int] = {}
    evidence: dict[str, list[Cue]] = {}
    for where, text, weight in (("title", title, TITLE_WEIGHT), ("summary", summary, 1)):
        harmless = [span for phrase in _POLITICAL for span in find_phrase(phrase, text)]
        hits = [
            (span, moment.name, len(cue.replace("...", " ").split()))
            for moment in known
            for cue in moment.cues
            for span in find_phrase(cue, text)
        ]
        seen: set[tuple[str, tuple[int, int]]] = set()
        for span, name, size in hits:
            if name in holding and any(a <= span[0] and span[1] <= b for a, b in harmless):
                continue
            covered = any(
                other != name and a <= span[0] and span[1] <= b and (a, b) != span
                for (a, b), other, _ in hits
            )
            if covered or (name, span) in seen:
                continue
            seen.add((name, span))
            scores[name] = scores.get(name, 0) + weight * size
            cue = Cue(moment=name, text=text[span[0] : span[1]], where=where)
            evidence.setdefault(name, []).append(cue)
    if not scores:
        return Reading(moment=None)
    held = [moment for moment in known if moment.hold and moment.name in scores]
    if held:
        # A death outweighs everything else that the headline says.
        return Reading(moment=held[0], cues=tuple(evidence[held[0].name]))
    best = max(scores.values())
    top = [moment for moment in known if scores.get(moment.name) == best]
    if {"setback", "progress"} <= {moment.stance for moment in top}:
        both = tuple(cue for moment in top for cue in evidence[moment.name])
        return Reading(moment=None, cues=both, unclear=True)
    return Reading(moment=top[0], cues=tuple(evidence[top[0].name]))
