"""``whistlestop alarm``: what is louder than usual, and who wants quiet."""

from __future__ import annotations

import click

from testkit.kernel.console import App, emit, json_option, pass_app


@click.group()
def alarm() -> None:
    """Issues that are louder than usual: list, snooze, digest.

    \b
    Example:
      whistlestop alarm list
    """


@alarm.command("list")
@click.option("--on", is_flag=True, help="Only those that are on now.")
@click.option("-n", "limit", default=20, show_default=True, help="How many of the latest.")
@json_option
@pass_app
def list_(app: App, on: bool, limit: int, as_json: bool) -> None:
    """The latest alarms with their reasons, and the issues that are snoozed.

    \b
    Example:
      whistlestop alarm list --on
    """
    from dataclasses import asdict

    from responders.services.alarm import in_words
    from responders.store import alarms
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        rows = alarms.alarms(conn, on=on)[:limit]
        asleep = alarms.snoozes(conn, now=workspace.clock())
    lines = [in_words(row, zone_name=zone) for row in rows] or ["no alarm"]
    lines += [
        f"{s.issue} is snoozed until {shown(s.until, zone_name=zone)} by {s.by}"
        for s in asleep.values()
    ]
    data = {
        "alarms": [row.as_dict() for row in rows],
        "snoozed": [asdict(value) for value in asleep.values()],
    }
    emit(data, "\n".join(lines), as_json=as_json)


@alarm.command()
@click.argument("issue")
@click.option("--for", "lasts", default="2h", show_default=True, help="How long: 30m, 2h, 1d.")
@click.option("--undo", is_flag=True, help="End the quiet now.")
@json_option
@pass_app
def snooze(app: App, issue: str, lasts: str, undo: bool, as_json: bool) -> None:
    """Tell nobody of an issue for a while; its alarms are recorded and go to the digest.

    \b
    Example:
      whistlestop alarm snooze labor --for 2h
      whistlestop alarm snooze labor --undo
    """
    from responders.services import alarm as service
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    if undo:
        ended = service.unsnooze(workspace, issue)
        text = f"{issue} is heard again" if ended else f"{issue} was not snoozed"
        emit({"issue": issue, "undone": ended}, text, as_json=as_json)
        return
    done = service.snooze(workspace, issue, lasts=service.lasting(lasts))
    until = shown(done.until, zone_name=workspace.config.organisation.zone)
    text = f"{issue} is snoozed until {until}\nundo: whistlestop alarm snooze {issue} --undo"
    emit({"issue": issue, "until": done.until, "snooze": done.id}, text, as_json=as_json)


@alarm.command()
@click.option("--since", "lasts", default="24h", show_default=True, help="How far back: 8h, 2d.")
@json_option
@pass_app
def digest(app: App, lasts: str, as_json: bool) -> None:
    """What nobody was told of at once: held alarms, and matches without an alarm.

    \b
    Example:
      whistlestop alarm digest --since 8h
    """
    from responders.services import alarm as service
    from testkit.kernel.clock import shown

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    found = service.digest(workspace, since=workspace.clock() - service.lasting(lasts))
    lines = [f"since {shown(found.since, zone_name=zone)}"]
    lines.append(f"{len(found.held)} alarms that nobody was told of")
    lines += [f"  held, {row.held}: {row.why}" for row in found.held]
    lines.append(f"{len(found.quiet)} matches without an alarm")
    lines += [f"  {match.issue}: {title} ({match.outlets} outlets)" for match, title in found.quiet]
    data = {
        "since": found.since,
        "held": [row.as_dict() for row in found.held],
        "on": [row.id for row in found.on],
        "quiet": [
            {"story": m.story, "issue": m.issue, "title": title, "outlets": m.outlets}
            for m, title in found.quiet
        ],
    }
    emit(data, "\n".join(lines), as_json=as_json)
