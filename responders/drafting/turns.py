"""Who did what to what: which way a headline turns for a thing that an issue cares about.

Theory. An issue file names *things*, each wanted or not: a rent cap, an abortion ban, a coal plant.
A headline says what happens to one of them, through words that keep its sense (*passes*, *upholds*,
*lets*) and words that turn it (*blocks*, *repeal*, *ban on*, *fails*, *refuses*). Turning words
cancel in pairs, as in speech: to reject a challenge to a ban is to keep the ban. So the sign of the
news is (+1 for a wanted thing, -1 for one that is not) times -1 for each turning word of the clause
in which the thing stands. A clause ends at a word that opens another (*as*, *after*, *while*).

Three more things are read: whether it is decided (*could*, *weighs*, *sues*, a bill that one
chamber passed: not yet), who decided (a court, voters), and whether something was refused that did
not exist yet (a bill was vetoed) or taken away that did (a law was repealed).

Two things of a clause that turn opposite ways give no reading: nothing is better than the wrong way
round. The words are in English and Spanish; which of them count is decided by language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import regex

from responders.drafting.spans import find_phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.model.issue import Outcome, Thing

__all__ = ["Turn", "is_open", "read_turn", "turning_words", "without_may"]

Body = Literal["court", "voters", "chamber", ""]
Span = tuple[int, int]

# Words that keep the sense of what follows or stands before them.
_KEEPS: Final = {
    "en": (
        "pass", "passes", "passed", "passing", "passage", "approv*", "adopt*", "sign", "signs",
        "signed", "signing", "enact*", "backs", "backed", "uphold*", "upheld", "affirm*", "allow*",
        "let", "lets", "clear", "clears", "cleared", "revive*", "restor*", "reinstat*", "extend*",
        "expand*", "widen*", "reopen*", "add", "adds", "added", "funds", "funding",
        "grant*", "award*", "win", "wins", "won", "secure", "secures", "secured", "guarantee*",
        "protect", "protects", "protecting", "shield", "shields", "shielding", "save", "saves",
        "saved", "keep", "keeps", "kept", "requir*", "mandat*", "enshrin*", "surviv*", "stand",
        "stands", "take effect", "takes effect", "took effect", "in effect", "into effect", "into force", "in force", "return",
        "returns", "ok", "oks", "okays", "green light", "green lights", "greenlight*", "order",
        "orders", "ordered", "launch*", "boost*", "raise", "raises", "raised", "strengthen*",
        "vote to", "votes to", "voted to", "votes for", "vote for", "voted for", "counted",
        "codif*", "legaliz*", "give", "gives", "gave", "say yes", "says yes", "embrac*", "renew*",
        "ratif*", "support", "supports", "supported", "advanc*", "build", "builds", "move ahead",
        "moves ahead", "go ahead", "goes ahead", "go forward", "goes forward", "proceed*",
        "resume*", "impose*", "tighten*", "toughen*", "agree to", "agrees to", "introduc*",
        "unveil*", "announc*", "begin*", "start", "starts", "remain*",
        "finaliz*", "speed", "speeds", "valid", "constitutional", "lawful",
    ),
    "es": (
        "aprueb*", "aprob*", "firma", "firman", "firmó", "promulg*", "adopt*", "respald*", "aval*",
        "mantien*", "mantuv*", "restaur*", "restable*", "reestable*", "amplía*", "ampli*",
        "extiend*", "extend*", "proteg*", "gana", "ganan", "ganó", "ganaron", "logra*", "lograron",
        "permit*", "ordena*", "ordenó", "ratific*", "confirm*", "entra en vigor", "entró en vigor",
        "en pie", "avanza*", "sigue vigente", "garantiza*", "da luz verde", "financia*", "impone*",
        "exige*", "abre", "abren", "autoriza*", "autorizó", "salva*", "conserva*", "dan luz verde",
    ),
}  # fmt: skip
# Words that turn it, and refuse what was not there yet: a bill, a permit, a plan.
_REFUSES: Final = {
    "en": (
        "veto*", "reject", "rejects", "rejected", "rejecting", "rejection", "kill", "kills",
        "killed", "killing", "defeat*", "vote down", "votes down", "voted down", "vote against",
        "votes against", "voted against", "vote* ... against", "votes no", "vote no", "turn down",
        "turns down", "turned down", "fail", "fails", "failed", "failing", "fall short",
        "falls short", "fell short", "falls ... short", "die", "dies", "died", "shelve*", "tables", "tabled", "stall", "stalls", "stalled", "nix", "nixes", "nixed", "deny", "denies", "denied", "denying", "denial",
        "spurn*", "say no", "says no", "said no", "balk*", "sink", "sinks", "sank", "scuttl*",
        "short of", "rebuff*",
    ),
    "es": (
        "veta", "vetan", "vetó", "veto", "rechaz*", "vota en contra", "votó en contra",
        "votan en contra", "fracas*", "niega*", "negó", "no aprueba", "no aprobó", "archiva*",
        "archivó", "no pasa", "no logra", "hunde*", "hundió", "descarta*", "descartó",
    ),
}  # fmt: skip
# Words that turn it: what was there is stopped, undone or made less.
_TURNS: Final = {
    "en": (
        "block", "blocks", "blocked", "blocking", "repeal*", "strike down", "strikes down",
        "struck down", "strike ... down", "strikes ... down", "overturn*", "toss", "tosses",
        "tossed", "tossing", "throw* out", "threw out", "thrown out", "throws ... out", "end",
        "ends", "ended", "ending", "cut", "cuts", "cutting", "slash*", "scrap", "scraps",
        "scrapped", "scrapping", "gut", "guts", "gutted", "gutting", "weaken*", "water down",
        "waters down", "watered down", "roll back", "rolls back", "rolled back", "rolling back",
        "rollback", "revers*", "suspend*", "halt*", "stop", "stops", "stopped", "stopping", "bar",
        "bars", "barred", "barring", "ban", "bans", "banned", "banning", "prohibit*", "outlaw*",
        "limit", "limits", "limited", "limiting", "restrict*", "cap", "caps", "capped", "capping",
        "curb", "curbs", "curbed", "curbing", "delay*", "postpon*", "put off", "puts off",
        "refus*", "declin*", "overrid*", "overrode", "void", "voids", "voided", "withdr*", "drop",
        "drops", "dropped", "dropping", "abandon*", "cancel*", "dismiss*", "lift", "lifts",
        "lifted", "lifting", "undo", "undoes", "undid", "undoing", "close", "closes", "closed",
        "closing", "closure", "shut", "shuts", "shutting", "shutter*", "remov*", "shorten*",
        "reduc*", "lapse*", "expir*", "freez*", "froze", "pause", "pauses", "paused", "on hold",
        "challeng*", "oppos*", "fight", "fights", "fought", "strip", "strips", "stripped",
        "revok*", "rescind*", "quash*", "invalidat*", "nullif*", "eliminat*", "axe", "axes",
        "axed", "abolish*", "retire", "retires", "retiring", "retirement", "scale back",
        "scales back", "scaled back", "narrows", "narrowed", "pull", "pulls", "pulled",
        "lose", "loses", "lost", "unconstitutional", "illegal", "unlawful", "not", "never", "no",
        "won't", "can't", "cannot", "injunction", "enjoin*", "sidelin*",
        "thwart*", "derail*", "criminaliz*", "phase out", "phases out", "walk* away",
        "back* away", "defund*", "let ... expire", "hinder*", "crack* down", "go* dark", "fine", "fines", "fined", "penalt*", "penaliz*",
        "punish*", "crime to", "collaps*", "zero out", "zeros out", "push* back",
        "pull* plug", "pulls the plug", "curtail*", "chip* away",
    ),
    "es": (
        "bloque*", "frena*", "frenó", "anul*", "derog*", "suspend*", "elimin*", "recort*",
        "cancel*", "revoc*", "detien*", "detuv*", "limit*", "prohíb*", "prohib*", "tumb*",
        "retir*", "invalid*", "impugn*", "aplaz*", "pospon*", "cierra*", "cerr*", "quita*",
        "quitó", "reduc*", "vence", "vencen", "expira*", "termina*", "congela*", "congeló",
        "restring*", "debilit*", "pierd*", "perdi*", "deja sin efecto", "inconstitucional", "no",
        "paraliza*", "paralizó", "deniega*", "denegó", "pone fin",
    ),
}  # fmt: skip
# Words that turn only what stands behind them: "protects renters from eviction".
_SPARES: Final = {
    "en": (
        "protect* ... from", "protect* ... against", "protection* against", "protections from",
        "shield* ... from", "shield* ... against", "spare", "spares", "spared", "prevent*",
        "avoid*", "avert*", "save* ... from", "relief from", "free* ... from", "escape*",
    ),
    "es": ("proteg* ... de", "proteg* ... contra", "protección contra", "evita*", "impide*"),
}  # fmt: skip
# Not decided: said of what may come.
_OPEN: Final = {
    "en": (
        "could", "may", "might", "would", "should", "weigh", "weighs", "weighed", "weighing",
        "consider*", "propos*", "plan to", "plans to", "planned", "planning to", "plan would",
        "seek", "seeks", "sought", "seeking", "ask", "asks", "asked", "urge", "urges", "urged",
        "push", "pushes", "pushed", "pushing", "call for", "calls for", "call to", "calls to",
        "want", "wants", "eye", "eyes", "mull*", "debat*", "vow", "vows", "vowed", "pledg*",
        "promis*", "threaten*", "introduc*", "sponsor*", "vote on", "votes on", "voting on",
        "to vote", "will vote", "to decide", "will decide", "decide whether", "to consider",
        "set to", "expected", "poised", "nears", "hearing on", "hearing", "hearings",
        "sue", "sues", "sued", "suing", "lawsuit", "suit", "petition", "ballot", "unveil*",
        "draft", "drafts", "hope", "hopes", "aim", "aims", "argue*", "looms", "loom", "asked to",
        "pending", "request*", "future of", "fate of", "in limbo", "hangs", "at stake", "whether",
        "takes up", "take up", "hears", "to hear", "will hear", "faces vote", "heads to",
        "head to", "moves to", "recommend*", "prepar*", "ponder*", "advanc*", "effort to",
        "try", "tries", "trying", "bid to", "backers", "rally for", "rally to", "demand*",
        "battle over", "fight over", "asking", "file*", "on the table",
        "if", "face", "faces", "facing", "risk", "risks", "at risk", "in danger", "in doubt",
        "uncertain", "looks to", "look to", "float", "floats", "floated", "explor*", "study",
        "studies", "warn*", "predict*", "fear", "fears", "wait*", "await*", "challenge*",
    ),
    "es": (
        "podría*", "propon*", "propuso", "propuest*", "considera*", "estudia*", "debat*",
        "analiza*", "evalúa*", "busca*", "buscan", "pide*", "piden", "plan", "planea*", "demanda*",
        "amenaza*", "votará*", "decidirá*", "audiencia", "en riesgo", "en peligro", "pretend*",
        "quiere*", "promet*", "iniciativa", "discut*", "someter*", "proyecto", "impugn*",
        "espera*", "si",
    ),
}  # fmt: skip
# A final word of a court, a governor or a vote: what was open is not any more.
_SETTLES: Final = {
    "en": (
        "sign", "signs", "signed", "veto", "vetoes", "vetoed", "reject", "rejects", "rejected",
        "uphold*", "upheld", "strike* down", "struck down", "block", "blocks", "blocked",
        "dismiss*", "kill", "kills", "killed", "fail", "fails", "failed", "enact*", "overrid*",
        "throw* out", "threw out", "toss", "tosses", "tossed", "dies", "died", "defeat*",
        "refus*", "declin*", "becomes law", "takes effect", "turns down", "denies", "denied",
        "win", "wins", "won", "halts", "overturn*", "drop", "drops", "dropped", "abandon*",
        "withdr*", "lets", "revive*", "falls short", "falls ... short", "survives", "adopts",
        "adopted", "nix*", "vote down", "votes down", "votes against",
    ),
    "es": (
        "firma", "firmó", "veta", "vetó", "rechaz*", "bloque*", "anul*", "promulg*", "aprueb*",
        "aprobó", "frena*", "frenó", "fracas*", "suspend*", "ratific*", "confirma*", "falla*",
        "falló", "desecha*", "desestim*", "archiva*",
    ),
}  # fmt: skip
# What is written and not yet law, and the verbs by which it is stopped.
_PAPER: Final = {
    "en": ("bill", "bills", "measure", "proposal", "amendment", "legislation", "ordinance"),
    "es": ("proyecto", "propuesta", "medida", "iniciativa", "enmienda"),
}
_STOPS: Final = frozenset(
    {"block", "blocks", "blocked", "stop", "stops", "stopped", "halts", "delays", "bloquea",
     "bloqueó", "frena", "frenó"}
)  # fmt: skip
# Said of what is over, whatever it was called before: a plan that died is no plan.
_OVER: Final = {
    "en": (
        "dies", "died", "fails", "failed", "collapses", "collapsed", "falls short", "fell short",
        "stalls", "defeated", "falls ... short", "vote* down", "turn* down", "dropped",
    ),
    "es": ("fracasa", "fracasó", "no pasa", "no pasó", "archiva*", "archivada", "rechazada"),
}  # fmt: skip
_COURT: Final = {
    "en": ("court*", "judge", "judges", "justices", "appeals panel", "jury", "ruling", "tribunal"),
    "es": ("corte", "cortes", "juez", "jueza", "jueces", "tribunal*", "fallo", "jurado"),
}
_VOTERS: Final = {
    "en": ("voters", "ballot measure", "referendum", "statewide vote", "at the polls"),
    "es": ("votantes", "electores", "referéndum", "en las urnas"),
}
_CHAMBER: Final = {
    "en": (
        "house", "senate", "committee", "panel", "subcommittee", "assembly", "chamber", "senators",
    ),
    "es": ("senado", "cámara", "comité", "comisión", "asamblea", "senadores"),
}
# Where another clause begins. What stands behind is why or when, not what.
_CUT: Final = {
    "en": (
        "as", "after", "amid", "while", "despite", "following", "ahead of", "before", "but",
        "because", "since", "when", "over fears", "saying", "citing", "even", "though", "although",
        "until", "weeks before", "days before", "without",
    ),
    "es": (
        "tras", "después", "mientras", "pese", "antes", "pero", "porque", "cuando", "aunque",
        "a pesar", "luego", "en medio", "hasta", "sin",
    ),
}  # fmt: skip
# The month, and the permission: "may now vote", "rules that boxes may return".
_MONTH: Final = regex.compile(
    r"\bmay(?= (?:now|no longer|again|keep|continue)\b)|(?<=\b(?:says?|rules?|ruled|finds?)\b.{0,50})\bmay\b|"
    r"(?<=\b(?:in|by|until|on|this|next|last|late|early|of|since|every) )May\b|\bMay(?= \d)",
)
_BREAK: Final = regex.compile(r"[;:?]|\s[–—-]\s|,(?=\s+\p{L}+(?:ing|ando|iendo)\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happens to a thing.

    Attributes:
        thing: The thing.
        good: Whether it is good news for the issue.
        settled: False while it is not decided.
        refused: True when something was turned down that was not there yet.
        body: Who decided: a court, voters, one chamber; else empty.
        spans: The words that say so: the thing, then what was done, as (start, end).
    """

    thing: Thing
    good: bool
    settled: bool
    refused: bool
    body: Body
    spans: tuple[Span, ...]

    def outcomes(self) -> tuple[Outcome, ...]:
        """Keys under a thing's ``moments`` that fit, the most exact first."""
        if not self.settled:
            return ("hoped",) if self.good else ("feared",)
        plain: Outcome = "won" if self.good else "lost"
        if not self.good and self.refused and self.thing.wanted:
            plain = "refused"
        if self.body == "court":
            return ("won-in-court" if self.good else "lost-in-court", plain)
        if self.body == "voters":
            return ("won-by-voters" if self.good else "lost-by-voters", plain)
        return (plain,)


def turning_words(text: str, *, lang: str = "en") -> tuple[Span, ...]:
    """Where words stand that turn the sense of a text, as (start, end).

    Examples:
        >>> text = "Judge blocks repeal of rent cap"
        >>> [text[a:b] for a, b in turning_words(text)]
        ['blocks', 'repeal']
    """
    tag = _tag(lang)
    return _found((*_REFUSES[tag], *_TURNS[tag]), text)


def without_may(text: str) -> str:
    """The text with the month of May struck out, so that it is not taken for the verb.

    Examples:
        >>> without_may("Voters may decide in May")
        'Voters may decide in ---'
    """
    return _MONTH.sub("---", text)


def is_open(text: str, *, lang: str = "en") -> Span | None:
    """The first word that says that nothing is decided yet, or None.

    Examples:
        >>> is_open("Council weighs rent cap"), is_open("Council passes rent cap")
        ((8, 14), None)
    """
    found = _found(_OPEN[_tag(lang)], without_may(text))
    return found[0] if found else None


def read_turn(things: Iterable[Thing], title: str, *, lang: str = "en") -> Turn | None:
    """What a headline says of the first thing in it that something happens to.

    Args:
        things: The things of the issue.
        title: The headline.
        lang: BCP 47 tag of the words to look for.

    Returns:
        The turn; None when no thing is named, when nothing happens to it, or when two turn
        opposite ways.
    """
    known = tuple(things)
    for start, end in _clauses(title, lang):
        turns = _turns_in(known, title[start:end], offset=start, lang=_tag(lang))
        if turns:
            # Opposite ways: the headline says two things, or we misread one.
            return turns[0] if len({turn.good for turn in turns}) == 1 else None
    return None


def _tag(lang: str) -> str:
    tag = lang.split("-", maxsplit=1)[0]
    return tag if tag in _TURNS else "en"


def _clauses(title: str, lang: str) -> list[Span]:
    """The parts of a headline, each to be read on its own."""
    cuts = {span[0] for span in _found(_CUT[_tag(lang)], title)}
    cuts |= {match.start() for match in _BREAK.finditer(title)}
    places = [0, *sorted(cuts), len(title)]
    return [(a, b) for a, b in zip(places, places[1:], strict=False) if title[a:b].strip()]


def _turns_in(things: Sequence[Thing], clause: str, *, offset: int, lang: str) -> list[Turn]:
    named = _named(things, clause)
    taken = [span for span, _ in named]
    refuses = _free(_found(_REFUSES[lang], clause), taken)
    turns = _free(_found(_TURNS[lang], clause), taken)
    turns = [span for span in turns if not _inside(span, refuses)]
    keeps = _free(_found(_KEEPS[lang], clause), [*taken, *refuses, *turns])
    body = _body(clause, lang)
    if body != "court" and _found(_PAPER[lang], clause):
        # "Senate blocks bill to ...": nothing is undone, something does not come about.
        stopped = [span for span in turns if clause[span[0] : span[1]].casefold() in _STOPS]
        refuses, turns = [*refuses, *stopped], [span for span in turns if span not in stopped]
    acts = sorted([*refuses, *turns, *keeps])
    if not acts:
        return []
    settles = _free(_found(_SETTLES[lang], clause), taken)
    unsettled = _free(_found(_OPEN[lang], without_may(clause)), taken)
    # "Senate rejects a plan that would ...": the first of the two governs the rest.
    settled = not unsettled or bool(settles and settles[0][0] <= unsettled[0][0])
    settled = settled or bool(_found(_OVER[lang], clause))
    first = acts[0]
    if body == "chamber" and first not in refuses and not any(s in refuses for s in acts):
        settled = False
    spares = _found(_SPARES[lang], clause)
    found = []
    for span, thing in named:
        flips = len(refuses) + len(turns) + sum(end <= span[0] for _, end in spares)
        flips -= _attribute(clause, span, [*refuses, *turns], acts)
        good = thing.wanted != bool(flips % 2)
        words = [span, *acts]
        found.append(
            Turn(
                thing=thing,
                good=good,
                settled=settled,
                refused=bool(refuses) and body != "court",
                body=body,
                spans=tuple((a + offset, b + offset) for a, b in words),
            )
        )
    return found


def _attribute(clause: str, thing: Span, turns: Sequence[Span], acts: Sequence[Span]) -> int:
    """1 when a turning word only says which thing is meant: to revive a canceled pipeline."""
    return int(
        any(
            clause[start:end].endswith("ed") and not clause[end : thing[0]].strip(" -")
            and end <= thing[0] and any(act[1] <= start for act in acts)
            for start, end in turns
        )
    )  # fmt: skip


def _named(things: Sequence[Thing], clause: str) -> list[tuple[Span, Thing]]:
    """The things in a clause; where two overlap, the longer one."""
    hits = [
        (span, thing)
        for thing in things
        for words in thing.words
        for span in find_phrase(words, clause)
    ]
    hits.sort(key=lambda hit: (hit[0][0] - hit[0][1], hit[0][0]))
    kept: list[tuple[Span, Thing]] = []
    for span, thing in hits:
        if not any(a < span[1] and span[0] < b for (a, b), _ in kept):
            kept.append((span, thing))
    return sorted(kept, key=lambda hit: hit[0])


def _body(clause: str, lang: str) -> Body:
    if _found(_COURT[lang], clause):
        return "court"
    if _found(_VOTERS[lang], clause):
        return "voters"
    return "chamber" if _found(_CHAMBER[lang], clause) else ""


@lru_cache(maxsize=512)
def _found(phrases: tuple[str, ...], text: str) -> tuple[Span, ...]:
    """Places of any of the phrases, in order; of two that overlap the longer one."""
    hits = [span for phrase in phrases for span in find_phrase(phrase, text)]
    hits.sort(key=lambda span: (span[0] - span[1], span[0]))
    kept: list[Span] = []
    for span in hits:
        if not any(a < span[1] and span[0] < b for a, b in kept):
            kept.append(span)
    return tuple(sorted(kept))


def _free(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Those that do not lie inside words that are spoken for."""
    return [span for span in spans if not _inside(span, taken)]


def _inside(span: Span, taken: Sequence[Span]) -> bool:
    return any(a <= span[0] and span[1] <= b for a, b in taken)
