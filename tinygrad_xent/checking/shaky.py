"""Arrays whose every operation is off by a last digit: what rounding does inside a NumPy function.

1 - 1/(1 + exp(-60)) is 0, in long numbers too, and for each z nearby. That its digits were lost
shows only where the quotient itself is off (Vignes's stochastic arithmetic).
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Operations that choose or turn a sign round nothing.
_EXACT = frozenset(
    {"absolute", "ceil", "copysign", "fabs", "floor", "fmax", "fmin", "maximum", "minimum"}
    | {"negative", "positive", "rint", "sign", "trunc"}
)


class Shaky(np.ndarray):
    """An array that passes its shaking on to all that is computed from it."""

    rng: np.random.Generator

    def __array_finalize__(self, source: Any) -> None:
        self.rng = getattr(source, "rng", None) or np.random.default_rng(0)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **settings: Any
    ) -> Any:
        if out is not None:
            settings["out"] = tuple(map(_plain, out))
        found = getattr(ufunc, method)(*map(_plain, inputs), **settings)
        if out is None:
            return self._shaken(found, ufunc.__name__)
        np.copyto(found, self._shaken(found, ufunc.__name__))
        return out[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._shaken(super().__array_function__(func, types, args, kwargs), "negative")

    def _shaken(self, found: Any, name: str) -> Any:
        if not isinstance(found, (np.ndarray, np.floating)) or found.dtype.kind != "f":
            return found
        values = np.asarray(found)
        return shaky(values if name in _EXACT else shaken(values, self.rng), self.rng)


def shaky(value: Any, rng: np.random.Generator) -> Shaky:
    """A copy that is shaken in every operation.

    >>> bool((1 - shaky(np.ones(20), np.random.default_rng(0)) / 3 * 3).any())
    True
    """
    made: Shaky = np.array(value).view(Shaky)
    made.rng = rng
    return made


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, Shaky) else value


def shaken(value: Any, rng: np.random.Generator) -> Any:
    """A value with the last digit of every entry off, one way or the other."""
    eps = np.finfo(np.asarray(value).dtype).eps
    return value * (1 + eps * rng.choice([-1.0, 1.0], size=np.shape(value)))
