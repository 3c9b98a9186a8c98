"""What may be called: the operations and functions of the library, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np

from .. import functions, ops
from ..graph import Primitive

# Not for a formula: they convert, index by position, or make arrays of any size.
_LEFT_OUT = {"alias", "astype", "broadcast_to", "getitem", "one_hot", "put", "scatter"}
_NAMES = [name for name in (*ops.__all__, *functions.__all__) if name not in _LEFT_OUT]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(functions if name in functions.__all__ else ops, name) for name in _NAMES
} | {"ln": ops.log, "σ": functions.sigmoid}

PREFIXES = {"np", "numpy", "tx", "math", "np.linalg", "numpy.linalg"}

SETTINGS = {"axis", "axes", "keepdims", "ddof", "more", "ord", "shape"}  # written out, no formulas
LISTS = {"parts"}  # of formulas


def signature(name: str) -> inspect.Signature:
    """What a function takes, without the types.

    >>> str(signature("sum")), str(signature("exp"))
    ('(x, axis=None, *, keepdims=False)', '(x)')
    """
    function = FUNCTIONS[name]
    if isinstance(function, Primitive):
        return _of_primitive(function)
    taken = inspect.signature(function).parameters.values()
    return inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in taken])


def _of_primitive(op: Primitive) -> inspect.Signature:
    """A primitive's samples tell how many arguments it takes."""
    args, _ = op.sample[0](np.random.default_rng(0))
    letters = "cxy" if len(args) == 3 else "xy"
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(letters[i], kind) for i in range(len(args))])


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names that look most like this one, or all of them.

    >>> nearest("sofmax", ["softmax", "sum", "exp"])
    'softmax'
    """
    known = list(known)
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    return ", ".join(close or known)
