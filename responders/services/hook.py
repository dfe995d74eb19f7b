"""Ask the organisation's own program for a proposal: a command or an address of its own.

Off unless ``drafting.hook`` names one. It gets JSON on standard input or by POST and answers with
JSON. It runs with a time limit and a limit on what is read, without our environment, follows no
redirect, and holds no transaction open. Whatever it does, the draft stands.
"""

from __future__ import annotations

import http
import http.client
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from responders.drafting.compose import length_of
from responders.drafting.lengths import LIMITS
from responders.drafting.lint import lint_variant
from responders.drafting.proposal import question, read_answer
from responders.drafting.rules import remark
from responders.model.draft import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo
    from pathlib import Path

    from responders.drafting.lengths import Limit
    from responders.model.draft import Draft, Organisation
    from responders.model.issue import Issue
    from testkit.kernel.config import DraftingHook
    from testkit.kernel.findings import Finding

__all__ = ["propose"]

PROPOSED: Final = "proposed"
_KEPT_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TZ")
_CHUNK: Final = 16384


class _Failed(Exception):  # noqa: N818 - becomes a finding
    """The hook gave no answer; the text says why."""


def propose(
    hook: DraftingHook,
    draft: Draft,
    issue: Issue,
    org: Organisation,
    *,
    folder: Path,
    as_of: datetime,
    zone: tzinfo,
    limits: Mapping[str, Limit] = LIMITS,
) -> tuple[tuple[Variant, ...], tuple[Finding, ...]]:
    """What the hook proposes beside our variants, linted, and what was wrong with the rest.

    A draft that holds is never shown to it: nothing should be asked of anybody then.

    Args:
        hook: Its configuration.
        draft: As composed.
        issue: The issue that it answers for.
        org: Who is speaking.
        folder: Where a command runs.
        as_of: Now, aware.
        zone: Time zone of the readers.
        limits: Length rules per channel.

    Returns:
        One text per channel at most, and findings (RS101); neither replaces anything.
    """
    channels = tuple(dict.fromkeys(variant.channel for variant in draft.variants))
    if not (hook.command or hook.url) or draft.hold or not channels:
        return (), ()
    asked = json.dumps(question(draft, issue, channels=channels, limits=limits)).encode()
    try:
        raw = _run(hook, asked, folder=folder) if hook.command else _post(hook, asked)
    except _Failed as failure:
        return (), (
            remark(
                "RS101",
                str(failure),
                hint="the draft stands as it was made from your files",
                where="drafting.hook",
            ),
        )
    texts, findings = read_answer(raw, channels=channels)
    made = []
    for text in texts:
        variant = Variant(
            key=PROPOSED,
            channel=text.channel,
            varied=None,
            alternative="hook",
            blocks=(),
            text=text,
        )
        found = lint_variant(variant, draft, issue, org, as_of=as_of, limits=limits, zone=zone)
        made.append(_labelled(variant, found))
    return tuple(made), findings


def _labelled(variant: Variant, findings: tuple[Finding, ...]) -> Variant:
    label = remark(
        "RS100",
        "proposed by your hook",
        hint="read it as a stranger's draft",
        where=f"{variant.channel}.{PROPOSED}",
    )
    return replace(variant, findings=(label, *findings), length=length_of(variant))


def _run(hook: DraftingHook, asked: bytes, *, folder: Path) -> bytes:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    try:
        process = subprocess.Popen(
            hook.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=kept,
            start_new_session=True,
        )
    except (OSError, ValueError) as cause:
        raise _Failed(f"the command cannot be started: {cause}") from cause
    most = hook.max_kilobytes * 1024
    read: list[bytes] = []

    def write() -> None:
        with suppress(OSError, ValueError):
            process.stdin.write(asked)  # type: ignore[union-attr]  # a pipe was asked for
            process.stdin.close()  # type: ignore[union-attr]

    def listen() -> None:
        size = 0
        with suppress(OSError, ValueError):
            while size <= most and (piece := process.stdout.read1(_CHUNK)):  # type: ignore[union-attr]
                read.append(piece)
                size += len(piece)

    deadline = time.monotonic() + hook.timeout_seconds
    threads = [threading.Thread(target=target, daemon=True) for target in (write, listen)]
    for thread in threads:
        thread.start()
    threads[1].join(hook.timeout_seconds)
    slow = threads[1].is_alive()
    answer = b"".join(read)
    code: int | None = None
    if not slow and len(answer) <= most:
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(max(0.1, deadline - time.monotonic()))
    _end(process)
    for thread in threads:
        thread.join(1)
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError, ValueError):
            if pipe is not None and not any(thread.is_alive() for thread in threads):
                pipe.close()
    if len(answer) > most:
        raise _Failed(f"it answered with more than {hook.max_kilobytes} KB")
    if slow or code is None:
        raise _Failed(f"it took longer than {hook.timeout_seconds:g} seconds")
    if code:
        raise _Failed(f"the command ended with code {code}")
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started."""
    kill_group: Any = getattr(os, "killpg", None)
    with suppress(OSError):
        if kill_group is not None:
            kill_group(process.pid, signal.SIGKILL)
    with suppress(OSError):
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)


def _post(hook: DraftingHook, asked: bytes) -> bytes:
    target = urlsplit(hook.url)
    secure = target.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    deadline = time.monotonic() + hook.timeout_seconds
    most = hook.max_kilobytes * 1024
    connection = kind(target.hostname or "", target.port, timeout=hook.timeout_seconds)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request(
            "POST",
            path,
            body=asked,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise _Failed(f"it answered with status {answer.status}")
        return _body(connection, answer, deadline=deadline, most=most, hook=hook)
    except TimeoutError as cause:
        raise _Failed(f"it took longer than {hook.timeout_seconds:g} seconds") from cause
    except (OSError, http.client.HTTPException) as cause:
        raise _Failed(f"it cannot be asked: {cause}") from cause
    finally:
        connection.close()


def _body(
    connection: http.client.HTTPConnection,
    answer: http.client.HTTPResponse,
    *,
    deadline: float,
    most: int,
    hook: DraftingHook,
) -> bytes:
    read: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
        piece = answer.read1(_CHUNK)
        if not piece:
            return b"".join(read)
        read.append(piece)
        size += len(piece)
        if size > most:
            raise _Failed(f"it answered with more than {hook.max_kilobytes} KB")
