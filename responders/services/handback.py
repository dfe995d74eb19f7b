"""handback: the lists of an experiment with the words of its release, for the tool that sends."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from responders.release.links import campaign_of
from responders.release.pack import MARK, csv_text, outlets_of, words_of
from responders.release.texting import rows
from responders.store import drafts
from testkit.errors import InputError, StateError
from testkit.kernel.workspace import replace_file
from testkit.signoff import store as requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from responders.release.texting import Dialect
    from testkit.kernel.workspace import Workspace

__all__ = ["handback"]


def handback(
    workspace: Workspace,
    release_id: str,
    lists: Sequence[Path],
    *,
    dialect: Dialect,
    given: Mapping[str, str],
) -> list[tuple[Path, int]]:
    """Write an upload beside each list.

    Args:
        workspace: The workspace.
        release_id: Whose words.
        lists: Files that ``experiment assign`` wrote.
        dialect: Whose upload.
        given: What stands in which column, where the name does not tell.

    Returns:
        Paths and people.

    Raises:
        NotFoundError: There is no such release.
        StateError: The release has no text messages.
        InputError: A file cannot be read, or lacks a column.
        DataError: Rows cannot be texted.
    """
    with workspace.db.read() as conn:
        row = drafts.release(conn, release_id)
        draft = drafts.get(conn, row.draft)
        fields = requests.revision(conn, row.revision).fields
    words = words_of(
        fields, campaign=campaign_of(draft.issue, row.id), foreign=outlets_of(draft.facts)
    )
    mark = f"{MARK.strip()} " if row.practice else ""
    texts = {w.arm: f"{mark}{w.body.strip()}" for w in words if w.kind == "sms"}
    if not texts:
        raise StateError(f"{release_id} has no text messages", current="no sms")
    made = []
    for source in lists:
        try:
            with source.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                columns = list(reader.fieldnames or ())
                people = [{k: v or "" for k, v in line.items() if k} for line in reader]
        except (OSError, UnicodeDecodeError, csv.Error) as cause:
            raise InputError(
                f"cannot read {source}: {cause}", field="list", value=str(source)
            ) from cause
        target = source.with_name(f"{source.stem}-{dialect}.csv")
        upload = list(rows(people, columns, texts, dialect=dialect, given=given))
        replace_file(target, csv_text(upload))
        made.append((target, len(upload) - 1))
    return made
