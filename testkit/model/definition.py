"""What a person wrote: ``experiment.yaml`` as values.

Only the shape is checked here (keys, kinds, ranges of one value). Whether the parts fit together,
and whether the test is worth running, is decided in :mod:`testkit.model.checks`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from testkit.kernel.config import slug

__all__ = [
    "ArmDefinition",
    "Definition",
    "DesignDefinition",
    "ListDefinition",
    "MetricDefinition",
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
        kind: ``person``, ``household`` or ``address``.
        column: Column of the list, and of result files, that holds the unit's id.
    """

    kind: Literal["person", "household", "address"] = "person"
    column: Annotated[str, Field(min_length=1)] = "supporter_id"


class ListDefinition(_Strict):
    """The list that the messages go to.

    Attributes:
        size: How many units it has.
        test: How many of them go into the test; the others are the remainder. None lets the
            planner say how many the design needs.
    """

    size: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=2)] | None = None


class ArmDefinition(_Strict):
    """One treatment.

    Attributes:
        name: Short name, used in file names and links.
        share: Its share of the test, 0 to 1; None splits evenly.
        control: Whether it is the one that the other is compared with.
        text: The words, for the record.
    """

    name: str
    share: Probability | None = None
    control: bool = False
    text: Text = ""

    _slug = field_validator("name")(slug)


class MetricDefinition(_Strict):
    """The outcome that decides.

    Attributes:
        name: Short name, also the column of result files.
        kind: ``proportion``: did the unit do it, yes or no.
        role: ``primary`` decides.
        tier: ``organising`` (turnout, call, sign-up, gift) or ``milestone`` (open, click).
        base_rate: What share of units does it today.
        mde: The smallest difference worth acting on, in absolute terms (0.005 = half a point).
        window_hours: How long after the send an outcome counts; a wave is read only once it is
            that old.
        reason: Why a milestone may decide; needed for a milestone.
        owner: Who answers for this goal.
    """

    name: str
    kind: Literal["proportion"] = "proportion"
    role: Literal["primary"] = "primary"
    tier: Literal["organising", "milestone"]
    base_rate: Probability
    mde: Annotated[float, Field(gt=0, lt=1)]
    window_hours: Annotated[float, Field(gt=0, le=24 * 366)]
    reason: Text = ""
    owner: str = ""

    _slug = field_validator("name")(slug)


class DesignDefinition(_Strict):
    """How the evidence is read.

    Attributes:
        family: ``group-sequential``: looks at known points, each paid for.
        alpha: Total chance of a false difference over all looks, two-sided.
        power: Chance to find a difference of the size of ``mde``.
        spending: How alpha is spent over the looks: ``obrien-fleming``, ``pocock``, ``hsd(-4)``,
            ``kd(3)``.
        waves: In how many waves the test is sent; there is one look per wave, once it is old
            enough.
        scheme: ``md5-rank-v1`` (exact sizes, for lists) or ``md5-v1`` (each unit on its own).
        strata: Columns of the list inside which arms are balanced exactly.
        salt: Text mixed into the hash; None derives one when the plan is locked.
    """

    family: Literal["group-sequential"] = "group-sequential"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    spending: str = "obrien-fleming"
    waves: Annotated[int, Field(ge=1, le=60)] = 5
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
            the better estimate, or both in the shares of the test.
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
    if_inconclusive: Literal["control", "best_estimate", "split"] = "control"
    source: Text = ""

    _slug = field_validator("experiment")(slug)
