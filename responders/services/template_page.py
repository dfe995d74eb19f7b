"""What a template may use, as a page: written from the contexts that the code itself checks."""

from __future__ import annotations

import inspect
import re
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from responders.drafting.contexts import CHANNEL_CONTEXTS, FrameContext
from responders.drafting.render import FILTERS, TESTS
from testkit.errors import NotFoundError
from testkit.kernel.workspace import write_once

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace

__all__ = ["copy_template", "page"]

_FIELD = re.compile(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", re.MULTILINE)


def copy_template(workspace: Workspace, channel: str, *, lang: str) -> tuple[str, bool]:
    """Copy a bundled template into the workspace, to be changed and adopted.

    Args:
        workspace: The workspace.
        channel: ``email``, ``sms`` ...
        lang: ``en`` or ``es``.

    Returns:
        Its path below the workspace, and whether it was written; one that is there is left alone.

    Raises:
        NotFoundError: There is no such template.
    """
    from responders.drafting.compose import TEMPLATE_NAME, bundled_templates

    known = bundled_templates()
    text = known.get((channel, TEMPLATE_NAME, lang))
    if text is None:
        there = ", ".join(sorted(f"{c} ({tag})" for c, _, tag in known))
        raise NotFoundError("template", f"{channel} ({lang})", hint=f"there are {there}")
    path = f"templates/{channel}/{TEMPLATE_NAME}.{lang}.jinja"
    return path, write_once(workspace.root / path, text)


def page() -> str:
    """The page ``docs/drafting/templates.md``."""
    channels: dict[type, list[str]] = {}
    for channel, context in CHANNEL_CONTEXTS.items():
        channels.setdefault(context, []).append(f"`{channel}`")
    parts: dict[type, list[str]] = {}
    tops = []
    for context, names in channels.items():
        tops.append(f"| {', '.join(names)} | {', '.join(f'`{n}`' for n in _told(context))} |")
        _collect(context, parts)
    tops.append(f"| frames in issue files | {', '.join(f'`{n}`' for n in _told(FrameContext))} |")
    lines = [
        "# What a template may use",
        "",
        "Copy a bundled template into the workspace, change it, adopt it:",
        "`whistlestop draft template sms`, then `adopt` it by its path. `adopt` tries it on an",
        "invented story and refuses what cannot be run. This page is written by",
        "`python -m responders.services.template_page`; a test compares the two.",
        "",
        "| Template | Names |",
        "|---|---|",
        *tops,
    ]
    for kind, rows in parts.items():
        first = (inspect.getdoc(kind) or "").partition("\n")[0]
        lines += ["", f"## {rows[0]}", "", first, "", "| Name | Meaning |", "|---|---|", *rows[1:]]
    lines += [
        "",
        "## Filters and tests",
        "",
        f"Filters: {', '.join(f'`{name}`' for name in sorted(FILTERS))}.",
        "",
        f"Tests after `is`: {', '.join(f'`{name}`' for name in sorted(TESTS))}.",
        "",
        "Beside them there are `if`, `for` and `set`; calls, macros, imports and includes are",
        "refused.",
        "",
    ]
    return "\n".join(lines)


def _collect(context: type, parts: dict[type, list[str]], above: str = "") -> None:
    for name, kind in get_type_hints(context).items():
        inner = _inner(kind)
        if inner is not None and inner not in parts:
            path = f"{above}{name}"
            rows = [f"| `{path}.{field}` | {text} |" for field, text in _told(inner).items()]
            parts[inner] = [f"`{path}`", *rows]
            _collect(inner, parts, f"{path}.")


def _inner(kind: Any) -> type | None:
    options = get_args(kind) or (kind,)
    return next((o for o in options if isinstance(o, type) and is_dataclass(o)), None)


def _told(context: type) -> dict[str, str]:
    """Field to its sentence in the docstring."""
    body = (context.__doc__ or "").partition("Attributes:")[2]
    return {name: " ".join(text.split()).replace("``", "`") for name, text in _FIELD.findall(body)}


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what the command is for
