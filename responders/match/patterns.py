r"""Regular expressions in linear time, through RE2.

Three habits of RE2 that matter to who writes them: ``\b``, ``\w`` and ``\d`` know ASCII only
(``\p{L}`` is a letter of any script); there is no look-around and no back reference; and the
engine logs to stderr unless told not to. Text is matched as written: accents count here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_pattern", "pattern_holds", "pattern_spans"]

# Memory of one compiled expression and its automaton; a bigger expression is refused.
_MAX_MEMORY: Final = 1 << 20


def check_pattern(source: str, *, exact: bool) -> str:
    """Why an expression cannot be used; empty when it can.

    Args:
        source: RE2 syntax.
        exact: Whether upper and lower case differ.
    """
    import re2

    try:
        compiled = _compiled(source, exact=exact)
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    except re2.error as error:
        reason = error.args[0] if error.args else "is not valid"
        return f"is not valid: {reason.decode() if isinstance(reason, bytes) else reason}"
    if compiled.search("") is not None:
        return "matches an empty text, and so everything"
    return ""


def pattern_holds(source: str, text: str, *, exact: bool) -> bool:
    """Whether the expression occurs in the text."""
    return _compiled(source, exact=exact).search(text) is not None


def pattern_spans(source: str, text: str, *, exact: bool) -> Iterator[tuple[int, int]]:
    """Offsets of each occurrence, left to right, without overlap and without empty ones."""
    for match in _compiled(source, exact=exact).finditer(text):
        if match.end() > match.start():
            yield match.span()


@lru_cache(maxsize=1024)
def _compiled(source: str, *, exact: bool) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = exact
    options.max_mem = _MAX_MEMORY
    return re2.compile(source, options)
