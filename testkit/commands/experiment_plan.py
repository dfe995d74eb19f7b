"""``whistlestop experiment``: from the question to the locked plan, and its amendments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from testkit.commands.numbers import AMOUNT, CENTS, DIFFERENCE, PEOPLE, SHARE
from testkit.errors import InputError, NotFoundError
from testkit.kernel.console import App, emit, json_option, pass_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from testkit.model.advice import Advice
    from testkit.model.experience import Experience
    from testkit.model.plan import Plan
    from testkit.services.define import Amended

__all__ = ["COMMANDS"]

TEMPLATES: Final = ("subject-line", "ask-amount", "sms-script", "landing-page", "gotv-mail", "ad")


@click.command()
@click.argument("name")
@click.option("--template", type=click.Choice(TEMPLATES), help="Start from a ready-made test.")
@click.option("--question", help="The question, one line.")
@click.option("--control", help="Words of the control.")
@click.option("--new", "arm", help="Words of the new arm.")
@click.option("--outcome", help="The deed that counts: gave, called ...")
@click.option("--base-rate", type=SHARE, help="Share that does it today: 2% or 0.02.")
@click.option("--list-size", type=PEOPLE, help="People on the list: 40,000 or 40k.")
@json_option
@pass_app
def new(app: App, /, name: str, template: str | None, as_json: bool, **given: Any) -> None:
    """Answer five questions and get a commented experiment.yaml.

    With a template, the questions that it answers itself are not asked.

    \b
    Example:
      whistlestop experiment new spring-appeal
      whistlestop experiment new match --template ask-amount --list-size 40000
    """
    from testkit.services import define
    from testkit.services.templates import TEMPLATES as READY

    workspace = app.workspace()
    ready = READY[template] if template else None

    def answer(key: str, question: str, default: Any, kind: Any = str) -> Any:
        if given[key] is not None:
            return given[key]
        return default if ready else click.prompt(question, type=kind)

    answers = define.Answers(
        question=answer("question", "1/5 What do you want to know", ready and ready.question),
        control_text=answer("control", "2/5 What do people get today", ready and ready.control),
        arm_text=answer("arm", "3/5 What do you want to try", ready and ready.arm),
        outcome=answer(
            "outcome", "4/5 Which deed counts (gave, called ...)", ready and ready.outcome
        ),
        base_rate=answer(
            "base_rate",
            "    What share of people does it today (2% or 0.02)",
            ready and ready.base_rate,
            SHARE,
        ),
        list_size=int(
            given["list_size"]
            if given["list_size"] is not None
            else click.prompt("5/5 How many people has the list", type=PEOPLE)
        ),
    )
    path = workspace.shown(define.new(workspace, name, answers, template=template or ""))
    emit(
        {"experiment": name, "path": path},
        f"wrote {path}\nread it and change what is not right; then:"
        f" whistlestop experiment check {name}",
        as_json=as_json,
    )


@click.command()
@click.argument("name")
@json_option
@pass_app
def check(app: App, name: str, as_json: bool) -> int:
    """Report everything that is wrong or weak in a definition; changes nothing.

    \b
    Example:
      whistlestop experiment check spring-appeal
    """
    from testkit.services import define

    checked = define.check(app.workspace(), name)
    lines = [str(f) for f in checked.findings]
    if checked.plan:
        lines.append(_plan_text(checked.plan))
        lines.append(f"no errors; freeze it with: whistlestop experiment lock {name}")
    data = {
        "findings": [f.as_dict() for f in checked.findings],
        "plan": checked.plan.as_dict() if checked.plan else None,
    }
    emit(data, "\n".join(lines), as_json=as_json)
    return 0 if checked.plan else 2


def _plan_text(plan: Plan) -> str:
    people = zip(plan.arms, _arm_sizes(plan), strict=True)
    sizes = " + ".join(f"{size:,} {arm.name}" for arm, size in people)
    rest = plan.list_size - plan.test_size
    waves = f"{plan.waves} wave{'' if plan.waves == 1 else 's'}"
    if plan.mde_reached is None:
        finds = "no difference, however large,"
    elif plan.metric.kind == "proportion":
        finds = f"a difference of {100 * plan.mde_reached:.2f} points"
    else:
        finds = f"a difference of {plan.mde_reached:,.4g} {plan.metric.name} per unit"
    looks = {"open-ended": "whenever you look", "fixed": "at one look"}.get(
        plan.family, f"over all looks ({plan.spending})"
    )
    return (
        f"plan: {plan.test_size:,} of {plan.list_size:,} are tested ({sizes}) in {waves};"
        f" {rest:,} wait for the result\n"
        f"      it finds {finds} with {plan.power:.0%} power at alpha {plan.alpha:g}"
        f" {looks}; engine {plan.engine}: {plan.engine_reason}"
    )


def _arm_sizes(plan: Plan) -> list[int]:
    """Units of each arm over all waves, as a list without strata is cut."""
    from testkit.assign import arm_cuts

    waves = [arm_cuts(size, shares=plan.shares, shift=0.5) for size in plan.wave_sizes]
    ends = [sum(cuts) for cuts in zip(*waves, strict=True)]
    return [end - before for end, before in zip(ends, [0, *ends], strict=False)]


@click.command()
@click.argument("name")
@json_option
@pass_app
def lock(app: App, name: str, as_json: bool) -> None:
    """Freeze the plan; from here on nothing about it can move unseen.

    \b
    Example:
      whistlestop experiment lock spring-appeal
    """
    from testkit.services import define

    locked, new_lock = define.lock(app.workspace(), name)
    word = "locked" if new_lock else "was locked before, unchanged:"
    emit(
        {
            "locked": new_lock,
            "version": locked.version,
            "digest": locked.digest,
            "plan": locked.plan.as_dict(),
        },
        f"{word} {locked.plan.experiment}, version {locked.version}, digest {locked.digest[:12]}\n"
        f"{_plan_text(locked.plan)}\n"
        f"next: whistlestop experiment assign {locked.plan.experiment} LIST.csv\n"
        "      (or, where a tool splits the list for you, take in its counts by arm)",
        as_json=as_json,
    )


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is kept.")
@json_option
@pass_app
def void(app: App, name: str, reason: str, as_json: bool) -> None:
    """Take a lock back, before anything was sent.

    \b
    Example:
      whistlestop experiment void spring-appeal --reason "wrong list"
    """
    from testkit.services import define

    locked = define.void(app.workspace(), name, reason=reason)
    emit(
        {"voided": name, "version": locked.version},
        f"version {locked.version} of {name} is void; edit the file and lock it again",
        as_json=as_json,
    )


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is kept and shown in the report.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
@pass_app
def amend(app: App, name: str, reason: str, dry_run: bool, as_json: bool) -> int:
    """Bring the file's changes into the locked plan, where that cannot bias the result.

    Before anybody is assigned everything may change; once people have their arms, nothing that says
    who gets what; after the first look only names, money, dates and the title.

    \b
    Example:
      whistlestop experiment amend spring-appeal --reason "Kim took over" --dry-run
    """
    from testkit.services import define

    done = define.amend(app.workspace(), name, reason=reason, dry_run=dry_run)
    data = {
        "amended": not dry_run,
        "stage": done.stage,
        "changes": [{"key": c.key, "before": c.before, "after": c.after} for c in done.changes],
        "refused": [c.key for c in done.refused],
        "number": done.locked.amended,
        "digest": done.locked.digest,
    }
    emit(data, _amended_text(name, done, dry_run=dry_run), as_json=as_json)
    return 1 if done.refused else 0


def _amended_text(name: str, done: Amended, *, dry_run: bool) -> str:
    no = {change.key for change in done.refused}
    lines = [
        f"{'! ' if change.key in no else '  '}{change.key}: {change.before} -> {change.after}"
        for change in done.changes
    ]
    if no:
        lines.append(f"! these cannot change any more ({done.stage}); nothing would be written")
    elif dry_run:
        lines.append("nothing was written; leave --dry-run out to amend")
    else:
        lines.append(f"amendment {done.locked.amended} of {name}, digest {done.locked.digest[:12]}")
    return "\n".join(lines)


@click.command()
@click.option("--write", is_flag=True, help="Write it where editors find it, and say how.")
@json_option
@pass_app
def schema(app: App, write: bool, as_json: bool) -> None:
    """Print the JSON Schema of experiment.yaml, for editors that complete and check.

    \b
    Example:
      whistlestop experiment schema --write
    """
    from testkit.services.schema import schema_text

    text = schema_text()
    if not write:
        click.echo(text)
        return
    workspace = app.workspace()
    path = workspace.root / "experiments" / "experiment.schema.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    emit(
        {"path": workspace.shown(path)},
        f"wrote {workspace.shown(path)}\n"
        "first line of an experiment.yaml, for editors that read it:\n"
        "# yaml-language-server: $schema=../experiment.schema.json",
        as_json=as_json,
    )


def _circumstances(command: Callable[..., Any]) -> Callable[..., Any]:
    """The questions that both planners ask."""
    options = (
        click.option(
            "--list-size", type=PEOPLE, required=True, help="People on the list: 40,000 or 40k."
        ),
        click.option(
            "--base-rate", type=SHARE, help="Share that does it today: 2%; else past tests'."
        ),
        click.option(
            "--mde", type=DIFFERENCE, help="Smallest difference worth acting on: 0.4 points."
        ),
        click.option("--arms", type=int, default=2, show_default=True, help="Arms, control too."),
        click.option("--alpha", type=SHARE, default=0.05, show_default=True, help="Type I error."),
        click.option("--power", type=SHARE, default=0.8, show_default=True, help="Power."),
        click.option(
            "--window-hours", type=AMOUNT, default=72, show_default=True, help="Outcome window."
        ),
        click.option(
            "--days-between", type=AMOUNT, default=3, show_default=True, help="Between two waves."
        ),
        click.option("--spread", type=DIFFERENCE, help="SD of versions' rates; else past tests'."),
        click.option("--metric", metavar="NAME", help="Whose past tests; else the only one's."),
        click.option("--no-past", is_flag=True, help="Leave past tests aside."),
        click.option("--cents-per-message", type=AMOUNT, default=0, help="Cost of one message."),
        click.option("--budget-cents", type=CENTS, help="What may be spent on messages."),
        click.option("--staff-hours", type=AMOUNT, help="Hours that the test takes."),
        click.option(
            "--hour-cents",
            type=CENTS,
            default=3000,
            show_default=True,
            help="An hour.",
        ),
        click.option("--action-cents", type=CENTS, help="What one more action is worth."),
        click.option("--messages-to-come", type=int, default=0, help="Later sends that gain."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _advised(
    app: App, *, metric: str | None, no_past: bool, **known: Any
) -> tuple[Advice, Experience | None]:
    """The planner's answer, with what past tests of the workspace teach, where there is one."""
    from testkit.model.advice import Circumstances, advise

    past = None if no_past else _past(app, metric)
    if known["base_rate"] is None and past is not None:
        known["base_rate"] = past.base_rate
    if known["base_rate"] is None:
        why = f": {past.why_not}" if past is not None and past.why_not else ""
        raise click.UsageError(
            f"Missing option '--base-rate', the share that does it today{why}. Write 2% or 0.02;"
            " with past tests taken in (`experiment past FILE`), theirs is taken."
        )
    if known["spread"] is None and past is not None:
        known["spread"] = past.spread_at(known["base_rate"])
    try:
        return advise(Circumstances(**known)), past
    except InputError as problem:
        if problem.field not in known:
            raise
        option = f"--{problem.field.replace('_', '-')}"
        said = f"{problem.message}: {problem.hint}"
        raise click.BadParameter(said, param_hint=f"'{option}'") from problem


def _past(app: App, metric: str | None) -> Experience | None:
    """What past tests teach; None without a workspace, which the planner does not need."""
    from testkit.services.past import learnt

    try:
        workspace = app.workspace()
    except NotFoundError:
        return None
    return learnt(workspace, metric=metric)


@click.command()
@_circumstances
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write the chart, SVG."
)
@json_option
@pass_app
def size(app: App, /, chart: Path | None, as_json: bool, **known: Any) -> None:
    """Say how many to test, how long, and what the test can and cannot see.

    In a workspace it plans with the past tests that `experiment past` took in: their base rate,
    and how much versions differed. --spread and --base-rate win over them; --no-past leaves them
    aside.

    \b
    Example:
      whistlestop experiment size --list-size 40,000 --base-rate 2%
      whistlestop experiment size --list-size "1.2 million" --metric gifts
    """
    from testkit.reports.size import past_data, size_chart, size_text

    given = known["spread"] is not None
    advice, past = _advised(app, **known)
    text = size_text(advice, past=past, spread_given=given)
    if chart is not None:
        chart.parent.mkdir(parents=True, exist_ok=True)
        chart.write_text(size_chart(advice), encoding="utf-8")
        text += f"\nwrote {chart}"
    emit({**advice.as_dict(), "past": past_data(advice, past)}, text, as_json=as_json)


@click.command(name="should-i-test")
@_circumstances
@json_option
@pass_app
def should_i_test(app: App, /, as_json: bool, **known: Any) -> None:
    """Say whether a test is worth it, with reasons; often it is not.

    \b
    Example:
      whistlestop experiment should-i-test --list-size 900 --base-rate 2%
    """
    from testkit.reports.size import assumed, past_data

    given = known["spread"] is not None
    advice, past = _advised(app, **known)
    text = f"{_answer_text(advice)}\n  {assumed(advice, past, given=given)}"
    emit({**advice.as_dict(), "past": past_data(advice, past)}, text, as_json=as_json)


def _answer_text(advice: Advice) -> str:
    said = {
        "test": "Test: a proof is within reach.",
        "roll": "Do not try to prove anything; try both on a part and send the better one.",
        "do not test": "Do not test: send the message that you believe in.",
    }
    lines = [said[advice.answer]]
    lines += [f"  {'-' if r.against else '+'} {r.sentence}" for r in advice.reasons]
    return "\n".join(lines)


COMMANDS: Final = (new, check, lock, void, amend, schema, size, should_i_test)
