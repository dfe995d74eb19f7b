"""The planner's answer in plain words, and as a chart: how small a difference a test can see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.numbers import counted
from testkit.reports.charts import HEIGHT, LEFT, RIGHT, TOP, WIDTH, nice

if TYPE_CHECKING:
    from testkit.model.advice import Advice
    from testkit.model.experience import Experience

__all__ = ["assumed", "past_data", "size_chart", "size_text"]

BOTTOM: Final = 60
BAR: Final = 30


def assumed(advice: Advice, past: Experience | None, *, given: bool) -> str:
    """How much versions differ, and how anybody knows."""
    known = advice.circumstances
    sd = f"{100 * known.usual_spread:.2g} points"
    if given:
        return f"assumed: versions differ by a standard deviation of {sd}, as you say"
    if past is not None and past.spread is not None:
        files = f" ({', '.join(past.sources)})" if past.sources else ""
        return (
            f"from {past.tests} past tests of yours{files}: versions differ by a standard deviation"
            f" of {sd}; --no-past leaves them aside"
        )
    why = f"; {past.why_not}" if past is not None else "; --spread takes yours"
    return (
        f"assumed: versions differ by a standard deviation of {sd}, a tenth of the base rate{why}"
    )


def _experience(advice: Advice, past: Experience | None) -> list[str]:
    """What past tests say of the base rate, and of what a difference that is found is worth."""
    if past is None or past.base_rate is None:
        return []
    known, lines = advice.circumstances, []
    said = f"{past.base_rate:.2%} do it in {counted(past.tests, 'past test')} of {past.metric}"
    if past.left_out:
        said += f" ({past.left_out} more do not look evenly split, and teach nothing)"
    lines.append(f"  {said}")
    found = past_data(advice, past)
    if found is not None and found["chance_of_mde"] is not None:
        lines.append(
            f"  two versions of yours differ by {100 * known.difference:.3g} points or more in"
            f" {found['chance_of_mde']:.0%} of tests"
        )
    if found is not None and found["repeat"] is not None:
        lines.append(
            f"  if the proof shows {100 * known.difference:+.3g} points, count on"
            f" {100 * found['repeat']:+.2g}: differences that are found are partly luck"
        )
    return lines


def past_data(advice: Advice, past: Experience | None) -> dict[str, Any] | None:
    """What past tests taught, as plain values; None where there are none or they stay aside."""
    if past is None:
        return None
    known = advice.circumstances
    per_arm = advice.size.test_size // known.arms
    return {
        **past.as_dict(),
        "chance_of_mde": past.chance_of(known.difference, base_rate=known.base_rate),
        "repeat": past.repeat(
            difference=known.difference, base_rate=known.base_rate, per_arm=per_arm
        ),
    }


def size_text(advice: Advice, *, past: Experience | None = None, spread_given: bool = False) -> str:
    """What to do, what it sees and what it costs, as lines of text.

    Args:
        advice: The planner's answer.
        past: What past tests teach; None where there are none, or they stay aside.
        spread_given: Whether the caller said how much versions differ.
    """
    known, size, roll = advice.circumstances, advice.size, advice.roll
    mde = f"{100 * known.difference:.3g} points"
    waves = "one send" if advice.waves == 1 else f"{advice.waves} waves"
    looks = "one look" if advice.waves == 1 else f"{advice.waves} looks"
    rest = known.list_size - size.test_size
    lines = [
        (
            f"To prove a difference of {mde} on {known.base_rate:.2%} ({known.power:.0%} power,"
            f" alpha {known.alpha:g} over {looks}):"
        ),
        (
            f"  {size.needed:,} people are needed, {size.expected:,.0f} on average if the"
            " difference is there"
        ),
    ]
    if size.test_size < size.needed:
        lines.append(f"  only {size.test_size:,} can be tested: the power is {size.power:.0%}")
    lines += [
        f"  test {size.test_size:,} of {known.list_size:,} in {waves}; {rest:,} wait",
        (
            f"  {advice.days:.0f} days from the first send to the last look; about"
            f" {advice.outcomes_per_arm:,.0f} outcomes an arm; {advice.engine} engine"
        ),
    ]
    if advice.cost_cents:
        lines.append(f"  it costs {advice.cost_cents / 100:,.2f}, messages and staff")
    if size.mde is None:
        lines.append("  it can see no difference, however large")
    else:
        lines.append(
            f"  it can see {100 * size.mde:.3g} points or more, and cannot tell anything smaller"
            " from luck"
        )
    lines += [
        "",
        "To do best by this list alone, without a proof (test and roll):",
        (
            f"  try each on {roll.whole[0]:,}, then send the better one to the other"
            f" {roll.remainder:,}"
        ),
        (
            f"  it picks a weaker one in {roll.error_rate:.0%} of such tests, and still brings"
            f" about {roll.gain:,.1f} more actions on average (if you knew the better one:"
            f" {roll.gain_if_known:,.1f})"
        ),
        f"  {assumed(advice, past, given=spread_given)}",
        *_experience(advice, past),
        "",
        "people in the test   smallest difference it sees",
    ]
    seen = [p.mde for p in advice.points if p.mde is not None]
    longest = max(seen, default=1.0)
    for point in advice.points:
        bar = "" if point.mde is None else "#" * max(1, round(BAR * point.mde / longest))
        says = "nothing" if point.mde is None else f"{100 * point.mde:.2f} points"
        lines.append(f"{point.units:>18,}   {says:>12}  {bar}".rstrip())
    return "\n".join(lines)


def size_chart(advice: Advice) -> str:
    """The smallest difference seen over the size of the test, as an SVG document.

    Every text in it is a number or a fixed word, so that nothing needs escaping.
    """
    known = advice.circumstances
    points = [(p.units, 100 * p.mde) for p in advice.points if p.mde is not None]
    most = known.list_size
    wanted = 100 * known.difference
    top = nice(min(max([wanted, *(y for _, y in points)]), 6 * wanted))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def px(units: float) -> float:
        return round(LEFT + (right - LEFT) * units / most, 1)

    def py(mde: float) -> float:
        return round(bottom - (bottom - TOP) * min(mde, top) / top, 1)

    path = " ".join(f"{'M' if i == 0 else 'L'}{px(x)},{py(y)}" for i, (x, y) in enumerate(points))
    ticks = [
        f'<line x1="{LEFT}" x2="{right}" y1="{py(top * k / 4)}" y2="{py(top * k / 4)}"'
        ' stroke="#ddd"/>'
        f'<text x="{LEFT - 6}" y="{py(top * k / 4) + 4}" text-anchor="end">{top * k / 4:.3g}</text>'
        for k in range(5)
    ]
    ticks += [
        f'<text x="{px(most * k / 4)}" y="{bottom + 18}" text-anchor="middle">'
        f"{most * k / 4:,.0f}</text>"
        for k in range(5)
    ]
    marks = [
        (
            f'<line x1="{LEFT}" x2="{right}" y1="{py(wanted)}" y2="{py(wanted)}" stroke="#333"'
            ' stroke-dasharray="2 4"/>'
            f'<text x="{right}" y="{py(wanted) - 5}" text-anchor="end">worth acting on:'
            f" {wanted:.3g} points</text>"
        )
    ]
    for units, label, dash in (
        (advice.size.test_size, "proof", "none"),
        (sum(advice.roll.whole), "test and roll", "6 3"),
    ):
        side, anchor = (4, "start") if px(units) < (LEFT + right) / 2 else (-4, "end")
        marks.append(
            f'<line x1="{px(units)}" x2="{px(units)}" y1="{TOP}" y2="{bottom}" stroke="#b35900"'
            f' stroke-dasharray="{dash}"/>'
            f'<text x="{px(units) + side}" y="{TOP + 12 if dash == "none" else TOP + 28}"'
            f' text-anchor="{anchor}">{label}: {units:,}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-label="Smallest difference seen, over people in the test"'
        ' font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(ticks)}'
        f'<path d="{path}" fill="none" stroke="#0b5394" stroke-width="2.5"/>{"".join(marks)}'
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">people in the test'
        "</text>"
        f'<text x="14" y="{(TOP + bottom) / 2}" text-anchor="middle"'
        f' transform="rotate(-90 14 {(TOP + bottom) / 2})">smallest difference seen, points</text>'
        "</svg>\n"
    )
