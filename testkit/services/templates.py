"""Ready-made definitions for the usual message tests; ``experiment new --template NAME``.

Each holds a whole ``experiment.yaml``. What stands between ``$`` and a name is filled in from the
answers, or from the defaults here; the rest is advice in comments, and a person edits it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PLAIN", "TEMPLATES", "Template"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One ready-made definition.

    Attributes:
        about: What it is for, one line.
        question: Default of the question.
        control: Default of the control's words.
        arm: Default of the new arm's words.
        outcome: Name of the deed that counts.
        base_rate: Share that does it in a typical list, in (0, 1).
        channel: Where the message goes out.
        unit: Lines below ``unit:``.
        metrics: Lines below ``metrics:``.
        design: Lines below ``design:``.
        factor: The one thing that the arms differ in.
    """

    about: str
    question: str
    control: str
    arm: str
    outcome: str
    base_rate: float
    channel: str
    unit: str
    metrics: str
    design: str
    factor: str


_PERSON = """\
  kind: person
  column: supporter_id  # the column of your list and of result files that names a person
"""

_DECIDES = """\
  - name: $outcome
    role: primary
    kind: proportion
    tier: organising    # turnout, call, sign-up, gift; an open or click is a milestone
    base_rate: $base_rate
    mde: $mde          # the smallest difference worth acting on, absolute
    window_hours: $window    # how long after the send it still counts
    owner: ""           # who answers for this goal?
"""

_LEAVES = """\
  - name: $leave
    role: guardrail     # must not get worse by more than the margin
    kind: proportion
    tier: organising
    direction: down     # less is better
    base_rate: $leave_rate
    margin: $leave_rate
    window_hours: $window
    owner: ""
"""

_WAVES = """\
  family: group-sequential
  alpha: 0.05
  power: 0.8
  spending: obrien-fleming
  waves: 4              # sent in this many waves; one look after each
  scheme: md5-rank-v1
"""

_ONE_SEND = """\
  family: fixed
  clock: one-send       # one send, one look when the window is over
  alpha: 0.05
  power: 0.8
  scheme: md5-rank-v1
"""


_PLATFORM = """\
  split: platform       # it chose who saw which, so the answer is observational, never proven;
                        # lottery: you drew regions, or held people of your own list out
"""

_COMPLAINS = """\
  - name: complained
    role: guardrail     # people do complain; must not get worse by more than the margin
    kind: proportion
    tier: organising
    direction: down
    base_rate: $rate
    margin: $margin
    window_hours: $window
    owner: ""
"""


def _filled(text: str, **values: str) -> str:
    for name in sorted(values, key=len, reverse=True):  # $leave_rate before $leave
        text = text.replace(f"${name}", values[name])
    return text


def _email(text: str) -> str:
    return _filled(text, window="72", leave_rate="0.002", leave="unsubscribed")


def _sms(text: str) -> str:
    return _filled(text, window="48", leave_rate="0.01", leave="opted_out")


def _complaints(window: str, *, rate: str, margin: str) -> str:
    return _filled(_DECIDES + _COMPLAINS, window=window, rate=rate, margin=margin)


PLAIN: Final = Template(
    about="two messages by e-mail, whatever differs between them",
    question="Which of the two works better?",
    control="",
    arm="",
    outcome="gave",
    base_rate=0.02,
    channel="email",
    unit=_PERSON,
    metrics=_email(_DECIDES + _LEAVES),
    design=_WAVES,
    factor="",
)

_GIFTS = """\
  - name: cents
    role: primary
    kind: mean          # everybody counts, those who gave nothing as 0
    tier: organising
    base_mean: 60       # cents per person, from the last comparable appeal
    base_sd: 1500       # its standard deviation over everybody
    mde: 20             # the smallest difference worth acting on, cents per person
    cap: 50000          # larger gifts count as this: one of them must not decide
    window_hours: 168
    owner: ""
  - name: gave
    role: secondary
    kind: proportion
    tier: organising
    base_rate: $base_rate
    window_hours: 168
    owner: ""
"""

TEMPLATES: Final = {
    "subject-line": Template(
        about="two subject lines of one e-mail, judged by what people do, not by opens",
        question="Does a subject line that names the deadline bring more action?",
        control="Stand with the strikers",
        arm="Two days left to stand with the strikers",
        outcome="took_action",
        base_rate=0.02,
        channel="email",
        unit=_PERSON,
        metrics=_email(_DECIDES + _LEAVES),
        design=_WAVES,
        factor="subject",
    ),
    "ask-amount": Template(
        about="two amounts in the ask, judged by money per person",
        question="Does a higher first ask bring more money?",
        control="Will you chip in $25?",
        arm="Will you chip in $40?",
        outcome="gave",
        base_rate=0.02,
        channel="email",
        unit=_PERSON,
        metrics=_GIFTS + _email(_LEAVES),
        design=_WAVES,
        factor="ask",
    ),
    "sms-script": Template(
        about="two text-message scripts, judged by calls made",
        question="Does a script that names the vote's date bring more calls?",
        control="Can you call your representative?",
        arm="The vote is on Thursday. Can you call your representative?",
        outcome="called",
        base_rate=0.03,
        channel="sms",
        unit=_PERSON,
        metrics=_sms(_DECIDES + _LEAVES),
        design=_WAVES,
        factor="opening",
    ),
    "landing-page": Template(
        about="two versions of a page, for as long as visitors come",
        question="Does a shorter form bring more sign-ups?",
        control="Form with six fields",
        arm="Form with three fields",
        outcome="signed_up",
        base_rate=0.12,
        channel="web",
        unit="""\
  kind: person
  column: visitor_id    # the id that your site keeps for a visitor
""",
        metrics=_complaints("24", rate="0.002", margin="0.002"),
        design="""\
  family: open-ended    # look whenever you like; it needs more visitors than a planned end
  alpha: 0.05
  power: 0.8
  scheme: md5-v1        # each visitor by a formula that your site can run
""",
        factor="form",
    ),
    "gotv-mail": Template(
        about="a mailing before an election, judged by the voter file",
        question="Does a letter that names the household's turnout bring more votes?",
        control="The election is on Tuesday. Please vote.",
        arm="The election is on Tuesday. Your street votes; so can you.",
        outcome="voted",
        base_rate=0.45,
        channel="mail",
        unit="""\
  kind: household       # one letter per household
  column: voter_id      # the column that names a person
  group: household_id   # the column that the people of a household share
  group_size: 2         # people of a household, on average: take your own list's
  correlation: 0.5      # how alike they vote, 0 to 1: a cautious guess
""",
        metrics=_complaints("2160", rate="0.0005", margin="0.001"),
        design=_ONE_SEND,
        factor="appeal",
    ),
    "ad": Template(
        about="two advertisements on one platform, by the counts that it reports",
        question="Does a member's face bring more sign-ups than a slogan?",
        control="Slogan on a plain ground",
        arm="A member's face and first name",
        outcome="signed_up",
        base_rate=0.004,
        channel="ads",
        unit="""\
  kind: person
  column: user_id       # the platform splits the audience; you take in its counts
""",
        metrics=_complaints("168", rate="0.001", margin="0.001"),
        design=_ONE_SEND + _PLATFORM,
        factor="image",
    ),
}
"""``name -> template``, in the order in which help lists them."""
