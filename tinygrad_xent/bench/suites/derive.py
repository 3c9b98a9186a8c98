"""Deriving a gradient in closed form: from the loss as it is written to the shortest formula.

SymPy has no symbol for a vector of unknown length that it could differentiate and simplify through,
so its losses are written out for five classes. Caches are emptied before each call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Call, Case, MissingError

Z = np.array([0.2, 1.0, 0.3, -0.5, 0.1])
P = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
Q = np.exp(Z) / np.exp(Z).sum()

Maker = Callable[[Any, Any, Any], Any]


def cross_entropy(m: Any, z: Any, p: Any) -> Any:
    e = m.exp(z)
    return -m.sum(p * m.log(e / m.sum(e)))


def squared_error(m: Any, z: Any, p: Any) -> Any:
    e = m.exp(z)
    return m.sum((e / m.sum(e) - p) ** 2) / 2


def sigmoid_cross_entropy(m: Any, z: Any, p: Any) -> Any:
    a = 1 / (1 + m.exp(-z))
    return -m.sum(p * m.log(a) + (1 - p) * m.log(1 - a))


def logsumexp(m: Any, z: Any, p: Any) -> Any:
    return m.log(m.sum(m.exp(z)))


def ours(make: Maker) -> Call:
    import tinygrad_xent as tx

    def call() -> Any:
        z, p = tx.tensor(Z, name="z"), tx.tensor(P, name="p")
        result = tx.derive(make(tx, z, p), wrt=z, assume=[tx.Simplex(p)]).result
        return result.node.value

    return call


def _each(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`f`, of a number or of every entry."""
    return lambda x: np.array([f(v) for v in x]) if isinstance(x, np.ndarray) else f(x)


class _OfLists:
    """SymPy with NumPy's names, for vectors written out."""

    def __init__(self) -> None:
        import sympy

        self.exp, self.log, self.sum = _each(sympy.exp), _each(sympy.log), sum


def sympy(make: Maker) -> Call:
    import sympy
    from sympy.core.cache import clear_cache

    z = np.array(sympy.symbols("z:5", real=True))
    p = np.array(sympy.symbols("p:5", positive=True))
    p[-1] = 1 - sum(p[:-1])
    at = dict(zip([*z, *p[:-1]], [*Z, *P[:-1]], strict=True))

    def call() -> Any:
        clear_cache()
        loss = make(_OfLists(), z, p)
        slopes = [sympy.simplify(sympy.diff(loss, x)) for x in z]
        return np.array([float(s.subs(at)) for s in slopes])

    return call


def tensorgrad(make: Maker) -> Call:
    import torch
    from sympy import symbols
    from tensorgrad import Derivative, Variable, functions
    from tensorgrad.extras.evaluate import evaluate

    if not hasattr(torch.Tensor, "rename"):
        raise MissingError("its evaluator needs named tensors, which this PyTorch no longer has")
    i = symbols("i")
    z, p = Variable("z", i), Variable("p", i)
    at = {v: torch.from_numpy(a).rename("i") for v, a in ((z, Z), (p, P))}

    def call() -> Any:
        slope = Derivative(make(functions, z, p), z).full_simplify()
        return evaluate(slope, dict(at)).rename(None).numpy()

    return call


def _case(name: str, make: Maker, expected: np.ndarray) -> Case:
    makers = {"tinygrad_xent": ours, "sympy": sympy, "tensorgrad": tensorgrad}
    systems: dict[str, Callable[[], Call]] = {s: partial(by, make) for s, by in makers.items()}
    return Case(name, lambda: expected, systems)


CASES = (
    _case("softmax with cross-entropy", cross_entropy, Q - P),
    _case("softmax with squared error", squared_error, Q * (Q - P - np.sum((Q - P) * Q))),
    _case("sigmoid with cross-entropy", sigmoid_cross_entropy, 1 / (1 + np.exp(-Z)) - P),
    _case("log of summed exponentials", logsumexp, Q),
)
