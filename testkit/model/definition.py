"""What a person wrote: ``experiment.yaml`` as values.

Only the shape is checked here (keys, kinds, ranges of one value). Whether the parts fit together,
and whether the test is worth running, is decided in :mod:`testkit.model.checks`.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from testkit.kernel.config import slug

__all__ = [
    "ArmDefinition",
    "Definition",
    "DesignDefinition",
    "ListDefinition",
    "MetricDefinition",
    "SegmentDefinition",
    "SpendDefinition",
    "UnitDefinition",
]

MAX_TEXT: Final = 20_000

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_TEXT)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class UnitDefinition(_Strict):
    """What is randomised.

    Attributes:
        kind: ``person``, ``household``, ``street`` or ``address``.
        column: Column of the list, and of result files, that holds the unit's id.
        group: Column of the list whose equal values get the same arm (``household_id``); None
            when every unit stands for itself. The analysis is then on groups, not on units.
        group_size: Units in a group, on average. None takes 2 for a household; other groups have to
            say it.
        correlation: How alike the units of a group are in the outcome that decides: 0 when they
            have nothing in common, 1 when all do the same. None takes a cautious guess: 0.5 for
            a household, 0.1 for other groups.
    """

    kind: Literal["person", "household", "street", "address"] = "person"
    column: Annotated[str, Field(min_length=1)] = "supporter_id"
    group: Annotated[str, Field(min_length=1)] | None = None
    group_size: Annotated[float, Field(ge=1)] | None = None
    correlation: Annotated[float, Field(ge=0, le=1)] | None = None


class ListDefinition(_Strict):
    """The list that the messages go to.

    Attributes:
        size: How many units it has.
        test: How many of them go into the test; the others are the remainder. None lets the
            planner say how many the design needs.
        holdout: Share of the list that gets no message of the organisation's tests at all, by the
            organisation's salt; 0 holds nobody out.
        suppress: Files of ids that must not get the message.
        exclude: Experiments whose units must not be in this one.
    """

    size: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=2)] | None = None
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    suppress: list[str] = Field(default_factory=list)
    exclude: list[str] = Field(default_factory=list)


class ArmDefinition(_Strict):
    """One treatment.

    Attributes:
        name: Short name, used in file names and links.
        share: Its share of the test, 0 to 1; None splits evenly.
        control: Whether it is the one that the others are compared with.
        text: The words, for the record.
        factors: Named factors and the level that this arm has of each (``ask: 25``): what the
            arms differ in, and what a factorial test is read by.
        link: Link of this arm; the hand-back file carries it.
        refcode: Reference code of this arm in the donation or event tool.
        cents_per_unit: What sending this arm to one unit costs, in cents.
    """

    name: str
    share: Probability | None = None
    control: bool = False
    text: Text = ""
    factors: dict[str, str | int | float | bool] = Field(default_factory=dict)
    link: str = ""
    refcode: str = ""
    cents_per_unit: Annotated[float, Field(ge=0)] = 0.0

    _slug = field_validator("name")(slug)


class MetricDefinition(_Strict):
    """One outcome.

    Attributes:
        name: Short name, also the column of result files.
        kind: ``proportion``: did the unit do it; ``mean``: an amount per unit (cents, minutes);
            ``count``: how often per unit; ``ratio``: ``column`` over ``per``, both summed.
        role: ``primary`` decides; ``secondary`` is read when every metric before it was proven;
            ``guardrail`` must not get worse by more than ``margin``.
        tier: ``organising`` (turnout, call, sign-up, gift) or ``milestone`` (open, click).
        base_rate: What share of units does it today; needed for a proportion.
        lowest_rate: The lowest base rate that is still plausible, which decides whether the exact
            engine is taken; None takes four fifths of ``base_rate``.
        base_mean: Mean per unit today (a ratio: its value); needed for the other kinds.
        base_sd: Standard deviation per unit today; needed for a mean or count that decides.
        mde: The smallest difference worth acting on, in absolute terms (0.005 = half a point;
            cents for money); needed for the primary.
        margin: How much worse a guardrail may get, in absolute terms, above 0.
        direction: ``up`` when more is better, ``down`` when less is (unsubscribes).
        window_hours: How long after the send an outcome counts; a wave is read only once it is
            that old.
        per: Column of the denominator of a ratio.
        cap: Amounts above this count as this (winsorised, fixed before the data); None: no cap.
        covariates: Columns of the list, known before the send, that the analysis adjusts for.
        reason: Why a milestone may decide; needed for a milestone.
        owner: Who answers for this goal.
    """

    name: str
    kind: Literal["proportion", "mean", "ratio", "count"] = "proportion"
    role: Literal["primary", "secondary", "guardrail"] = "primary"
    tier: Literal["organising", "milestone"]
    base_rate: Probability | None = None
    lowest_rate: Probability | None = None
    base_mean: float | None = None
    base_sd: Annotated[float, Field(gt=0)] | None = None
    mde: Annotated[float, Field(gt=0)] | None = None
    margin: Annotated[float, Field(gt=0)] | None = None
    direction: Literal["up", "down"] = "up"
    window_hours: Annotated[float, Field(gt=0, le=24 * 366)] | None = None
    per: str = ""
    cap: Annotated[float, Field(gt=0)] | None = None
    covariates: list[str] = Field(default_factory=list)
    reason: Text = ""
    owner: str = ""

    _slug = field_validator("name")(slug)


class SegmentDefinition(_Strict):
    """A split of the result that was declared before the data.

    Attributes:
        column: Column of the list.
        levels: Its values that are read; empty reads all of them (20 at most).
    """

    column: Annotated[str, Field(min_length=1)]
    levels: list[str] = Field(default_factory=list)


class SpendDefinition(_Strict):
    """What the test costs.

    Attributes:
        budget_cents: What may be spent on the messages, in cents; None: not said.
        staff_hours: Hours of staff time; None: not said.
    """

    budget_cents: Annotated[int, Field(ge=0)] | None = None
    staff_hours: Annotated[float, Field(ge=0)] | None = None


class DesignDefinition(_Strict):
    """How the evidence is read.

    Attributes:
        family: ``group-sequential``: looks at known points, each paid for (the engine, z or exact,
            is fixed by expected counts when the plan is locked); ``exact``: the exact engine
            whatever the counts; ``open-ended``: look at any time, no planned end; ``fixed``: one
            look at the end.
        clock: ``waves``: a look per wave that is old enough; ``one-send``: one send, one look when
            the window is over; ``speed``: looks while one send's outcomes come in, which may only
            report "more or sooner".
        alpha: Total chance of a false difference over all looks, two-sided.
        power: Chance to find a difference of the size of ``mde``.
        spending: How alpha is spent over the looks: ``obrien-fleming``, ``pocock``, ``hsd(-4)``,
            ``kd(3)``.
        waves: In how many waves the test is sent; there is one look per wave, once it is old
            enough. ``one-send`` has one; for ``speed`` it is the number of looks at one send.
        futility: How the chance to miss a real difference is spent to stop early for lack of
            promise (names as in ``spending``); None: the test does not stop for futility.
        split: Who decides which unit gets which arm. ``lottery``: chance, whether ours or a tool's,
            also where regions are drawn or people held out; ``platform``: an ad platform shows each
            person what it expects to work, and what is found is observational.
        scheme: ``md5-rank-v1`` (exact sizes, for lists) or ``md5-v1`` (each unit on its own).
        strata: Columns of the list inside which arms are balanced exactly.
        salt: Text mixed into the hash; None derives one when the plan is locked.
    """

    family: Literal["group-sequential", "exact", "open-ended", "fixed"] = "group-sequential"
    clock: Literal["waves", "one-send", "speed"] = "waves"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    spending: str = "obrien-fleming"
    futility: str | None = None
    waves: Annotated[int, Field(ge=1, le=60)] = 5
    split: Literal["lottery", "platform"] = "lottery"
    scheme: Literal["md5-rank-v1", "md5-v1"] = "md5-rank-v1"
    strata: list[str] = Field(default_factory=list)
    salt: str | None = None


class Definition(_Strict):
    """The whole file.

    Attributes:
        experiment: Name of the experiment, also its folder.
        title: The question in one line.
        hypothesis: What is expected, and why.
        what_will_change: What is done differently when the answer is yes.
        owner: Who decides.
        channel: Where the message goes out.
        if_inconclusive: What the remainder gets when nothing was proven: the control, the arm with
            the best estimate, or all in the shares of the test.
        segments: Splits of the result, declared before the data.
        spend: What the test costs.
        send_on: Days of the sends, as dates; the shared send calendar checks them.
        audience: The list (key ``list`` in the file), also when a tool splits it for us and only
            counts come back.
        source: Where published counts come from, for experiments of others.
    """

    experiment: str
    title: Text = ""
    hypothesis: Text = ""
    what_will_change: Text = ""
    owner: str = ""
    channel: str = "email"
    unit: UnitDefinition = UnitDefinition()
    audience: ListDefinition = Field(alias="list")
    arms: list[ArmDefinition]
    metrics: list[MetricDefinition]
    design: DesignDefinition = DesignDefinition()
    segments: list[SegmentDefinition] = Field(default_factory=list)
    spend: SpendDefinition = SpendDefinition()
    send_on: list[date] = Field(default_factory=list)
    if_inconclusive: Literal["control", "best_estimate", "split"] = "control"
    source: Text = ""

    _slug = field_validator("experiment")(slug)
