"""The command line: composition root. The only place that sees testkit, responders, experiments.

Commands are named here with one line each and imported when they run, so that ``--help`` costs
nothing. Errors become exit codes here and nowhere else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from testkit.errors import InputError
from testkit.kernel.console import App, LazyGroup, run_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.kernel.audit import Auditor
    from testkit.kernel.kinds import Kind
    from testkit.kernel.workspace import Schema
    from testkit.web.pageset import PageSet

VERSION: Final = "0.1.0"

COMMANDS: Final = {
    "quick": ("testkit.commands.quick:quick", "Compare two messages at once, from four numbers."),
    "init": ("testkit.commands.workspace:init", "Make a workspace, in practice mode."),
    "doctor": ("testkit.commands.workspace:doctor", "Check versions, folder, keys, delivery."),
    "status": ("testkit.commands.workspace:status", "What lies in files and is not adopted."),
    "adopt": ("testkit.commands.workspace:adopt", "Make a file count: issue, chain, people."),
    "experiment": ("testkit.commands.experiment:experiment", "Message tests, from plan to report."),
    "adapters": ("testkit.commands.adapters:adapters", "Exports of outside tools, both ways."),
    "crosswalk": ("testkit.commands.crosswalk:crosswalk", "Which ids are one person's."),
    "example": ("experiments.commands.example:example", "Published experiments to learn with."),
    "feed": ("responders.commands.feed:feed", "Watched sources."),
    "issue": ("responders.commands.issue:issue", "Tracked topics: check, try, adopt."),
    "tick": ("responders.commands.tick:tick", "One step: poll, match, raise drafts."),
    "watch": ("responders.commands.tick:watch", "Tick again and again."),
    "alarm": ("responders.commands.alarm:alarm", "What is louder than usual; snooze, digest."),
    "story": ("responders.commands.story:story", "Stories and why they matched."),
    "search": ("responders.commands.search:search", "Entries, stories and past responses."),
    "replay": ("responders.commands.replay:replay", "A stored day once more, for training."),
    "draft": ("responders.commands.draft:draft", "Drafts: list, show, edit, submit."),
    "signoff": ("testkit.commands.signoff:signoff", "Approve, return, block, withdraw."),
    "release": ("responders.commands.release:release", "Hand cleared words to a channel."),
    "handback": ("responders.commands.release:handback", "Lists for texting, with words and arm."),
    "bridge": ("responders.commands.release:bridge", "Turn a release into an experiment."),
    "serve": ("testkit.commands.web:serve", "The pages in the browser: inbox, decisions, tests."),
    "up": ("responders.commands.up:up", "Pages, newsroom and delivery in one process."),
    "outbox": ("testkit.commands.outbox:outbox", "Messages that leave: list, send, retry."),
    "digest": ("testkit.commands.outbox:digest", "Today in one page, with the ledger's head."),
    "people": ("testkit.commands.people:people", "Who is here, away, stand-ins, sign-in links."),
    "charter": ("testkit.commands.charter:charter", "Whose yes is enough; ends practice mode."),
    "ledger": ("testkit.commands.workspace:ledger_group", "The record of decisions: verify, show."),
    "backup": ("testkit.commands.workspace:backup", "Save the whole workspace in one file."),
    "restore": ("testkit.commands.workspace:restore", "Unpack a backup into a new folder."),
    "demo": ("cli:demo", "See the whole product do its job once, in a fresh folder."),
}


def schemas() -> Sequence[Schema]:
    """The migrations of every product, in the order in which they build on each other."""
    from responders.store import hands, labels, search
    from responders.store.migrations import ARCHIVE, DRAFTS
    from testkit.kernel import ledger, proposals
    from testkit.kernel.workspace import Schema
    from testkit.outbox.migrations import MIGRATIONS as OUTBOX
    from testkit.signoff.migrations import MIGRATIONS as SIGNOFF
    from testkit.store.identity import MIGRATIONS as IDENTITY
    from testkit.store.migrations import MIGRATIONS as EXPERIMENTS
    from testkit.store.past import MIGRATIONS as PAST
    from testkit.store.spend import MIGRATIONS as SPEND
    from testkit.web.migrations import MIGRATIONS as WEB

    in_workspace = {
        "ledger": ledger.MIGRATIONS,
        "proposals": proposals.MIGRATIONS,
        "experiments": EXPERIMENTS,
        "past": PAST,
        "spend": SPEND,
        "identity": IDENTITY,
        "signoff": SIGNOFF,
        "drafts": DRAFTS,
        "search-responses": search.RESPONSES,
        "labels": labels.MIGRATIONS,
        "web": WEB,
        "outbox": OUTBOX,
    }
    return (
        *(Schema(product=p, file="workspace", migrations=m) for p, m in in_workspace.items()),
        Schema(product="archive", file="archive", migrations=ARCHIVE),
        Schema(product="search", file="archive", migrations=search.ENTRIES),
        Schema(product="hands", file="archive", migrations=hands.MIGRATIONS),
    )


def kinds() -> Sequence[Kind]:
    """The kinds of proposal files of every product."""
    from responders.kinds import ISSUE, TEMPLATE
    from testkit.signoff.kinds import CHAIN, CHARTER, LANE, PEOPLE

    return (PEOPLE, CHAIN, CHARTER, LANE, TEMPLATE, ISSUE)


def starter() -> Mapping[str, str]:
    """The files of a new workspace: ``path -> text``."""
    from responders.starter import starter_issues
    from testkit.signoff.starter import starter_rules

    issues = {f"issues/{name}.yaml": text for name, text in starter_issues().items()}
    return {**starter_rules(), **issues}


def pages() -> Sequence[PageSet]:
    """The browser pages of every product, in the order of the menu."""
    from responders.inbox.pages import INBOX
    from testkit.pages.experiments import EXPERIMENTS
    from testkit.pages.signoff import SIGNOFF

    return (EXPERIMENTS, SIGNOFF, INBOX)


def auditors() -> Sequence[Auditor]:
    """Those who compare the tables of every product with the ledger."""
    from responders.store import audit as responses
    from testkit.kernel import proposals
    from testkit.signoff import audit as signoff
    from testkit.store import audit as experiments
    from testkit.store import identity_audit, past, spend

    return (
        proposals.audit,
        experiments.audit,
        identity_audit.audit,
        past.audit,
        spend.audit,
        signoff.audit,
        responses.audit,
    )


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="whistlestop")
@click.option(
    "-C",
    "--workspace",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="WHISTLESTOP_WORKSPACE",
    help="Folder of the workspace; else the nearest one from here upwards.",
)
@click.option("--as", "person", metavar="NAME", help="Act as this person of the roster.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Override a setting.")
@click.pass_context
def whistlestop(
    ctx: click.Context, folder: Path | None, person: str | None, overrides: tuple[str, ...]
) -> None:
    """Honest message tests, and rapid response that is signed off.

    \b
    Example:
      whistlestop quick 1751 141 1750 125
      whistlestop init our-team
    """
    bad = [text for text in overrides if "=" not in text]
    if bad:
        raise click.BadParameter(f"{bad[0]!r} is not KEY=VALUE", param_hint="--set")
    ctx.obj = ctx.obj or App(
        schemas=schemas, kinds=kinds, starter=starter, pages=pages, auditors=auditors
    )
    ctx.obj.folder = folder or ctx.obj.folder
    ctx.obj.person = person or ctx.obj.person
    ctx.obj.overrides = dict(text.split("=", 1) for text in overrides)


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def demo(folder: Path | None) -> None:
    """See the whole product do its job once: a message test, and a signed-off response.

    Makes FOLDER, or the next free whistlestop-demo, and leaves everything in it to look at.

    \b
    Example:
      whistlestop demo
    """
    from experiments.demo import play as play_experiment
    from responders.demo import play as play_response
    from testkit.services.demo import Stage

    if folder is None:
        free = (Path(f"whistlestop-demo{'' if n == 1 else f'-{n}'}") for n in range(1, 1000))
        folder = next(path for path in free if not path.exists())
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} is not empty", field="folder", hint="name a new folder, or remove this one"
        )

    stage = Stage(folder=folder, command=run, say=click.echo)
    stage.open()
    play_experiment(stage)
    play_response(stage)
    stage.close()


def run(arguments: Sequence[str] | None = None, **extra: Any) -> int:
    """Run a command line; returns the exit code and never raises for an expected failure."""
    return run_group(whistlestop, arguments, **extra)


def main() -> None:
    """Entry point of the installed command; a bug keeps its traceback and asks for a report."""
    try:
        code = run()
    except Exception:  # noqa: BLE001 - the last resort: any bug becomes exit code 70
        import traceback

        traceback.print_exc()
        click.echo("this is a bug in whistlestop; please report it with the lines above", err=True)
        code = 70
    sys.exit(code)


if __name__ == "__main__":
    main()
