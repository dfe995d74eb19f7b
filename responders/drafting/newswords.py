"""The words by which a headline says what happens, by language; :mod:`responders.drafting.turns`.

A word ends in ``*`` for any ending; ``falls ... short`` has up to eight words between. A language
that is not here is read by the English words.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CHAMBER",
    "COURT",
    "CUT",
    "KEEPS",
    "OPEN",
    "OVER",
    "PAPER",
    "REFUSES",
    "SETTLES",
    "SPARES",
    "STOPS",
    "TURNS",
    "VOTERS",
]

# Words that keep the sense of what follows or stands before them.
KEEPS: Final = {
    "en": (
        "pass", "passes", "passed", "passing", "passage", "approv*", "adopt*", "sign", "signs",
        "signed", "signing", "enact*", "backs", "backed", "uphold*", "upheld", "affirm*",
        "allow*", "let", "lets", "clear", "clears", "cleared", "revive*", "restor*", "reinstat*",
        "extend*", "expand*", "widen*", "reopen*", "add", "adds", "added", "funds", "funding",
        "grant*", "award*", "win", "wins", "won", "secure", "secures", "secured", "guarantee*",
        "protect", "protects", "protecting", "shield", "shields", "shielding", "save", "saves",
        "saved", "keep", "keeps", "kept", "requir*", "mandat*", "enshrin*", "surviv*", "stand",
        "stands", "take effect", "takes effect", "took effect", "in effect", "into effect",
        "into force", "in force", "return", "returns", "ok", "oks", "okays", "green light",
        "green lights", "greenlight*", "order", "orders", "ordered", "launch*", "boost*", "raise",
        "raises", "raised", "strengthen*", "vote to", "votes to", "voted to", "votes for",
        "vote for", "voted for", "counted", "codif*", "legaliz*", "give", "gives", "gave",
        "say yes", "says yes", "embrac*", "renew*", "ratif*", "support", "supports", "supported",
        "advanc*", "build", "builds", "move ahead", "moves ahead", "go ahead", "goes ahead",
        "go forward", "goes forward", "proceed*", "resume*", "impose*", "tighten*", "toughen*",
        "agree to", "agrees to", "introduc*", "unveil*", "announc*", "begin*", "start", "starts",
        "remain*", "finaliz*", "speed", "speeds", "valid", "constitutional", "lawful",
    ),
    "es": (
        "aprueb*", "aprob*", "firma", "firman", "firmó", "promulg*", "adopt*", "respald*",
        "aval*", "mantien*", "mantuv*", "restaur*", "restable*", "reestable*", "amplía*",
        "ampli*", "extiend*", "extend*", "proteg*", "gana", "ganan", "ganó", "ganaron", "logra*",
        "lograron", "permit*", "ordena*", "ordenó", "ratific*", "confirm*", "entra en vigor",
        "entró en vigor", "en pie", "avanza*", "sigue vigente", "garantiza*", "da luz verde",
        "financia*", "impone*", "exige*", "abre", "abren", "autoriza*", "autorizó", "salva*",
        "conserva*", "dan luz verde",
    ),
}  # fmt: skip
# Words that turn it, and refuse what was not there yet: a bill, a permit, a plan.
REFUSES: Final = {
    "en": (
        "veto*", "reject", "rejects", "rejected", "rejecting", "rejection", "kill", "kills",
        "killed", "killing", "defeat*", "vote down", "votes down", "voted down", "vote against",
        "votes against", "voted against", "vote* ... against", "votes no", "vote no", "turn down",
        "turns down", "turned down", "fail", "fails", "failed", "failing", "fall short",
        "falls short", "fell short", "falls ... short", "die", "dies", "died", "shelve*",
        "tables", "tabled", "stall", "stalls", "stalled", "nix", "nixes", "nixed", "deny",
        "denies", "denied", "denying", "denial", "spurn*", "say no", "says no", "said no",
        "balk*", "sink", "sinks", "sank", "scuttl*", "short of", "rebuff*",
    ),
    "es": (
        "veta", "vetan", "vetó", "veto", "rechaz*", "vota en contra", "votó en contra",
        "votan en contra", "fracas*", "niega*", "negó", "no aprueba", "no aprobó", "archiva*",
        "archivó", "no pasa", "desestim*", "desech*", "no logra", "hunde*", "hundió", "descarta*",
        "descartó",
    ),
}  # fmt: skip
# Words that turn it: what was there is stopped, undone or made less.
TURNS: Final = {
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
        "scales back", "scaled back", "narrows", "narrowed", "pull", "pulls", "pulled", "lose",
        "loses", "lost", "unconstitutional", "illegal", "unlawful", "not", "never", "no", "won't",
        "can't", "lawsuit against", "lawsuits against", "suit against", "appeal against",
        "effort against", "cannot", "injunction", "enjoin*", "sidelin*", "thwart*", "derail*",
        "criminaliz*", "phase out", "phases out", "walk* away", "back* away", "defund*",
        "let ... expire", "hinder*", "crack* down", "go* dark", "fine", "fines", "fined",
        "penalt*", "penaliz*", "punish*", "crime to", "collaps*", "zero out", "zeros out",
        "push* back", "pull* plug", "pulls the plug", "curtail*", "chip* away",
    ),
    "es": (
        "bloque*", "frena*", "frenó", "anul*", "derog*", "suspend*", "elimin*", "recort*",
        "cancel*", "revoc*", "detien*", "detuv*", "limit*", "prohíb*", "prohib*", "tumb*",
        "retir*", "invalid*", "impugn*", "aplaz*", "pospon*", "cierra*", "cerr*", "quita*",
        "quitó", "reduc*", "vence", "vencen", "expira*", "termina*", "congela*", "congeló",
        "restring*", "debilit*", "pierd*", "perdi*", "deja sin efecto", "inconstitucional", "no",
        "paraliza*", "paralizó", "deniega*", "denegó", "pone fin", "demanda contra",
        "demandas contra", "recurso contra", "apelación contra",
    ),
}  # fmt: skip
# Words that turn only what stands behind them: "protects renters from eviction".
SPARES: Final = {
    "en": (
        "protect* ... from", "protect* ... against", "protection* against", "protections from",
        "shield* ... from", "shield* ... against", "spare", "spares", "spared", "prevent*",
        "avoid*", "avert*", "save* ... from", "relief from", "free* ... from", "escape*",
    ),
    "es": ("proteg* ... de", "proteg* ... contra", "protección contra", "evita*", "impide*"),
}  # fmt: skip
# Not decided: said of what may come.
OPEN: Final = {
    "en": (
        "could", "may", "might", "would", "should", "weigh", "weighs", "weighed", "weighing",
        "consider*", "propos*", "plan to", "plans to", "planned", "planning to", "plan would",
        "seek", "seeks", "sought", "seeking", "ask", "asks", "asked", "urge", "urges", "urged",
        "push", "pushes", "pushed", "pushing", "call for", "calls for", "call to", "calls to",
        "want", "wants", "eye", "eyes", "mull*", "debat*", "vow", "vows", "vowed", "pledg*",
        "promis*", "threaten*", "introduc*", "sponsor*", "vote on", "votes on", "voting on",
        "to vote", "will vote", "to decide", "will decide", "decide whether", "to consider",
        "set to", "expected", "poised", "nears", "hearing on", "hearing", "hearings", "sue",
        "sues", "sued", "suing", "lawsuit", "suit", "petition", "ballot", "unveil*", "draft",
        "drafts", "hope", "hopes", "aim", "aims", "argue*", "looms", "loom", "asked to",
        "pending", "request*", "future of", "fate of", "in limbo", "hangs", "at stake", "whether",
        "takes up", "take up", "hears", "to hear", "will hear", "faces vote", "heads to",
        "head to", "moves to", "recommend*", "prepar*", "ponder*", "advanc*", "effort to", "try",
        "tries", "trying", "bid to", "backers", "rally for", "rally to", "demand*", "battle over",
        "fight over", "asking", "file*", "on the table", "if", "face", "faces", "facing", "risk",
        "risks", "at risk", "in danger", "in doubt", "uncertain", "looks to", "look to", "float",
        "floats", "floated", "explor*", "study", "studies", "warn*", "predict*", "fear", "fears",
        "wait*", "await*", "challenge*",
    ),
    "es": (
        "podría*", "propon*", "propuso", "propuest*", "considera*", "estudia*", "debat*",
        "analiza*", "evalúa*", "busca*", "buscan", "pide*", "piden", "plan", "planea*",
        "demanda*", "amenaza*", "votará*", "decidirá*", "audiencia", "en riesgo", "en peligro",
        "pretend*", "quiere*", "promet*", "iniciativa", "discut*", "someter*", "proyecto",
        "impugn*", "espera*", "si",
    ),
}  # fmt: skip
# A final word of a court, a governor or a vote: what was open is not any more.
SETTLES: Final = {
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
PAPER: Final = {
    "en": ("bill", "bills", "measure", "proposal", "amendment", "legislation", "ordinance"),
    "es": ("proyecto", "propuesta", "medida", "iniciativa", "enmienda"),
}
STOPS: Final = frozenset(
    {"block", "blocks", "blocked", "stop", "stops", "stopped", "halts", "delays", "bloquea",
     "bloqueó", "frena", "frenó"}
)  # fmt: skip
# Said of what is over, whatever it was called before: a plan that died is no plan.
OVER: Final = {
    "en": (
        "dies", "died", "fails", "failed", "collapses", "collapsed", "falls short", "fell short",
        "stalls", "defeated", "falls ... short", "vote* down", "turn* down", "dropped",
    ),
    "es": ("fracasa", "fracasó", "no pasa", "no pasó", "archiva*", "archivada", "rechazada"),
}  # fmt: skip
COURT: Final = {
    "en": ("court*", "judge", "judges", "justices", "appeals panel", "jury", "ruling", "tribunal"),
    "es": ("corte", "cortes", "juez", "jueza", "jueces", "tribunal*", "fallo", "jurado"),
}
VOTERS: Final = {
    "en": ("voters", "ballot measure", "referendum", "statewide vote", "at the polls"),
    "es": ("votantes", "electores", "referéndum", "en las urnas"),
}
CHAMBER: Final = {
    "en": (
        "house",
        "senate",
        "committee",
        "panel",
        "subcommittee",
        "assembly",
        "chamber",
        "senators",
    ),
    "es": ("senado", "cámara", "comité", "comisión", "asamblea", "senadores"),
}
# Where another clause begins. What stands behind is why or when, not what.
CUT: Final = {
    "en": (
        "as", "after", "amid", "while", "despite", "following", "ahead of", "before", "but",
        "because", "since", "when", "over fears", "saying", "citing", "even", "though",
        "although", "until", "weeks before", "days before", "without",
    ),
    "es": (
        "tras", "después", "mientras", "pese", "antes", "pero", "porque", "cuando", "aunque",
        "a pesar", "luego", "en medio", "hasta", "sin",
    ),
}  # fmt: skip
