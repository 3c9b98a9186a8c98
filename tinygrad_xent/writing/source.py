"""A derived gradient as source code that runs as printed, in NumPy, PyTorch or JAX.

Definitions keep their names, what is computed twice gets one. Names of the user that are no Python
identifiers are made ones; no text of the user reaches the code in any other way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import DeriveError, explain
from .identifiers import Names
from .indices import index_arrays, index_object, index_part
from .languages import LANGUAGES, Language
from .program import REDUCTIONS, Entry, Program, check_names
from .text import Piece, bracketed, grouping, number

_ATOM, _SIGN, _PRODUCT = 9, 4, 3
_TITLES = {
    "gradient": "The gradient",
    "value_and_gradient": "The loss and its gradient",
    "hvp": "The Hessian's product with a vector,",
    "hessian": "The Hessian",
    "jacobian": "The Jacobian",
}
_RESERVED = frozenset({*_TITLES, "value", "slice", "float"})


def source(
    language: str,
    gradient: Any,
    wrt: str,
    loss: Any = None,
    forms: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    of: str = "gradient",
    value: Any = None,
) -> str:
    r'''Python code of a function `gradient`, and `value_and_gradient` where the loss is known.

    Args:
        language: "numpy", "torch" or "jax".
        gradient: the formula of the gradient.
        wrt: the name of what it is with respect to, whose shape it has.
        loss: the formula of the loss; its variables, in order, are the arguments.
        forms: the definitions by name, in the form to compute them by.
        notes: lines for a comment at the top, such as what the formula rests on.
        of: which derivative it is, and the function's name.
        value: the loss in another form to compute it by.

    Raises:
        DeriveError: the language is unknown, or one name means two things.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> print(source("numpy", 2 * x, "x"))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradient(x):
        """The gradient with respect to x."""
        return 2*x
    <BLANKLINE>
    '''
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise DeriveError(explain(f"source: there is no language {language!r}", "", known))
    if loss is not None:
        check_names(loss, forms or {})
    writer = _Writer(LANGUAGES[language], gradient, wrt, loss, forms or {}, of, value)
    return comment(notes) + writer.page()


def comment(notes: tuple[str, ...]) -> str:
    """Lines of any text as a comment."""
    return "".join(f"# {''.join(c if c.isprintable() else ' ' for c in n)}\n" for n in notes)


class _Writer:
    """The page for one derivation in one language."""

    def __init__(
        self,
        language: Language,
        gradient: Any,
        wrt: str,
        loss: Any,
        forms: Mapping[str, Any],
        of: str,
        value: Any,
    ) -> None:
        self.language, self.of = language, of
        self.program = program = Program(forms)
        self.value = None if loss is None else program.add(loss)  # which orders the arguments
        if value is not None:
            self.value = program.add(value)
        self.gradient = program.add(gradient)
        self.variables = [e for e in program.entries if e.name and not e.args]
        self.variables.sort(key=lambda e: e.name != wrt)  # `sort` keeps the order of the others
        if self.variables and self.variables[0].name == wrt and of in ("gradient", "hvp"):
            self.gradient = program.full(self.gradient, self.variables[0].shape)
        self.names = Names({language.module, *language.helpers, *_RESERVED})
        for entry in program.entries:
            if entry.name:
                self.names.add(entry.name)
        self.wrt = self.names.get(wrt)

    def page(self) -> str:
        functions = [self._function(self.of, self.gradient)]
        if self.value is not None:
            functions.append(self._function("value_and_gradient", self.value, self.gradient))
        return "\n\n".join([self.language.header, *self._helpers(), *functions])

    def _helpers(self) -> list[str]:
        roots = (self.gradient,) if self.value is None else (self.value, self.gradient)
        ops = [self.program.entries[p].op for p in self.program.needed(*roots)]
        return self.language.helpers_of(op.name for op in ops if op is not None)

    def _function(self, name: str, *roots: int) -> str:
        parameters = [self.names[e.name] for e in self.program.entries if e.name and not e.args]
        body = Body(self, self.program.shared(*roots))
        value, *slope = body.write(self.program.needed(*roots), roots)
        with_respect = f" with respect to {self.wrt}" if self.wrt else ""
        title = _TITLES[name]
        kept = [f"value = {value}"] if slope else []
        result = ", ".join(["value", *slope] if slope else [value])
        lines = [f'"""{title}{with_respect}."""', *body.statements, *kept, f"return {result}"]
        return f"def {name}({', '.join(parameters)}):\n" + "".join(f"    {x}\n" for x in lines)

    def shape(self, shape: tuple[int, ...]) -> str:
        """A shape, by the variable that has it, so that it is right for every size."""
        for entry in self.variables:
            if shape and entry.shape == shape:
                return f"{self.names[entry.name]}.shape"
        return str(shape)


class Body:
    """The statements of one function."""

    def __init__(self, page: _Writer, shared: set[int]) -> None:
        self.page, self.shared, self.language = page, shared, page.language
        self.statements: list[str] = []
        self.pieces: dict[int, Piece] = {}
        self._names = page.names.copy()

    def write(self, order: list[int], roots: tuple[int, ...]) -> list[str]:
        """Write what the roots need; the expressions of the roots themselves."""
        for place in order:
            entry = self.page.program.entries[place]
            piece = self._piece(entry)
            if place in self.shared or entry.is_definition:
                name = self._names[entry.name] if entry.name else self._names.fresh()
                self.statements.append(f"{name} = {piece[0]}")
                piece = name, _ATOM, ""
            self.pieces[place] = piece
        return [self.pieces[root][0] for root in roots]

    def _piece(self, entry: Entry) -> Piece:
        if entry.is_definition:
            return self.pieces[entry.args[0]]
        if entry.op is not None:
            return self._operation(entry)
        if entry.name:
            return self._names[entry.name], _ATOM, ""
        return self._literal(entry.value)

    def _literal(self, value: Any) -> Piece:
        """Plain data as code."""
        if value.ndim:
            return self._array(value.tolist(), value.dtype.kind == "f"), _ATOM, ""
        line = re.sub(r"\b(pi|inf|nan)\b", rf"{self.language.module}.\1", number(value.item()))
        return line, (_SIGN if line[0] == "-" else _PRODUCT if "*" in line else _ATOM), ""

    def _array(self, data: Any, floats: bool = True) -> str:
        """An array; PyTorch's would have 32 bits, so it is given the precision of the variable."""
        entries = re.sub(r"\b(inf|nan)\b", r"float('\1')", str(data))
        if not self.language.strict:
            return f"{self.language.module}.array({entries})"
        kind = f", dtype={self.page.wrt}.dtype" if floats and self.page.wrt else ""
        return f"torch.tensor({entries}{kind})"

    def _operation(self, entry: Entry) -> Piece:
        op = entry.op
        assert op is not None
        template = self.language.code(op.name, op.code)
        args = [self.page.program.entries[a] for a in entry.args]
        wrap = self.language.strict and template.startswith("torch.") and op.name != "where"
        shown = [
            self._array(float(a.value)) if wrap and a.is_number
            else bracketed(op, template, i, self.pieces[p])
            for i, (a, p) in enumerate(zip(args, entry.args, strict=True))
        ]  # fmt: skip
        line = template.replace("{*}", ", ".join(shown).replace("{", "{{").replace("}", "}}"))
        binds = grouping(op, self.pieces[entry.args[0]]) if entry.args else (op.precedence, op.name)
        return line.format(*shown, **self._settings(entry, shown)), *binds

    def _settings(self, entry: Entry, shown: list[str]) -> dict[str, str]:
        """The static settings, as every template may want them."""
        params, language = entry.params, self.language
        ndim = len(self.page.program.entries[entry.args[0]].shape)
        fields = {"axis": "", "keepdims": ""}
        if "axis" in params:
            fields["axis"] = self._axis(entry, ndim)
            fields["lengths"] = _lengths(params["axis"], shown[0])
            fields["new"] = _new_axes(params["axis"], len(entry.shape))
        if params.get("keepdims"):
            fields["keepdims"] = f", {language.keepdims}=True"
        if "axes" in params:
            fields["axes"] = _reordered(params["axes"], language.permute)
        if "shape" in params:
            fields["shape"] = self.page.shape(params["shape"])
        if "index" in params:
            arrays = index_arrays(params["index"], shown)
            fields["index"] = ", ".join(index_part(p, arrays) for p in params["index"])
            objects = "".join(f"{index_object(p, arrays)}, " for p in params["index"])
            fields["places"] = f"({objects})"
        return fields | ({"dtype": _dtype(params["dtype"], language)} if "dtype" in params else {})

    def _axis(self, entry: Entry, ndim: int) -> str:
        assert entry.op is not None
        axis, word = entry.params["axis"], self.language.axis
        if entry.op.name in self.language.helpers:  # whose axis is the last if they are not told
            return "" if axis in (ndim - 1, (ndim - 1,)) else f", {word}={_single(axis)}"
        if entry.op.name in self.language.templates and not isinstance(axis, tuple):
            axis = -1 if axis == ndim - 1 and "named_axis" in entry.params else axis
            if self.language.strict and entry.op.name != "concatenate":
                return f"{word}={axis}"
            return "" if axis == -1 else f", {word}={axis}"
        everything = entry.op.name in REDUCTIONS and axis == tuple(range(ndim))
        if everything and not entry.params.get("keepdims"):
            return ""
        return f", {word}={_single(axis)}"


def _single(axis: Any) -> Any:
    return axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis


def _dtype(name: str, language: Language) -> str:
    return name if language.strict else repr(name)


def _reordered(axes: tuple[int, ...], permute: str) -> str:
    last = len(axes) - 1
    if axes == (1, 0):
        return ".T"
    if axes == (*range(last - 1), last, last - 1):
        return ".swapaxes(-1, -2)"
    return f".{permute}({', '.join(map(str, axes))})"


def _new_axes(axis: Any, ndim: int) -> str:
    """`:, None` for a new axis behind the first."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    return ", ".join("None" if i in axes else ":" for i in range(max(ndim, 1)))


def _lengths(axis: Any, of: str) -> str:
    """How many entries there are along axes."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    lengths = "*".join(f"{of}.shape[{a}]" for a in axes) or "1"
    return f"({lengths})" if len(axes) > 1 else lengths
