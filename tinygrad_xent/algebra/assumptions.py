"""What a derivation may take for granted, and what follows from it.

An assumption is stated by the user (`Simplex(p)`, `Positive(x)`, `x > 0`, `p.sum() == 1`), or comes
with the loss: where log x occurs, x is positive, or there would be no loss to differentiate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DeriveError, describe, explain
from ..graph import Tensor, shape_of, toposort
from ..ops.shaping import axes
from ..writing.text import text
from .views import Term, as_product, as_sum, is_atom, is_number, is_sum, op_name, unbroadcast


@dataclass(frozen=True, eq=False)
class Assumption:
    """Something taken as true of a Tensor."""

    of: Any

    def __post_init__(self) -> None:
        if not isinstance(self.of, Tensor):
            raise DeriveError(
                explain("assume: a fact is about a Tensor", describe(self.of), "tx.Positive(x)")
            )

    @property
    def kind(self) -> str:
        """Its name, as a certificate says it."""
        return type(self).__name__

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """A value of this shape for which it is true."""
        return rng.normal(size=shape)

    def holds(self, value: Any) -> bool:
        """Whether it is true of a value."""
        return True

    def about(self, shown: str) -> str:
        """The fact in words, of what is shown as this."""
        return shown

    def __str__(self) -> str:
        return self.about(text(self.of))


@dataclass(frozen=True, eq=False)
class Nonzero(Assumption):
    """No entry is zero."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.5, 2.0, size=shape) * rng.choice([-1.0, 1.0], size=shape)

    def holds(self, value: Any) -> bool:
        return bool(np.all(np.asarray(value) != 0))

    def about(self, shown: str) -> str:
        return f"{shown} != 0"


@dataclass(frozen=True, eq=False)
class Positive(Nonzero):
    """Every entry is greater than zero."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.1, 0.9, size=shape)

    def holds(self, value: Any) -> bool:
        return bool(np.all(np.asarray(value) > 0))

    def about(self, shown: str) -> str:
        return f"{shown} > 0"


@dataclass(frozen=True, eq=False)
class Factor(Nonzero):
    """A factor of what is not zero, and so not zero either."""

    factor: str = ""

    @property
    def kind(self) -> str:
        return Nonzero.__name__

    def about(self, shown: str) -> str:
        return f"{self.factor} != 0"


@dataclass(frozen=True, eq=False)
class Kink(Nonzero):
    """A difference that is not zero, because where it is there is no derivative."""

    @property
    def kind(self) -> str:
        return Nonzero.__name__

    def about(self, shown: str) -> str:
        return f"{shown} != 0 (a kink)"


@dataclass(frozen=True, eq=False)
class SumsToOne(Assumption):
    """The entries along `axis` sum to one."""

    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        axes("assume", self.of, self.axis)  # an error if there is none such

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        value = rng.uniform(0.0, 1.0, size=shape)
        return value / value.sum(self.axis, keepdims=True)

    def holds(self, value: Any) -> bool:
        return bool(np.allclose(np.sum(value, self.axis), 1.0))

    def about(self, shown: str) -> str:
        along = "" if len(shape_of(self.of)) <= 1 else f", axis={self.axis}"
        return f"sum({shown}{along}) = 1"


@dataclass(frozen=True, eq=False)
class Simplex(SumsToOne):
    """The entries along `axis` are not negative and sum to one.

    >>> import tinygrad_xent as tx
    >>> str(Simplex(tx.tensor([0.0, 1.0], name="p")))
    'sum(p) = 1'
    """


@dataclass(frozen=True, eq=False)
class OneHot(Simplex):
    """Along `axis` one entry is 1 and the others are 0."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        value = rng.uniform(size=shape)
        hot: Any = (value == value.max(self.axis, keepdims=True)) * 1.0
        return hot

    def about(self, shown: str) -> str:
        return f"{shown} is one-hot"


def stated(assume: Any) -> list[Assumption]:
    """The assumptions of a caller, who may write them as comparisons."""
    facts = assume if isinstance(assume, (list, tuple)) else (assume,)
    return [fact if isinstance(fact, Assumption) else _from_comparison(fact) for fact in facts]


def _from_comparison(fact: Any) -> Assumption:
    if op_name(fact) in ("equal", "greater", "not_equal") and is_number(fact.args[1]):
        x, value = fact.args
        if op_name(fact) == "equal" and op_name(x) == "sum" and value == 1:
            if len(x.params["axis"]) == 1:
                return SumsToOne(x.args[0], x.params["axis"][0])
        elif value == 0 and op_name(fact) != "equal":
            return Positive(x) if op_name(fact) == "greater" else Nonzero(x)
    raise DeriveError(
        explain(
            "derive: not an assumption it knows",
            text(fact) if isinstance(fact, Tensor) else describe(fact),
            "tx.Simplex(p), tx.OneHot(y), tx.Positive(x), tx.Nonzero(x), p.sum() == 1, "
            "x > 0, x != 0",
        )
    )


def of_the_loss(loss: Tensor) -> list[Assumption]:
    """What must hold for the loss to have a value and a slope."""
    return [fact for node in toposort(loss) for fact in _needed_by(node)]


def _needed_by(node: Tensor) -> Iterator[Assumption]:
    name, args = op_name(node), node.args
    if name in ("log", "sqrt") or (name == "power" and not _is_integer(args[1])):
        if isinstance(args[0], Tensor):
            yield Positive(args[0])
    elif name == "div" and isinstance(args[1], Tensor):
        yield Nonzero(args[1])
    elif name in ("maximum", "minimum"):
        yield Kink(args[0] - args[1])


def _is_integer(exponent: Any) -> bool:
    return is_number(exponent) and float(exponent).is_integer()


class Facts:
    """What is known of terms in standard form, and which assumptions were used to know it.

    Args:
        known: pairs of a term and an assumption about it.
        definitions: what each definition stands for.
    """

    def __init__(
        self, known: list[tuple[Term, Assumption]], definitions: dict[int, Term] | None = None
    ) -> None:
        self.known: dict[int, list[Assumption]] = {}
        self.terms = [term for term, _ in known]
        for term, assumption in known:
            self.known.setdefault(id(term), []).append(assumption)
            if isinstance(assumption, Nonzero):
                self._learn_factors(term, assumption)
        self.definitions = definitions or {}
        self.used: list[Assumption] = []

    def _learn_factors(self, term: Term, assumption: Nonzero) -> None:
        """A product is nonzero only if its factors are."""
        for base, _ in as_product(term)[1]:
            if base is not term:
                self.terms.append(base)
                self.known.setdefault(id(base), []).append(Factor(assumption.of, text(base)))

    def _assumed(self, term: Term, kind: type[Assumption]) -> bool:
        for assumption in self.known.get(id(term), ()):
            if isinstance(assumption, kind):
                self.used.append(assumption)
                return True
        return False

    def simplex_axis(self, term: Term) -> int | None:
        """The axis, from the front, along which the entries sum to one."""
        for assumption in self.known.get(id(term), ()):
            if isinstance(assumption, SumsToOne):
                self.used.append(assumption)
                return int(assumption.axis) % len(shape_of(term))
        return None

    def positive(self, term: Term) -> bool:
        """Whether every entry is known to be greater than zero."""
        return self._sign(term, strict=True)

    def nonnegative(self, term: Term) -> bool:
        """Whether no entry can be less than zero."""
        return self._sign(term, strict=False)

    def _sign(self, term: Term, strict: bool) -> bool:
        term = unbroadcast(term)
        if is_number(term):
            return bool(term > 0) if strict else bool(term >= 0)
        if self._sign_by_form(term, strict) or self._assumed(term, Positive):
            return True
        return not strict and self._assumed(term, Simplex)

    def _sign_by_form(self, term: Tensor, strict: bool) -> bool:
        if id(term) in self.definitions:
            return self._sign(self.definitions[id(term)], strict)
        name = op_name(term)
        if name in _ALWAYS_POSITIVE or (not strict and name in _NEVER_NEGATIVE):
            return True
        if name in _ENTRIES or name == "sqrt":
            return self._sign(term.args[0], strict)
        if name in ("where", "matmul"):
            return all(self._sign(arg, strict) for arg in term.args[name == "where" :])
        if is_sum(term):
            return self._sum_sign(term, strict)
        return self._product_sign(term, strict)

    def _sum_sign(self, term: Term, strict: bool) -> bool:
        pieces = [(c, 1 if t is None else t) for c, t in as_sum(term)]
        if not all(c > 0 and self._sign(t, False) for c, t in pieces):
            return False
        return not strict or any(self._sign(t, True) for _, t in pieces)

    def _product_sign(self, term: Term, strict: bool) -> bool:
        coefficient, factors = as_product(term)
        if coefficient <= 0 or is_atom(term):
            return False
        bases = {id(base): base for base, _ in factors}
        times = Counter(id(base) for base, _ in factors)
        return all(
            (self.nonzero(b) or not strict) if times[i] % 2 == 0 else self._sign(b, strict)
            for i, b in bases.items()
        )

    def nonzero(self, term: Term) -> bool:
        """Whether every entry is known to differ from zero."""
        term = unbroadcast(term)
        if self.positive(term) or self._nonzero_by_form(term):
            return True
        return self._assumed(term, Nonzero)

    def _nonzero_by_form(self, term: Term) -> bool:
        if id(term) in self.definitions:
            return self.nonzero(self.definitions[id(term)])
        if op_name(term) in _ENTRIES - {"sum"}:
            return self.nonzero(term.args[0])
        if op_name(term) == "where":
            return all(map(self.nonzero, term.args[1:]))
        coefficient, factors = as_product(term)
        if is_atom(term):
            return False
        return coefficient != 0 and all(self.nonzero(base) for base, _ in factors)


_ALWAYS_POSITIVE = frozenset({"exp", "size"})
_NEVER_NEGATIVE = frozenset({"abs", "sqrt"})
_ENTRIES = frozenset(  # take what they hold from their argument, or add it up
    {"sum", "max", "min", "expand_dims", "squeeze", "reshape", "transpose", "getitem"}
)
