"""``whistlestop charter``: whose yes is enough, and the way into and out of practice mode."""

from __future__ import annotations

from typing import Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app


@click.group()
def charter() -> None:
    """The charter says whose yes is enough, and up to what. Adopting it ends practice mode.

    \b
    Example:
      whistlestop charter show
    """


@charter.command()
@json_option
@pass_app
def show(app: App, as_json: bool) -> None:
    """The charter in force, until when, and who signed it.

    \b
    Example:
      whistlestop charter show
    """
    from testkit.kernel.clock import shown
    from testkit.signoff.rules import charter_standing

    workspace = app.workspace()
    found = charter_standing(workspace)
    data: dict[str, Any] = {"practice": found is None}
    if found is None:
        text = (
            "no charter is in force: practice mode\n"
            "to leave it, write charter.yaml, then: whistlestop --as NAME adopt charter.yaml"
        )
    else:
        zone_name = workspace.config.organisation.zone
        until = (
            "without end"
            if found.until is None
            else f"until {shown(found.until, zone_name=zone_name)}"
        )
        data |= {
            "version": found.version,
            "digest": found.digest,
            "adopted_by": list(found.adopted_by),
            "until": found.until.isoformat() if found.until else None,
            "text": found.text,
        }
        text = (
            f"charter, version {found.version}, in force {until}\n"
            f"adopted by {' and '.join(found.adopted_by)}\n\n{found.text.rstrip()}"
        )
    emit(data, text, as_json=as_json)


@charter.command()
@click.option("-m", "--reason", required=True, help="Why; it is kept beside the record.")
@click.option("--dry-run", is_flag=True, help="Say whether you may; change nothing.")
@json_option
@pass_app
def revoke(app: App, reason: str, dry_run: bool, as_json: bool) -> None:
    """Take the charter out of force: practice mode again, nothing leaves to a live channel.

    Whoever may sign the charter may revoke it, alone: it is the brake. Adopting charter.yaml
    again undoes it.

    \b
    Example:
      whistlestop --as rosa charter revoke -m "we are rewriting who speaks for us"
    """
    from testkit.signoff.rules import revoke_charter

    version = revoke_charter(app.workspace(), reason=reason, dry_run=dry_run)
    text = (
        f"you may revoke version {version}; nothing was changed"
        if dry_run
        else f"charter, version {version}, is revoked: practice mode from now on"
    )
    emit({"version": version, "revoked": not dry_run}, text, as_json=as_json)
