"""A template tried on an invented story, before it is adopted.

What can only be seen by running a template (a loop without end, an operation that is not allowed,
a text that is too long) is seen here, in the same sandbox and under the same limits as in earnest,
and not when the news breaks.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from responders.drafting.render import render

if TYPE_CHECKING:
    from testkit.kernel.findings import Finding

__all__ = ["example_of", "try_template"]


def try_template(source: str, context: type, name: str) -> tuple[Finding, ...]:
    """Every error of rendering a template, with a full story and with a bare one.

    Args:
        source: Template text.
        context: One of :data:`responders.drafting.contexts.CONTEXTS`.
        name: What to call the template.

    Examples:
        >>> from responders.drafting.contexts import SmsContext
        >>> [f.code for f in try_template("{{ org.name }}", SmsContext, "sms/response")]
        []
        >>> endless = "{% for a in range(9999999) %}{{ a }}{% endfor %}"
        >>> bool(try_template(endless, SmsContext, "sms/response"))
        True
    """
    for full in (True, False):
        values = {
            field.name: getattr(example_of(context, full=full), field.name)
            for field in fields(context)
        }
        found = tuple(f for f in render(source, values, name=name).findings
                      if f.severity == "error")  # fmt: skip
        if found:
            return found
    return ()


def example_of(context: type, *, full: bool) -> Any:
    """A context filled with example values.

    Args:
        context: A dataclass of :mod:`responders.drafting.contexts`.
        full: Everything is there; else texts are empty and what may be missing is None.
    """
    made = {name: _example(name, kind, full=full) for name, kind in get_type_hints(context).items()}
    return context(**made)


def _example(name: str, kind: Any, *, full: bool) -> Any:
    if isinstance(kind, types.UnionType):
        if not full:
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    if is_dataclass(kind) and isinstance(kind, type):
        return example_of(kind, full=full)
    if kind is bool:
        return full
    if kind is int:
        return 2 if full else 0
    return f"Example {name.replace('_', ' ')}" if full else ""
