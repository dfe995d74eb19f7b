"""``whistlestop tick`` and ``whistlestop watch``: the newsroom's one step, once or for ever."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, progress

if TYPE_CHECKING:
    from responders.services.tick import Ticked


def _text(done: Ticked) -> str:
    polled = done.polled
    lines = [
        (
            f"asked {polled.asked} feeds: {polled.entries_new} new entries"
            f" ({polled.copies} copies), {polled.revised} revised"
        ),
        f"matched {len(done.triaged.matches)} new of {done.triaged.stories} changed stories",
    ]
    for match in done.triaged.matches[:10]:
        lines.append(f"  {match.issue}: {match.why} ({match.outlets} outlets)")
    lines += [f"alarm: {row.why}" for row in done.rang]
    lines += [f"moved: {name} is at {url} from now on" for name, url in polled.moved]
    lines.append(f"raised {len(done.raised)} draft{'' if len(done.raised) == 1 else 's'}")
    for raised in done.raised:
        lines.append(f"  {raised.row.id}: {raised.row.title}")
    lines += [f"{kind}: {request} (stage {stage})" for request, kind, stage in done.clocks]
    lines += [
        f"released {d.plan.draft} as {d.outcome}" if d.released else f"{d.plan.draft}: {d.outcome}"
        for d in done.due
    ]
    sent = done.delivered
    if sent.added or sent.sent:
        lines.append(f"{sent.sent} messages left")
    lines += [f"problem: {name}: {problem}" for name, problem in polled.problems]
    lines += [f"problem: {channel}: {problem}" for channel, problem in sent.down.items()]
    lines += [
        f"  {held.draft} waits: a source was rewritten since it was raised; somebody has to look"
        for held in done.changed
    ]
    if done.raised:
        lines.append(f"next: whistlestop draft show {done.raised[0].row.id}")
    return "\n".join(lines)


def _data(done: Ticked) -> dict[str, Any]:
    polled = done.polled
    return {
        "asked": polled.asked,
        "entries_new": polled.entries_new,
        "copies": polled.copies,
        "revised": polled.revised,
        "problems": [{"feed": f, "problem": p} for f, p in polled.problems],
        "stories": done.triaged.stories,
        "matches": [
            {"story": m.story, "issue": m.issue, "why": m.why, "outlets": m.outlets}
            for m in done.triaged.matches
        ],
        "moved": [{"feed": f, "url": u} for f, u in polled.moved],
        "alarms": [row.as_dict() for row in done.rang],
        "tell": [row.id for row in done.tell],
        "changed": [held.draft for held in done.changed],
        "drafts": [{"draft": r.row.id, "title": r.row.title} for r in done.raised],
        "clocks": [{"request": r, "kind": k, "stage": s} for r, k, s in done.clocks],
        "due": [
            {"draft": d.plan.draft, "plan": d.plan.id, "released": d.released, "outcome": d.outcome}
            for d in done.due
        ],
        "delivered": {
            "added": done.delivered.added,
            "sent": done.delivered.sent,
            "failed": done.delivered.failed,
            "gave_up": done.delivered.gave_up,
            "unsure": done.delivered.unsure,
        },
    }


def _left(done: Ticked) -> bool:
    return bool(done.due or done.delivered.sent)


@click.command()
@json_option
@pass_app
def tick(app: App, as_json: bool) -> None:
    """One step: poll what is due, group stories, match issues, raise drafts, advance clocks.

    Harmless to repeat, and to kill. A timer may call it every minute.

    \b
    Example:
      whistlestop tick
    """
    from responders.services.tick import tick as run

    with progress() as say:
        done = run(app.workspace(), say=say)
    emit(_data(done), _text(done), as_json=as_json)


@click.command()
@click.option("--every", default=60, show_default=True, help="Seconds between two steps.")
@click.option("--steps", default=0, help="Stop after so many steps; 0 goes on until Ctrl-C.")
@click.option(
    "--systemd-units",
    "units_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write unit files that do the same on a server into this folder, and stop.",
)
@click.option("--account", default="whistlestop", show_default=True, help="Who runs the units.")
@json_option
@pass_app
def watch(
    app: App, every: int, steps: int, units_folder: Path | None, account: str, as_json: bool
) -> None:
    """Tick again and again, until Ctrl-C.

    \b
    Example:
      whistlestop watch --every 60
      whistlestop watch --systemd-units units --account comms
    """
    import time

    from responders.services.tick import tick as run

    if units_folder is not None:
        _write_units(app, units_folder, account, as_json)
        return
    count = 0
    while True:
        with progress() as say:
            done = run(app.workspace(), say=say)
        news = (
            done.polled.asked
            or done.raised
            or done.clocks
            or done.rang
            or done.changed
            or _left(done)
        )
        if as_json or news:
            emit(_data(done), _text(done), as_json=as_json)
        count += 1
        if steps and count >= steps:
            return
        time.sleep(every)


def _write_units(app: App, folder: Path, account: str, as_json: bool) -> None:
    import shutil
    import sys

    from responders.units import units
    from testkit.kernel.workspace import replace_file

    found = shutil.which("whistlestop")
    program = Path(found or Path(sys.executable).parent / "whistlestop").absolute()
    texts = units(program=program, workspace=app.workspace().root, account=account)
    for name, text in texts.items():
        replace_file(folder / name, text)
    lines = [f"wrote {folder / name}" for name in texts]
    lines.append("next: copy them to /etc/systemd/system, then")
    lines.append("  systemctl enable --now whistlestop-tick.timer whistlestop-serve.service")
    emit({"folder": str(folder), "units": list(texts)}, "\n".join(lines), as_json=as_json)
