"""A loss from text alone: shapes and sample values for its names are invented.

A name that nothing is said about is a vector, if the loss then is one number, else a scalar.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import count
from textwrap import shorten
from typing import Any

import numpy as np

from ..errors import ParseError, ShapeError, explain
from ..graph import Tensor, shape_of
from .options import Lengths, lengths
from .reader import MOST, names, read
from .table import nearest

Variables = dict[str, Tensor]
Shape = tuple[int, ...]

_VECTORS = (4, 3, 2, 5, 6, 7, 8)  # lengths to try: a list or an index in the text may need one
_DRAWS = 40


def expression(
    text: str,
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    seed: int = 0,
    axes: int = 0,
) -> tuple[Tensor, Variables]:
    """The loss that a line of text describes, on sample values, and its variables.

    Args:
        text: as for `read`; its names become variables.
        shapes: lengths by name, `"N,K"` or `("N", 3)`; equal letters are equal lengths.
        values: the values of some names; for the others, values at which the loss is finite are
            drawn.
        seed: of the draws.
        axes: how many axes the result should have: 0 for a loss.

    Raises:
        ParseError: text outside the grammar, a name that it does not contain, or shapes that
            cannot be guessed.
        ShapeError: operations whose arguments do not fit in the shapes that were given.

    >>> loss, variables = expression("sum(w*z)", shapes={"w": "K", "z": "N,K"})
    >>> {name: x.shape for name, x in variables.items()}
    {'w': (3,), 'z': (4, 3)}
    """
    found = names(text)
    if not found:
        raise ParseError(explain("read: no name to differentiate with respect to", text, "sum(x)"))
    written = {int(n) for n in re.findall(r"\d+", text)}
    return sampled(lambda known: read(text, known), found, shapes, values, seed, written, axes)


def sampled(
    make: Callable[[Variables], Any],
    wanted: Sequence[str],
    shapes: Mapping[str, Any] | None,
    values: Mapping[str, Any] | None,
    seed: int = 0,
    written: Set[int] = frozenset(),
    axes: int = 0,
) -> tuple[Any, Variables]:
    """`make` called with variables of shapes in which it gives one number, and those variables.

    More exactly, an array of so many axes.

    No length that is invented is one of the `written` numbers, if it can be helped: a 4 in a
    result should not leave open whether it is a length.
    """
    held = {name: np.asarray(value, dtype=np.float64) for name, value in (values or {}).items()}
    _check_names({**held, **(shapes or {})}, wanted)
    given = _measured(shapes or {}, held, written)
    guesses = list(_guesses(wanted, given, written))
    reasons: list[str] = []
    for guess in guesses:
        try:
            loss, variables = _drawn(make, guess, held, seed)
        except ShapeError as error:
            reasons.append(str(error).split("\n")[0])
            if guess is guesses[-1] and len(set(reasons)) == 1:  # no guess matters
                raise
            continue
        if len(shape_of(loss)) == axes or len(guesses) == 1:
            return loss, variables
        reasons.append(f"the loss has shape {shape_of(loss)}")
    raise ParseError(_unclear([name for name in wanted if name not in given], reasons))


def _check_names(given: Mapping[str, Any], wanted: Sequence[str]) -> None:
    for name in given:
        if name not in wanted:
            problem = f"read: {name} is given a shape or a value, but does not occur"
            raise ParseError(explain(problem, name, nearest(name, wanted)))


# -- shapes ---------------------------------------------------------------------------------------


def _measured(
    shapes: Mapping[str, Any], held: Mapping[str, np.ndarray], written: Set[int]
) -> dict[str, Shape]:
    """Shapes in numbers: each letter is as long as the values say, or else as no other length."""
    asked = {name: _lengths(shape) for name, shape in shapes.items()}
    letters: dict[int | str, int] = {}
    for name, value in held.items():
        _match(name, asked.setdefault(name, value.shape), value.shape, letters)
    taken = {n for shape in asked.values() for n in shape} | {*letters.values(), *written}
    fresh = (n for n in count(3) if n not in taken)
    found = {}
    for name, shape in asked.items():
        for n in shape:
            if isinstance(n, str) and n not in letters:
                letters[n] = next(fresh)
        found[name] = tuple(n if isinstance(n, int) else letters[n] for n in shape)
        if math.prod(found[name]) > MOST:
            problem = f"shape: {name} is too large for a sample"
            raise ParseError(explain(problem, str(shape), f"at most {MOST} entries; letters: N,K"))
    return found


def _lengths(shape: Any) -> Lengths:
    if isinstance(shape, str):
        return lengths(shape)
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def _match(name: str, asked: Lengths, real: Shape, letters: dict[int | str, int]) -> None:
    """Learn what the letters in a shape stand for from values of that shape."""
    fits = len(asked) == len(real)
    for n, length in zip(asked, real, strict=False):
        fits &= (letters.setdefault(n, length) if isinstance(n, str) else n) == length
    if not fits:
        problem = f"shape: the values of {name} have another shape than the one given"
        raise ParseError(explain(problem, f"{asked}, values of shape {real}", "one of the two"))


def _guesses(
    wanted: Sequence[str], given: Mapping[str, Shape], written: Set[int]
) -> Iterator[dict[str, Shape]]:
    """Shapes for the names that nothing is said about: vectors of one length, then scalars."""
    rest = [name for name in wanted if name not in given]
    if not rest:
        yield dict(given)
        return
    in_use = sorted({n for shape in given.values() for n in shape})
    vectors = sorted(_VECTORS, key=written.__contains__)
    for shape in [*((n,) for n in (*in_use, *vectors)), ()]:
        yield {**given, **dict.fromkeys(rest, shape)}


def _unclear(rest: Sequence[str], reasons: Sequence[str]) -> str:
    first, last = (shorten(reason, 70, placeholder=" ...") for reason in (reasons[0], reasons[-1]))
    why = f"as vectors: {first}; as numbers: {last}"
    works = ", ".join(f"--shape {name}=N,K" for name in rest)
    return explain(f"shape: that of {', '.join(rest)} is not clear", why, works)


# -- sample values --------------------------------------------------------------------------------


def _drawn(
    make: Callable[[Variables], Any],
    shapes: Mapping[str, Shape],
    held: Mapping[str, np.ndarray],
    seed: int,
) -> tuple[Any, Variables]:
    """The loss at the first of several random draws at which it is finite."""
    rng = np.random.default_rng(seed)
    for attempt in range(_DRAWS):
        values = {n: held[n] if n in held else _draw(rng, attempt, s) for n, s in shapes.items()}
        variables = {name: Tensor(value, name) for name, value in values.items()}
        with np.errstate(all="ignore"):
            loss = make(variables)
        if shape_of(loss) or np.isfinite(_value(loss)).all() or len(held) == len(shapes):
            return loss, variables
    problem = "read: the loss is finite at none of the sample values that were tried"
    names = ", ".join(name for name in shapes if name not in held)
    raise ParseError(explain(problem, names, "values of your own, such as --at x=1,2,3"))


def _value(loss: Any) -> Any:
    return loss.value if isinstance(loss, Tensor) else loss


def _draw(rng: np.random.Generator, attempt: int, shape: Shape) -> np.ndarray:
    """Normal numbers first, then positive ones, then ones near a random place of each name."""
    if attempt == 0:
        return np.asarray(rng.normal(size=shape))
    if attempt in (1, 2):
        return np.asarray(rng.uniform(0.1, 0.9, size=shape) * attempt**2)
    return np.asarray(rng.normal(scale=2.0) + rng.uniform(0.0, 0.2, size=shape))
