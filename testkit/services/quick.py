"""quick: the fixed-sample answer to "which of the two did better, and could it be chance?"."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testkit.engines.sources import identifier, open_csv, session
from testkit.errors import DataError, InputError
from testkit.model.plan import MIN_CONVERSIONS
from testkit.reports.words import percent
from testkit.stats.effects import miettinen_nurminen, risk_difference
from testkit.stats.srm import srm_chisq

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Pair", "Quick", "compare", "numbers", "read_file", "text"]

UNIT_NAMES = ("units", "sent", "recipients", "delivered", "n", "people", "total")
OUTCOME_NAMES = ("outcomes", "outcome", "did", "conversions", "converted", "gifts", "actions",
                 "responses", "successes", "clicks", "opens")  # fmt: skip
ARM_NAMES = ("arm", "variant", "group", "version", "message", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Counts of two arms, the control first: ``(name, units, outcomes)``."""

    control: tuple[str, int, int]
    arm: tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """The answer.

    Attributes:
        pair: The counts.
        difference: Rate of the arm minus rate of the control.
        low: Score interval, lower end.
        high: Score interval, upper end.
        level: Coverage of the interval.
        lift: Difference over the control's rate; None when the control has none.
        z: Pooled score statistic; None when nobody or everybody did it.
        p_value: Two-sided, for one look that was planned as the only one; None when z is.
        srm_p: p-value of an even split.
        notes: Sentences of caution.
    """

    pair: Pair
    difference: float
    low: float | None
    high: float | None
    level: float
    lift: float | None
    z: float | None
    p_value: float | None
    srm_p: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)


def numbers(values: Sequence[str]) -> Pair:
    """Four counts as typed: reached and did, for the control and for the arm.

    Raises:
        InputError: Not four whole numbers.
    """
    from testkit.kernel.numbers import people

    parsed: list[int] = []
    for value in values:
        try:
            parsed.append(people(value))
        except InputError as problem:
            raise InputError(
                problem.message,
                field="values",
                value=value,
                hint=f"{problem.hint}; people reached, people who did it, twice; or a CSV file",
            ) from problem
    if len(parsed) != 4:
        raise InputError(
            f"{len(parsed)} numbers, not four",
            field="values",
            value=list(values),
            hint="write: people reached, people who did it, twice, as in 1751 141 1750 125",
        )
    return Pair(control=("control", parsed[0], parsed[1]), arm=("new", parsed[2], parsed[3]))


def read_file(name: str) -> Pair:
    """Counts from a CSV file with a row per arm or a row per person.

    The control is the arm called ``control``, else the first in the file.

    Raises:
        InputError: No such columns, or not two arms.
        DataError: Rows that are no counts.
    """
    file = open_csv(Path(name))

    def first(names: Sequence[str]) -> str | None:
        return next((file.column(n) for n in names if file.has(n)), None)

    arm, outcome, units = first(ARM_NAMES), first(OUTCOME_NAMES), first(UNIT_NAMES)
    if arm is None or outcome is None:
        raise InputError(
            f"{file.path.name} needs a column `arm` and a column `outcomes`",
            field="file",
            value=name,
            hint=f"it has: {', '.join(file.columns[:20])}",
        )
    counted = f"replace(trim({identifier(units)}), ',', '')" if units else "'1'"
    with session() as connection:
        table = file.relation(connection)
        connection.execute(
            f"""
            CREATE TEMP TABLE read AS SELECT row_number AS n, trim({identifier(arm)}) AS arm,
              try_cast({counted} AS BIGINT) AS units, try_cast(regexp_replace(replace(
              trim({identifier(outcome)}), ',', ''), '\\s*\\(.*\\)$', '') AS BIGINT) AS did
            FROM {table}
            """  # noqa: S608 - columns are quoted
        )
        bad = connection.execute(
            "SELECT n FROM read WHERE arm IS NULL OR units IS NULL OR did IS NULL OR did < 0"
            " OR did > units ORDER BY n"
        ).fetchall()
        if bad:
            raise DataError(
                f"{file.path.name}: rows without an arm or whole, fitting counts",
                rows=[f"row {n}" for (n,) in bad],
                field=name,
                hint="outcomes are whole numbers and at most the units of the row",
            )
        found = connection.execute(
            "SELECT arm, sum(units)::BIGINT, sum(did)::BIGINT FROM read GROUP BY arm"
            " ORDER BY lower(arm) <> 'control', min(n)"
        ).fetchall()
    if len(found) != 2:
        raise InputError(
            f"{file.path.name} has {len(found)} arms, not two",
            field="file",
            value=name,
            hint="keep the rows of the two messages that you want to compare",
        )
    return Pair(control=found[0], arm=found[1])


def compare(pair: Pair, *, level: float = 0.95) -> Quick:
    """Compare two arms at one look.

    Args:
        pair: The counts.
        level: Coverage of the interval, in (0, 1).

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4(2), 213-226, for the interval.
    """
    _, n_control, s_control = pair.control
    _, n_arm, s_arm = pair.arm
    for name, units, did in (pair.control, pair.arm):
        if units < 1 or not 0 <= did <= units:
            raise InputError(
                f"{name}: {did:,} did it, of {units:,} people",
                field="values",
                value=[units, did],
                hint="first how many were reached (at least 1), then how many of them did it",
            )
    effect = risk_difference(
        n_control=n_control, successes_control=s_control, n_arm=n_arm, successes_arm=s_arm
    )
    interval = miettinen_nurminen(
        n_control=n_control,
        successes_control=s_control,
        n_arm=n_arm,
        successes_arm=s_arm,
        level=level,
    )
    srm_p = srm_chisq([n_control, n_arm], [0.5, 0.5]).p_value
    notes = []
    pooled = (s_control + s_arm) / (n_control + n_arm)
    fewest = pooled * min(n_control, n_arm)
    if fewest < MIN_CONVERSIONS:
        notes.append(
            f"only about {fewest:.0f} outcomes are to be expected in the smaller arm: below"
            f" {MIN_CONVERSIONS} the p-value is rough"
        )
    if srm_p < 0.001:
        notes.append(
            f"the arms differ in size by more than chance (p = {srm_p:.2g}, were it an even split):"
            " check that nobody was lost"
        )
    notes.append(
        "this is right for one look that was planned as the only one; if you looked before, the"
        " true p-value is larger: `whistlestop experiment new` plans for looking"
    )
    return Quick(
        pair=pair,
        difference=effect.difference,
        low=interval.low,
        high=interval.high,
        level=level,
        lift=effect.lift,
        z=effect.z,
        p_value=effect.p_value,
        srm_p=srm_p,
        notes=tuple(notes),
    )


def text(result: Quick) -> str:
    """The answer for a terminal."""
    from testkit.kernel.console import table

    rows = [
        (name, f"{units:,}", f"{did:,}", percent(did / units))
        for name, units, did in (result.pair.control, result.pair.arm)
    ]
    control, arm = result.pair.control[0], result.pair.arm[0]
    clear = result.low is not None and result.high is not None and result.low * result.high > 0
    answer = (
        f"{arm} did {'better' if result.difference > 0 else 'worse'} than {control}"
        if clear
        else f"No clear difference between {arm} and {control}"
    )
    interval = (
        "cannot be computed"
        if result.low is None or result.high is None
        else f"{100 * result.low:+.2f} to {100 * result.high:+.2f}"
    )
    lift = "" if result.lift is None else f", {result.lift:+.1%} relative"
    p = "not defined" if result.p_value is None else f"{result.p_value:.3g}"
    lines = [
        table(rows, ["arm", "units", "outcomes", "rate"]),
        (
            f"{answer}: {100 * result.difference:+.2f} points ({result.level:.0%} interval"
            f" {interval}{lift}), p = {p}"
        ),
        *(f"note: {note}" for note in result.notes),
    ]
    return "\n".join(lines)
