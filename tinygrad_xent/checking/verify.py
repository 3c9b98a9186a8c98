"""Re-checking a certificate: is each line of a derivation equal to the line before it?

With the numbers of `exact` this is the whole checker. It shares nothing with the rewriter, reads
only the JSON, and runs nothing that it finds there. Lines are equal if at some hundred random
points the integers agree that are known, and the real numbers do nearly (where two integers agree,
rounding excuses the real numbers, but seldom). The first line has to be the loss's derivative:
times a random direction it is the loss's slope. Forms to compute by are lines too, which follow the
last line or the loss; as integers seldom have logarithms, of the loss they compare slopes.

A polynomial of degree d that is not 0 is 0 at a random point with a chance of at most d/p (Schwartz
1980, Zippel 1979), here for each of at least 100 integers with p > 2^15: for d < 1000 that is below
2^-500. What is wrong for one order of some numbers only is caught if a point has that order.

The seal, a SHA-256, tells that the text was changed. Whoever means to deceive can seal again;
against that there is the arithmetic.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from functools import reduce
from itertools import chain, pairwise
from typing import Any

import numpy as np

from ..errors import CertificateError
from .exact import ANY, WORK, Number, choose, constant, number, variable
from .verification import Verification

_FORMAT = "tinygrad_xent certificate 3"
SEAL = "the text is as it was written"
MOST_TEXT, _MOST_ENTRIES, _MOST_WORK = 10**7, 2**14, 40_000
_TURNS, _MOST_TURNS, _LEAST = 4, 64, 100  # sets of points; integers compared for each entry
_REFUSED = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError)


def verify(certificate: str) -> Verification:
    """Check a derivation's certificate, step by step.

    Args:
        certificate: what `Derivation.certificate()` gave.

    Raises:
        CertificateError: this is not a certificate, or too large a one.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> certificate = tx.derive((x * x).sum(), x).certificate()
    >>> bool(verify(certificate)), bool(verify(certificate.replace("mul", "sub")))
    (True, False)
    """
    try:
        _need(len(certificate) <= MOST_TEXT, f"it is longer than {MOST_TEXT} characters")
        data = json.loads(certificate, parse_constant=lambda name: _need(False, f"{name} in it"))
        with np.errstate(all="ignore"):
            return _verification(data)
    except (*_REFUSED, ValueError) as error:
        raise CertificateError(f"verify: not a certificate: {error!s:.200}") from None


def _need(fine: Any, problem: str) -> None:
    if not fine:
        raise ValueError(problem)


def _verification(data: dict[str, Any]) -> Verification:
    _need(data["format"] == _FORMAT, f"the format is not {_FORMAT!r}")
    nodes, lengths = data["nodes"], data["lengths"]
    forms = [*_forms(data, data["loss"]), *_forms(data, *_results(data))]
    _need(len(forms) == len(data.get("forms", ())), "a form is not of the loss or its derivative")
    lines = [*data["lines"], *(line for form in forms for line in form["lines"])]
    variables = [n for n in nodes if not n.keys() & {"op", "data"}]
    names = [n["name"] for n in nodes if "name" in n]
    _need(len({*names}) == len(names), "a name stands for two things")
    _need(nodes[data["wrt"]] in variables, "the derivative is not by a variable")
    problems, known = [""] * len(lines), np.zeros((2, len(lines)))
    for turn in range(_MOST_TURNS):
        if turn < _TURNS or known.min() < _LEAST:
            told = [*_compared(data, {n: n + turn % 2 for n in lengths.values()})]
            problems = [was or problem for was, (problem, _) in zip(problems, told, strict=True)]
            known[turn % 2 if lengths else slice(None)] += [times for _, times in told]
    rare = ["not checked: it was too rarely defined" * bool(n < _LEAST) for n in known.min(0)]
    named = [", as ".join((line["rule"], *line["used"])) for line in lines]
    claims = [(name, a or b) for name, a, b in zip(named, problems, rare, strict=True)]
    text = json.dumps({**data, "seal": ""}, sort_keys=True, separators=(",", ":"))
    changed = hashlib.sha256(text.encode()).hexdigest() != data["seal"]
    claims.append((SEAL, "it was changed since" * changed))
    return Verification.of(claims, variables, lengths)


def _compared(data: dict[str, Any], other: dict[int, int]) -> Iterator[tuple[str, Any]]:
    """What is wrong with each line at new points, and how often its entries were found right."""
    WORK.set(_MOST_WORK)
    values: list[Any] = []
    slopes: dict[int, Any] = {}
    losses = [[f["of"], *(line["node"] for line in f["lines"])] for f in _forms(data, data["loss"])]
    moving = {data["loss"], data["wrt"], *chain.from_iterable(losses)}
    for node in data["nodes"]:
        values.append(_value(node, values, data, other))
        if len(values) == 1 + max(moving):
            slopes = {i: _SLOPE(_at(values, i)) for i in moving}
            values = [np.asarray(_STILL(value), object) for value in values]
    loss, moved = slopes[data["loss"]], slopes[data["wrt"]]
    points = np.isfinite(_at(values, data["loss"]).item().real)
    for fact in data["facts"]:
        points = points & _FACTS[fact["kind"]](_at(values, fact["of"]), fact["axis"]).all(0)
    lines = [_at(values, line["node"]) for line in data["lines"]]
    shapes = {np.broadcast_shapes(line.shape, np.shape(moved)) for line in lines}
    _need(shapes == {np.shape(moved)}, "a line has not the shape of what the derivative is by")
    anywhere = points & (np.arange(len(points)) < ANY)
    yield _difference(loss, np.sum(lines[0] * moved), anywhere)
    for before, after in pairwise(lines):
        yield _difference(before, after, points)
    for i, j in chain.from_iterable(map(pairwise, losses)):  # slopes, and real numbers
        problem, known = _difference(slopes[i], slopes[j], anywhere)
        yield _difference(_at(values, i), _at(values, j), points)[0] or problem, known
    for form in _forms(data, *_results(data)):
        steps = (_at(values, i) for i in (form["of"], *(line["node"] for line in form["lines"])))
        yield from (_difference(before, after, points) for before, after in pairwise(steps))


def _forms(data: dict[str, Any], *of: int) -> list[Any]:
    """The forms to compute some nodes by."""
    return [form for form in data.get("forms", ()) if form["of"] in of]


def _results(data: dict[str, Any]) -> list[int]:
    """The last line, and what it is made of: a matrix stands there with a vector."""
    last = data["lines"][-1]["node"]
    args = data["nodes"][last].get("args", ())
    return [last, *(a["node"] for a in args if isinstance(a, dict) and "node" in a)]


def _difference(before: Any, after: Any, points: Any) -> tuple[str, Any]:
    x, y = (np.stack([n.values[0] for n in a.flat]) for a in np.broadcast_arrays(before, after))
    there, known = np.isfinite(x[:, :1]) & points, ~np.isnan(x - y)
    differ = (x != y) & known
    far = np.abs(x - y)[:, 0] > 1e-6 * (1 + np.abs(x[:, 0]))
    rounded = ((x == y)[:, 1:].sum(1) > 1) & ((far & there[:, 0]).mean() < 0.1)
    differ[:, 0] = far & ~rounded
    problem = "it is not equal to the line before" * bool((there & differ).any())
    undefined = ~np.isfinite(y[:, :1]) & np.isnan(y[:, 1:]).all(1, keepdims=True)  # no overflow
    if (there & undefined).any():
        problem = "it is not defined everywhere where the line before is"
    return problem, (there & known)[:, 1:, :ANY].sum((1, 2)).min()


# -- what nodes mean ------------------------------------------------------------------------------


def _value(node: Any, values: list[Any], data: dict[str, Any], other: dict[int, int]) -> Any:
    """The array of Numbers at a node, where some lengths are others."""
    shape = _tuples(node["shape"], other)
    _need(all(type(n) is int and n > 0 for n in shape), f"a shape is {shape!r:.50}")
    _need(sum(v.size for v in values) + math.prod(shape) <= _MOST_ENTRIES, "it is too large")
    if not node.keys() & {"op", "data"}:
        facts = {f["kind"]: f["axis"] for f in data["facts"] if f["of"] == len(values)}
        return variable(shape, facts, len(values) == data["wrt"])
    if "data" in node:
        node = {"op": "alias", "args": [{"data": node["data"]}], "params": {}}
    args = [a if isinstance(a, dict) else {"data": a} for a in node["args"]]
    ready = [_at(values, a["node"]) if "node" in a else _constant(a["data"]) for a in args]
    first = {"getitem": 1, "scatter": 1, "put": 2}.get(node["op"], len(args))
    known = [data["nodes"][a["node"]] if "node" in a else a for a in args[first:]]
    ready[first:] = [np.asarray(n["data"]) for n in known]  # an index has to be constant
    params = {k: _tuples(v, other if k == "shape" else {}) for k, v in node["params"].items()}
    value = np.asarray(_OPS[node["op"]](*ready, **params), object)
    _need(value.shape == shape, f"{node['op']}: {value.shape} is not {shape}")
    return value


def _at(values: list[Any], i: Any) -> Any:
    _need(type(i) is int and 0 <= i < len(values), f"there is no node {i!r:.20} before")
    return values[i]


def _constant(data: Any) -> Any:
    numbers = np.asarray(data, object)
    fine = (type(c) is str or math.isfinite(c) for c in numbers.flat)  # "inf", not 1e999
    _need(all(fine), "what should be a number is none")
    return np.asarray(_NUMBER(numbers), object)


def _tuples(value: Any, other: dict[int, int]) -> Any:
    """Lists as tuples, with other lengths in them."""
    if isinstance(value, list):
        return tuple(_tuples(v, other) for v in value)
    return other.get(value, value) if type(value) is int else value


def _each(function: Any, arguments: int = 1) -> Any:
    return np.frompyfunc(function, arguments, 1)


_NUMBER, _WHERE = _each(lambda c: number(float(c))), _each(choose, 3)
_STILL, _SLOPE = _each(lambda n: constant(n.values[0])), _each(lambda n: constant(n.values[1]))
_SIGN, _TAN, _INVERSE = map(_each, (Number.sign, Number.tan_of_half, Number.inverse))


def _above(x: Any, y: Any) -> Any:
    sign = _SIGN(x + -y)
    return (sign * sign + sign) * 0.5


def _larger(x: Any, y: Any) -> Any:
    return _WHERE(_above(y, x), y, x)


def _largest(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    for a in sorted(axis, reverse=True):
        x = reduce(_larger, np.moveaxis(x, a, 0))
    return np.expand_dims(x, axis) if keepdims else x


def _size(x: Any, axis: tuple[int, ...]) -> Any:
    return number(math.prod(x.shape[a] for a in axis))


def _unit(n: int) -> Any:
    return _NUMBER(np.eye(n))


def _astype(x: Any, dtype: str) -> Any:
    whole = dtype[:3] == "int" and all((n.real == np.rint(n.real)).all() for n in x.flat)
    _need(whole or dtype[:5] == "float", f"rounding to {dtype!r:.20} cannot be checked")
    return x


def _index(index: Any, arrays: tuple[Any, ...]) -> Any:
    kinds: dict[str, Any] = {"slice": slice, "int": int, "new": lambda: None, "rest": lambda: ...}
    return tuple((kinds | {"array": arrays.__getitem__})[kind](*rest) for kind, *rest in index)


def _scatter(x: Any, *arrays: Any, index: Any, shape: tuple[int, ...]) -> Any:
    _need(math.prod(shape) <= _MOST_ENTRIES, "it is too large")
    sums = np.full(shape, number(0), object)
    np.add.at(sums, _index(index, arrays), x)
    return sums


def _put(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    put = np.array(x, object)
    put[_index(index, arrays)] = v
    return put


_OPS: dict[str, Any] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x + -y, "neg": lambda x: -x,
    "mul": lambda x, y: x * y, "div": lambda x, y: x * _INVERSE(y), "matmul": lambda x, y: x @ y,
    "power": lambda x, y: x**y, "sqrt": lambda x: x**0.5, "abs": lambda x: abs(x),
    "exp": lambda x: np.exp(x), "expm1": lambda x: np.exp(x) + -1,
    "log": lambda x: np.log(x), "log1p": lambda x: np.log(x + 1),
    "tanh": lambda x: _INVERSE(np.exp(x + x) + 1) * -2 + 1,
    "sin": lambda x: (t := _TAN(x)) * 2 * _INVERSE(t * t + 1),
    "cos": lambda x: _INVERSE((t := _TAN(x)) * t + 1) * 2 + -1,
    "sign": lambda x: _SIGN(x), "where": lambda c, x, y: _WHERE(c, x, y),
    "maximum": _larger, "minimum": lambda x, y: -_larger(-x, -y),
    "greater": _above, "greater_equal": lambda x, y: -_above(y, x) + 1,
    "less": lambda x, y: _above(y, x), "less_equal": lambda x, y: -_above(x, y) + 1,
    "equal": lambda x, y: -(_SIGN(x + -y) ** 2) + 1, "not_equal": lambda x, y: _SIGN(x + -y) ** 2,
    "logical_and": lambda x, y: x * y, "logical_or": lambda x, y: x + y + -x * y,
    "logical_not": lambda x: -x + 1, "alias": lambda x: x, "stop_gradient": lambda x: _STILL(x),
    "sum": lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims), "size": _size,
    "others": lambda x, axis: x.sum(axis, keepdims=True) + -x, "put": _put,
    "off_diagonal": lambda x: x * (-_unit(len(x)) + 1),
    "outer": lambda x, y: x[:, None] * y, "diag": lambda x: x[:, None] * _unit(len(x)),
    "eye": lambda n: _unit(int(n.item().real[0])),
    "max": _largest, "min": lambda x, axis, keepdims: -_largest(-x, axis, keepdims),
    "transpose": lambda x, axes: np.transpose(x, axes), "astype": _astype,
    "reshape": lambda x, shape: np.reshape(x, shape), "squeeze": lambda x, axis: x.squeeze(axis),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis), "scatter": _scatter,
    "getitem": lambda x, *arrays, index: x[_index(index, arrays)],
    "concatenate": lambda *parts, axis: np.concatenate(parts, axis),
}  # fmt: skip


def _signs(x: Any) -> Any:
    return np.stack([n.sign().real for n in np.ravel(x)])


def _one(x: Any, axis: int) -> Any:
    return _signs(np.sum(x, axis) + -1) == 0


_FACTS: dict[str, Any] = {
    "Positive": lambda x, _: _signs(x) == 1,
    "NonNegative": lambda x, _: _signs(x) >= 0,
    "Symmetric": lambda x, _: _signs(x + -x.T) == 0,
    "Nonzero": lambda x, _: _signs(x) ** 2 == 1,
    "SumsToOne": _one,
    "Simplex": lambda x, axis: _one(x, axis).all(0) & (_signs(x) >= 0),
    "OneHot": lambda x, axis: _one(x, axis).all(0) & (_signs(x * (x + -1)) == 0),
}
