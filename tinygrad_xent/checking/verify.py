"""Re-checking a certificate: is each line of a derivation equal to the line before it?

With the arithmetic of `worlds` and `arrays` this is the whole checker. It shares nothing with the
rewriter, reads only the JSON, and runs nothing that it finds there.

Two formulas are equal if at all of some hundred random points the integers agree that are not lost,
and the real numbers do nearly. At some points variables are 0, 1, -1 or 2, where a step may be
wrong that is right elsewhere, and a line may not be undefined where the line before it was defined.
The first line has to be the loss's derivative: dual numbers give the slope of the loss in a random
direction, which has to be that line times the direction.

A polynomial of degree d that is not 0 is 0 at a random point with a chance of at most d/p (Schwartz
1980, Zippel 1979), here for each of at least 100 integers with p > 2^15: for d < 1000 that is below
2^-500. Powers g^a with random g behave as variables do. What is wrong for one order of some numbers
only, as of the branches of `where`, is caught if one of the points has that order.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CertificateError
from .arrays import LOST, Array, index_of, joined, larger, largest, matmul, scatter, softmax, where
from .worlds import Primes, World

_FORMAT = "tinygrad_xent certificate 1"
_WORLDS, _LEAST, _MOST_ENTRIES = 4, 100, 2**14  # worlds, integers compared, entries
_REFUSED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True)
class Verification:
    """What the checker found: true if every claim holds.

    Attributes:
        claims: each claim, such as the name of a step, with what is wrong with it, or "".
        shapes: the variables, with the shapes at which the claims were checked.
    """

    claims: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    def __bool__(self) -> bool:
        return not any(problem for _, problem in self.claims)

    def __str__(self) -> str:
        lines = [f"  {claim}: {problem or 'holds'}" for claim, problem in self.claims]
        at = ", ".join(f"{name} {shape}" for name, shape in self.shapes)
        return "\n".join([*lines, f"{'verified' if self else 'NOT verified'} at the shapes {at}"])


def verify(certificate: str) -> Verification:
    """Check a derivation's certificate, step by step.

    Args:
        certificate: what `Derivation.certificate()` gave.

    Raises:
        CertificateError: this is not a certificate.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> certificate = tx.derive((x * x).sum(), x).certificate()
    >>> bool(verify(certificate)), bool(verify(certificate.replace("mul", "sub")))
    (True, False)
    """
    rng = np.random.default_rng()
    try:
        given = _Certificate(json.loads(certificate))
        with np.errstate(all="ignore"):
            for _ in range(_WORLDS):
                given.check(World(Primes(rng), rng))
    except _REFUSED as error:
        reason = str(error) if isinstance(error, CertificateError) else repr(error)
        raise CertificateError(f"verify: not a certificate: {reason:.200}") from None
    claims = tuple((claim.name, claim.verdict()) for claim in given.claims)
    return Verification(claims, tuple((n["name"], n["shape"]) for n in given.variables))


# -- what a certificate says ----------------------------------------------------------------------


class _NotCheckedError(Exception):
    """This formula is beyond the checker."""


@dataclass
class _Claim:
    """That two lines are equal; what is wrong with that; and how often it was found to be right."""

    name: str
    before: int
    after: int
    problem: str = ""
    found: Any = 0

    def verdict(self) -> str:
        rare = "not checked: it was too rarely defined" * bool(np.min(self.found) < _LEAST)
        return self.problem or rare


def _need(fine: Any, problem: str) -> None:
    if not fine:
        raise CertificateError(problem)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


class _Certificate:
    def __init__(self, data: dict[str, Any]) -> None:
        _need(data["format"] == _FORMAT, f"the format is not {_FORMAT!r}")
        self.nodes: list[dict[str, Any]] = []
        for node in data["nodes"]:
            self.nodes.append(self._read(node))
        self.variables = [n for n in self.nodes if not n.keys() & {"op", "data"}]
        names = [n["name"] for n in self.nodes if "name" in n]
        _need(len({*names}) == len(names), "a name stands for two things")
        _need(sum(math.prod(n["shape"]) for n in self.nodes) <= _MOST_ENTRIES, "it is too large")
        self.loss, self.wrt, line = (self._place(data[key]) for key in ("loss", "wrt", "start"))
        _need(self.nodes[self.wrt] in self.variables, "the derivative is not by a variable")
        _need(math.prod(self.nodes[self.loss]["shape"]) == 1, "the loss is not one number")
        self.facts = [(self._place(f["of"]), _FACTS[f["kind"]], f) for f in data["facts"]]
        self.claims = [_Claim("the first line is the derivative", self.loss, line)]
        for step in data["steps"]:
            claim = _Claim(str(step["rule"]), self._place(step["from"]), self._place(step["to"]))
            claim.problem = "it does not begin with the line before" * (claim.before != line)
            self.claims.append(claim)
            line = claim.after
        self.claims.append(_Claim("the result is the last line", line, self._place(data["result"])))
        self.claims[-1].problem = "it is another" * (line != self.claims[-1].after)

    def _read(self, n: dict[str, Any]) -> dict[str, Any]:
        node = {**n, "shape": _tuples(n["shape"])}
        lengths = [type(i) is int and 0 < i <= _MOST_ENTRIES for i in node["shape"]]
        _need(all(lengths) and len(lengths) < 20, f"a shape is {node['shape']!r:.50}")
        _need(n.keys() & {"op", "data"} or isinstance(n["name"], str), "a variable has no name")
        if "op" in n:
            node["params"] = {str(k): _tuples(v) for k, v in n["params"].items()}
            node["args"] = [a if isinstance(a, dict) else {"data": a} for a in n["args"]]
            _need(all("data" in a or self._place(a["node"]) >= 0 for a in node["args"]), "")
        return node

    def _place(self, i: Any) -> int:
        _need(type(i) is int and 0 <= i < len(self.nodes), f"there is no node {i!r:.20} before")
        return int(i)

    # -- in a world -------------------------------------------------------------------------------

    def check(self, world: World) -> None:
        """All claims, at the points at which the assumptions hold and the loss has a value."""
        values = self._values(world, range(max(self.loss, self.wrt) + 1), [])
        loss, direction = values[self.loss], values[self.wrt].slope
        values = [getattr(value, "still", value) for value in values]
        self._values(world, range(len(values), len(self.nodes)), values)
        needed = [loss, *(values[of] for of, _, _ in self.facts)]
        unknown = [value for value in needed if isinstance(value, _NotCheckedError)]
        if unknown:
            self.claims[0].problem = f"not checked: {unknown[0]}"
            return
        points = np.isfinite(loss.real).reshape(-1)
        for of, holds, fact in self.facts:
            points &= holds(values[of], fact["axis"])
        start, *others = self.claims
        slope, line = loss.slope or world.whole(0), values[start.after]
        if isinstance(line, Array):
            line = (line * direction).moved(np.ravel).sum((0,))
        _compare(start, slope.moved(lambda at: at.reshape(())), line, points & world.any)
        for claim in others:
            _compare(claim, values[claim.before], values[claim.after], points)

    def _values(self, world: World, places: range, values: list[Any]) -> list[Any]:
        """Arrays, or why they are not known."""
        for i in places:
            try:
                values.append(self._value(i, values, world))
            except _NotCheckedError as error:
                values.append(error)
        return values

    def _value(self, i: int, values: list[Any], world: World) -> Array:
        node = self.nodes[i]
        if "op" in node:
            return _applied(node, values, world)
        if "data" in node:
            return world.constants(node["data"])
        facts = {fact["kind"]: fact["axis"] for of, _, fact in self.facts if of == i}
        value = world.variable(node["shape"], facts)
        return world.sloping(value) if i == self.wrt else value


def _compare(claim: _Claim, x: Any, y: Any, points: Any) -> None:
    """Note what is wrong with a claim, if anything is."""
    for a in (x, y):
        if isinstance(a, _NotCheckedError):
            claim.problem = claim.problem or f"not checked: {a}"
    if not claim.problem:
        shape = np.broadcast_shapes(x.shape, y.shape)
        x, y = (a.moved(lambda at: np.broadcast_to(at, shape)) for a in (x, y))
        there, known = np.isfinite(x.real) & points, (x.mod != LOST) & (y.mod != LOST)
        far = np.abs(x.real - y.real) > 1e-6 * (1 + np.abs(x.real))
        if (there & (far | ((x.mod != y.mod) & known).any(-2))).any():
            claim.problem = "it is not equal to the line before"
        if (there & ~np.isfinite(y.real)).any():
            claim.problem = "it is not defined everywhere where the line before is"
        claim.found = claim.found + (known & (there & x.world.any)[..., None, :]).sum((-1, -2))


# -- what operations and assumptions mean ---------------------------------------------------------


def _applied(node: dict[str, Any], values: list[Any], world: World) -> Array:
    op, params = node["op"], node["params"]
    args = [values[a["node"]] if "node" in a else world.constants(a["data"]) for a in node["args"]]
    for a in args:
        if isinstance(a, _NotCheckedError):
            raise a
    if op in _MOVES:
        value = args[0].moved(lambda at: getattr(np, op)(at, *params.values()))
    elif op in _ORDERS:
        sign = (args[0] - args[1]).sign().real
        value = world.whole(np.where(np.isnan(sign), np.nan, getattr(np, op)(sign, 0)))
    elif op in _OPS:
        value = _OPS[op](*args, **params)
    else:
        raise _NotCheckedError(f"{op!r:.20} is not an operation it knows")
    _need(value.shape == node["shape"], f"{op}: {value.shape} is not {node['shape']}")
    return value


def _astype(x: Array, dtype: str) -> Array:
    if not dtype.startswith("float") and (x.real != np.rint(x.real)).any():
        raise _NotCheckedError("rounding")
    return x


def _all(truth: Any) -> Any:
    """Where something is true of all entries."""
    return truth.all(tuple(range(truth.ndim - 1)))


def _sums_to_one(x: Array, axis: int) -> Any:
    total = x.sum((axis % len(x.shape),))
    return _all(np.isin(total.mod, (1, LOST)).all(-2) & (np.abs(total.real - 1) < 1e-6))


_MOVES = {"transpose", "reshape", "broadcast_to", "expand_dims", "squeeze"}
_ORDERS = {"equal", "not_equal", "greater", "greater_equal", "less", "less_equal"}
_OPS: dict[str, Any] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "neg": operator.neg, "power": operator.pow, "matmul": matmul, "where": where,
    "exp": Array.exp, "log": Array.log, "sin": Array.sin, "cos": Array.cos, "sign": Array.sign,
    "expm1": lambda x: x.exp() - x.world.whole(1),
    "log1p": lambda x: (x.world.whole(1) + x).log(),
    "sqrt": lambda x: x ** x.world.constants(0.5),
    "tanh": lambda x: x.world.whole(1) - x.world.whole(2) / ((x + x).exp() + x.world.whole(1)),
    "sigmoid": lambda x, **_: x.world.whole(1) / (x.world.whole(1) + (-x).exp()),
    "softmax": softmax,
    "logsumexp": lambda x, axis, keepdims, **_: x.exp().sum((axis,), keepdims).log(),
    "mean": lambda x, axis, keepdims: (
        x.sum(axis, keepdims) / x.world.whole(math.prod(x.shape[a] for a in axis))
    ),
    "norm": lambda x, axis, keepdims: (x * x).sum(axis, keepdims) ** x.world.constants(0.5),
    "abs": lambda x: x * x.sign(),
    "maximum": larger,
    "minimum": lambda x, y: -larger(-x, -y),
    "logical_and": operator.mul,
    "logical_or": lambda x, y: x + y - x * y,
    "logical_not": lambda x: x.world.whole(1) - x,
    "sum": Array.sum,
    "max": largest,
    "min": lambda x, axis, keepdims: -largest(-x, axis, keepdims),
    "size": lambda x, axis: x.world.whole(math.prod(x.shape[a] for a in axis)),
    "getitem": lambda x, *arrays, index: x.moved(lambda at: at[index_of(index, arrays)]),
    "scatter": scatter,
    "concatenate": joined,
    "astype": _astype, "alias": lambda x: x, "stop_gradient": lambda x: x.still,
}  # fmt: skip
_FACTS: dict[str, Callable[[Array, int], Any]] = {
    "Positive": lambda x, axis: _all(x.real > 0),
    "Nonzero": lambda x, axis: _all(np.abs(x.sign().real) == 1),
    "SumsToOne": _sums_to_one,
    "Simplex": lambda x, axis: _sums_to_one(x, axis) & _all(x.real >= 0),
    "OneHot": lambda x, axis: _sums_to_one(x, axis) & _all(np.isin(x.mod, (0, 1, LOST)).all(-2)),
}
