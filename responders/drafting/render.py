"""Run a template that somebody else wrote, on text that a stranger wrote, and come back.

Templates are Jinja2, cut down in three ways:

1. *What may be written.* Before it is compiled, the template's syntax tree is checked against a
   list of node types. There are no calls, macros, imports, blocks or includes; filters and tests
   come from short lists. Names that begin with an underscore are refused.
2. *What arithmetic may do.* ``+ - * / // % **`` take numbers only (``+`` also two texts), of
   bounded size: ``'a' * 10**8`` is an error, not a gigabyte.
3. *How much it may do.* Every round of a loop and every filter spends from one budget; output has
   a cap. A template that loops ends in a finding within milliseconds, at the same step each time.

A missing fact is an error (``StrictUndefined``), never an empty space in a sentence. Feed text
enters as a value and is never compiled.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from responders.drafting.phrases import lower_first, sentence, shorten, single_quotes
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jinja2 import Template, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = [
    "DEFAULT_LIMITS",
    "FILTERS",
    "TESTS",
    "RenderLimits",
    "Rendered",
    "attribute_paths",
    "render",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderLimits:
    """What one rendering may cost.

    Attributes:
        source_chars: Longest template, characters.
        output_chars: Longest result, characters.
        steps: Rounds of loops plus filters applied.
        seconds: Wall time; a second net below the steps.
        depth: Nesting of the template's syntax tree.
    """

    source_chars: int = 20_000
    output_chars: int = 20_000
    steps: int = 10_000
    seconds: float = 2.0
    depth: int = 40


DEFAULT_LIMITS: Final = RenderLimits()
_LARGEST_NUMBER: Final = 10**15
_LARGEST_EXPONENT: Final = 16

_ALLOWED_NODES: Final = frozenset(
    [
        "Template",
        "Output",
        "TemplateData",
        "Name",
        "Const",
        "List",
        "Tuple",
        "Getattr",
        "Getitem",
        "Filter",
        "Test",
        "If",
        "For",
        "CondExpr",
        "Compare",
        "Operand",
        "And",
        "Or",
        "Not",
        "Concat",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "FloorDiv",
        "Mod",
        "Pow",
        "Neg",
        "Pos",
        "Assign",
        "Keyword",
    ]
)
FILTERS: Final = frozenset(
    [
        "default",
        "first",
        "join",
        "last",
        "length",
        "lower",
        "lower_first",
        "sentence",
        "shorten",
        "single_quotes",
        "trim",
        "upper",
    ]
)
TESTS: Final = frozenset(["defined", "undefined", "none", "string", "number", "odd", "even"])
_WHAT: Final = {
    "Call": "a call",
    "CallBlock": "a call block",
    "Macro": "a macro",
    "Include": "an include",
    "Import": "an import",
    "FromImport": "an import",
    "Extends": "extends",
    "Block": "a block",
    "FilterBlock": "a filter block",
    "AssignBlock": "a set block",
    "Slice": "a slice",
    "Dict": "a dictionary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What came of a template.

    Attributes:
        text: The result, or None when there is none.
        findings: Why there is none (RS001, RS002, RS003); empty when there is.
    """

    text: str | None
    findings: tuple[Finding, ...] = ()


class _LimitReached(Exception):  # noqa: N818 - internal signal, turned into a finding
    """The budget is spent."""


class _Refused(Exception):  # noqa: N818 - internal signal, turned into a finding
    """The template asks for something that templates may not do."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class _Budget:
    """Counts what one rendering spends."""

    def __init__(self, limits: RenderLimits) -> None:
        self.limits = limits
        self.left = limits.steps
        self.deadline = time.monotonic() + limits.seconds

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _LimitReached(f"more than {self.limits.steps:,} steps")
        if time.monotonic() > self.deadline:
            raise _LimitReached(f"more than {self.limits.seconds:g} seconds")

    def check_size(self, text: str) -> str:
        if len(text) > self.limits.output_chars:
            raise _LimitReached(f"a text of more than {self.limits.output_chars:,} characters")
        return text


def render(
    source: str,
    values: Mapping[str, object],
    *,
    name: str = "template",
    limits: RenderLimits = DEFAULT_LIMITS,
) -> Rendered:
    """The template filled with values, or the reason why not.

    Args:
        source: Template text.
        values: Top-level names; dataclass values are read by attribute.
        name: What to call the template in a finding, usually its file.
        limits: What it may cost.

    Returns:
        The text, or a finding: RS001 for a fact that is not there, RS002 for a template that
        cannot be read or asks for what templates may not do, RS003 for one that does not end in
        time or size. Never raises for anything that template or values do.

    Examples:
        >>> render("Call {{ org.phone }}", {"org": {"phone": "555-0100"}}).text
        'Call 555-0100'
        >>> print(render("Call {{ org.fax }}", {"org": {"phone": "555-0100"}}).findings[0].code)
        RS001
    """
    from jinja2 import TemplateError, UndefinedError
    from jinja2.exceptions import SecurityError

    budget = _Budget(limits)
    try:
        template = _compiled(source, limits)
        text = _collect(template.generate({**values, "_budget": budget}), limits.output_chars)
    except _LimitReached as error:
        return _failed(
            "RS003",
            f"the template was stopped: {error}",
            "look for a loop inside a loop, or a text that is repeated",
            name,
        )
    except _Refused as error:
        return _failed(
            "RS002", str(error), "use text, names, filters, if and for", name, error.line
        )
    except UndefinedError as error:
        return _failed(
            "RS001",
            f"a fact is missing: {error.message}",
            "use a documented name, or {% if ... is defined %}",
            name,
            _line_of(error),
        )
    except SecurityError as error:
        return _failed("RS002", str(error), "use text, names, filters, if and for", name)
    except TemplateError as error:
        line = getattr(error, "lineno", 0) or 0
        return _failed(
            "RS002", f"the template cannot be read: {error.message}", "check braces", name, line
        )
    except (RecursionError, MemoryError):
        return _failed("RS003", "the template is nested too deeply", "make it flatter", name)
    except Exception as error:  # noqa: BLE001 - whatever a template does must end in a finding
        return _failed("RS002", f"the template failed: {error}", "check the values it uses", name)
    return Rendered(text=text)


def _collect(pieces: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise _LimitReached(f"more than {limit:,} characters of text")
        kept.append(piece)
    return "".join(kept)


@lru_cache(maxsize=1024)
def attribute_paths(source: str) -> tuple[str, ...]:
    """The dotted names that a template reads, for the check against documented contexts.

    Names that the template sets itself (``for``, ``set``, ``loop``) are left out.

    Raises:
        ValueError: The template cannot be read; :func:`render` says why.

    Examples:
        >>> attribute_paths("{{ org.name }}{% for e in story.entries %}{{ e.url }}{% endfor %}")
        ('org.name', 'story.entries')
    """
    from jinja2 import TemplateError, nodes

    try:
        tree = _environment().parse(source)
    except (TemplateError, RecursionError) as error:
        raise ValueError(f"the template cannot be read: {error}") from error
    own = {"loop"}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "store":
            own.add(node.name)
    found: dict[str, None] = {}
    inner: set[int] = set()
    for attribute in tree.find_all(nodes.Getattr):
        path = [attribute.attr]
        base: nodes.Node = attribute.node
        while isinstance(base, nodes.Getattr):
            inner.add(id(base))
            path.append(base.attr)
            base = base.node
        if isinstance(base, nodes.Name):
            inner.add(id(base))
            if id(attribute) not in inner and base.name not in own:
                found[".".join([base.name, *reversed(path)])] = None
    for plain in tree.find_all(nodes.Name):
        if id(plain) not in inner and plain.name not in own and plain.ctx == "load":
            found[plain.name] = None
    return tuple(found)


def _failed(code: str, message: str, hint: str, name: str, line: int = 0) -> Rendered:
    where = f"{name}:{line}" if line else name
    finding = Finding(code=code, severity="error", message=message, hint=hint, where=where)
    return Rendered(text=None, findings=(finding,))


def _line_of(error: BaseException) -> int:
    """Line of the template that an error came from; Jinja rewrites the traceback to it."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@lru_cache(maxsize=256)
def _compiled(source: str, limits: RenderLimits) -> Template:
    if len(source) > limits.source_chars:
        raise _LimitReached(f"a template of more than {limits.source_chars:,} characters")
    environment = _environment()
    tree = environment.parse(source)
    _check(tree, depth=limits.depth)
    _guard(tree)
    return environment.from_string(tree)


def _check(node: nodes.Node, *, depth: int) -> None:
    kind = type(node).__name__
    line = node.lineno
    if depth < 0:
        raise _LimitReached("nested too deeply")
    if kind not in _ALLOWED_NODES:
        raise _Refused(f"{_WHAT.get(kind, kind)} is not allowed in a template", line)
    name = getattr(node, "name", None)
    if kind == "Filter" and name not in FILTERS:
        raise _Refused(f"there is no filter {name!r}; there are {', '.join(sorted(FILTERS))}", line)
    if kind == "Test" and name not in TESTS:
        raise _Refused(f"there is no test {name!r}; there are {', '.join(sorted(TESTS))}", line)
    if kind == "Name" and str(name).startswith("_"):
        raise _Refused(f"the name {name!r} begins with an underscore", line)
    if kind == "For" and getattr(node, "recursive", False):
        raise _Refused("a recursive loop is not allowed in a template", line)
    for child in node.iter_child_nodes():
        _check(child, depth=depth - 1)


def _guard(tree: nodes.Template) -> None:
    """Wrap what can grow: each loop pays per round, each joined text is measured."""
    from jinja2 import nodes

    for loop in list(tree.find_all(nodes.For)):
        assert isinstance(loop.iter, nodes.Expr)
        loop.iter = _wrapped("_counted", loop.iter)
    for node in list(tree.find_all(nodes.Node)):
        for field, value in list(node.iter_fields()):
            if isinstance(value, nodes.Concat):
                setattr(node, field, _wrapped("_measured", value))
            elif isinstance(value, list):
                value[:] = [
                    _wrapped("_measured", item) if isinstance(item, nodes.Concat) else item
                    for item in value
                ]


def _wrapped(filter_name: str, node: nodes.Expr) -> nodes.Filter:
    from jinja2 import nodes

    return nodes.Filter(node, filter_name, [], [], None, None, lineno=node.lineno)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined, pass_context
    from jinja2.filters import do_default
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            return _arithmetic(context["_budget"], operator, left, right)

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, optimized=False
    )
    environment.globals.clear()

    def priced(function: Any) -> Any:
        @pass_context
        def apply(context: Any, value: Any, *args: Any, **options: Any) -> Any:
            budget: _Budget = context["_budget"]
            budget.spend()
            result = function(value, *args, **options)
            return budget.check_size(result) if isinstance(result, str) else result

        return apply

    @pass_context
    def counted(context: Any, values: Iterable[Any]) -> Iterator[Any]:
        budget: _Budget = context["_budget"]
        for value in values:
            budget.spend()
            yield value

    environment.filters = {name: priced(function) for name, function in _FILTER_CODE.items()}
    environment.filters["default"] = do_default
    environment.filters["_counted"] = counted
    environment.filters["_measured"] = priced(str)
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment


def _arithmetic(budget: _Budget, operator: str, left: Any, right: Any) -> Any:
    budget.spend()
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return budget.check_size(left + right)
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Refused(f"{operator!r} works on numbers only in a template")
        if abs(value) > _LARGEST_NUMBER:
            raise _LimitReached("a number too large to work with")
    if operator == "**" and abs(right) > _LARGEST_EXPONENT:
        raise _LimitReached(f"a power above {_LARGEST_EXPONENT}")
    if operator in {"/", "//", "%"} and right == 0:
        raise _Refused("division by zero")
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "//":
            return left // right
        case "%":
            return left % right
        case _:
            return left**right


def _join(values: Iterable[object], separator: str = "") -> str:
    return separator.join(str(value) for value in values)


def _first(values: Any) -> Any:
    return next(iter(values))


_FILTER_CODE: Final[dict[str, Any]] = {
    "first": _first,
    "join": _join,
    "last": lambda values: values[-1],
    "length": len,
    "lower": lambda text: str(text).lower(),
    "lower_first": lambda text: lower_first(str(text)),
    "sentence": lambda text: sentence(str(text)),
    "shorten": lambda text, width: shorten(str(text), int(width)),
    "single_quotes": lambda text: single_quotes(str(text)),
    "trim": lambda text: str(text).strip(),
    "upper": lambda text: str(text).upper(),
}
