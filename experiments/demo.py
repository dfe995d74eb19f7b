"""First half of the demo: a published experiment, decided as it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testkit.services.demo import Stage

__all__ = ["play"]

NAME = "karlan-list-2007"


def play(stage: Stage) -> None:
    """Play the matching-gift experiment from its definition to its report."""
    stage.title("A message test: does a matching gift bring more gifts?")
    stage.say("Karlan & List (2007) mailed 50,083 donors; these are their counts. The six batches")
    stage.say("are a random split of them that we made: the paper has no batches.\n")
    ready = stage.ask("example", "play", NAME)
    stage.run("experiment", "lock", NAME, lines=3)
    decided = False
    for batch in ready["batches"]:
        source = str(stage.folder / batch["path"])
        stage.ask("experiment", "intake", NAME, source, "--sent-at", batch["sent_at"])
        seen = stage.ask("experiment", "look", NAME)["look"]
        bound = "none" if seen["bound"] is None else f"{seen['bound']:.2f}"
        stage.say(
            f"  look {seen['number']}: {seen['fraction']:.0%} of the plan,"
            f" {100 * seen['difference']:+.2f} points, z {seen['z']:+.2f}, bound {bound}:"
            f" {seen['verdict']}"
        )
        if seen["verdict"] in {"crossed-up", "crossed-down", "ended"}:
            stage.run("experiment", "decide", NAME, lines=2)
            decided = True
    assert decided, "the seed is chosen so that the plan ends"
    stage.say(
        "  The last batch came after the decision: the verdict stays, the figures are revised."
    )
    stage.run("experiment", "report", NAME)
    stage.keep(f"reports/{NAME}.html", "the report: open it in a browser")
    stage.keep(f"experiments/{NAME}/lesson.md", "what it teaches, with questions")
