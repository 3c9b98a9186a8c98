"""What is known of terms: what was assumed, and what their form shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...graph import Tensor, op_name, shape_of
from ...writing.text import text
from ..terms.views import Term, as_product, as_sum, is_atom, is_number, is_sum, unbroadcast
from .assumptions import (
    Assumption,
    Factor,
    NonNegative,
    Nonzero,
    Positive,
    PositiveFactor,
    Simplex,
    SumsToOne,
    Symmetric,
)


class Facts:
    """What is known of terms in standard form, and which assumptions were used to know it.

    Args:
        known: pairs of a term and an assumption about it.
        definitions: what each definition stands for.

    Attributes:
        meanings: the definitions that rules see through, and the functions that these name.
    """

    def __init__(
        self, known: list[tuple[Term, Assumption]], definitions: dict[int, Term] | None = None
    ) -> None:
        self.known: dict[int, list[Assumption]] = {}
        self.definitions = definitions or {}
        self.meanings: dict[int, Tensor] = {}
        self.used: list[Assumption] = []
        self.terms = [term for term, _ in known]
        for term, assumption in known:
            self.known.setdefault(id(term), []).append(assumption)
            if isinstance(assumption, Nonzero):
                self._learn_factors(term, assumption)

    def _learn_factors(self, term: Term, assumption: Nonzero) -> None:
        """Factors of what is nonzero are so; one of what is positive, if all others are."""
        bases = [base for base, _ in as_product(term)[1] if base is not term]
        for base in dict.fromkeys(bases):
            others = [b for b in bases if b is not base]
            alone = isinstance(assumption, Positive) and len(others) == len(bases) - 1
            if alone and all(map(self.positive, others)):
                fact: Assumption = PositiveFactor(assumption.of, text(base))
            else:
                fact = Factor(assumption.of, text(base))
            self.terms.append(base)
            self.known.setdefault(id(base), []).append(fact)
        self.used = []

    def _assumed(self, term: Term, kind: type[Assumption]) -> bool:
        for assumption in self.known.get(id(term), ()):
            if isinstance(assumption, kind):
                self.used.append(assumption)
                return True
        return False

    def simplex_axis(self, term: Term) -> int | None:
        """The axis, from the front, along which the entries sum to one."""
        meant: Term = self.meanings.get(id(term), term)
        if op_name(meant) == "softmax":
            return int(meant.params["axis"])
        for assumption in self.known.get(id(term), ()):
            if isinstance(assumption, SumsToOne):
                self.used.append(assumption)
                return int(assumption.axis) % len(shape_of(term))
        return None

    def computed(self, term: Term) -> bool:
        """Whether this is no variable, so that its entries are rounded."""
        return isinstance(term, Tensor) and (term.op is not None or id(term) in self.definitions)

    def symmetric(self, term: Term) -> bool:
        """Whether a matrix is known to equal its transpose."""
        return self._assumed(term, Symmetric)

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
        return not strict and (self._assumed(term, Simplex) or self._assumed(term, NonNegative))

    def _sign_by_form(self, term: Tensor, strict: bool) -> bool:
        if id(term) in self.definitions:
            return self._sign(self.definitions[id(term)], strict)
        name = op_name(term)
        if name in _ALWAYS_POSITIVE or (not strict and name in _NEVER_NEGATIVE):
            return True
        if strict and name == "sum" and self._counts_extremes(term):
            return True
        if name in _ENTRIES or name == "sqrt":
            return self._sign(term.args[0], strict)
        if name in ("where", "matmul"):
            return all(self._sign(arg, strict) for arg in term.args[name == "where" :])
        if is_sum(term):
            return self._sum_sign(term, strict)
        return self._product_sign(term, strict)

    def _counts_extremes(self, term: Tensor) -> bool:
        """Whether where(x == max(x), 1, 0) or the like is summed: some entry is the largest."""
        choice = unbroadcast(term.args[0])
        if op_name(choice) != "where" or op_name(choice.args[0]) != "equal":
            return False
        _, first, second = choice.args
        meets = any(axis <= {*term.params["axis"]} for axis in _extremes(choice))
        return meets and self._sign(first, True) and self._sign(second, False)

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

    def causes(self, term: Term) -> Iterator[str]:
        """Why a term has the sign that its form gives it: what its parts are."""
        for part in _leaves(term):
            if id(part) in self.definitions:
                yield f"of what {part.name} stands for"
            elif op_name(part) in _CAUSES:
                yield _CAUSES[op_name(part)]


def _extremes(choice: Tensor) -> Iterator[set[int]]:
    """The axes along which a choice where(x == max(x), ...) asks for the largest or smallest x."""
    difference = as_sum(choice.args[0].args[0])
    for sign, t in difference:
        extreme = t.args[0] if t is not None and op_name(t) == "expand_dims" else t
        if extreme is None or op_name(extreme) not in ("max", "min"):
            continue
        rest = {id(u): -c / sign for c, u in difference if u is not t}
        inner = extreme.args[0]
        if rest == {id(u): c for c, u in as_sum(inner)} and shape_of(inner) == choice.shape:
            yield {*extreme.params["axis"]}


def _leaves(term: Term) -> Iterator[Tensor]:
    """The parts of a term that are not put together by products, sums or moving entries."""
    term = unbroadcast(term)
    if is_number(term):
        return
    if op_name(term) in _ENTRIES or op_name(term) in ("where", "matmul"):
        for arg in term.args[op_name(term) == "where" :]:
            yield from _leaves(arg)
    elif is_sum(term):
        for _, t in as_sum(term):
            yield from () if t is None else _leaves(t)
    elif is_atom(term):
        yield term
    else:
        for base, _ in as_product(term)[1]:
            yield from _leaves(base)


_CAUSES = {
    "exp": "exp is positive", "size": "there is something to sum", "abs": "abs is not negative",
    "sqrt": "a root is not negative",
}  # fmt: skip
_ALWAYS_POSITIVE = frozenset({"exp", "size", "softmax", "sigmoid", "softplus"})
_NEVER_NEGATIVE = frozenset({"abs", "sqrt"})
_ENTRIES = frozenset(  # take what they hold from their argument, or add it up
    {"sum", "max", "min", "expand_dims", "squeeze", "reshape", "transpose", "getitem"}
)
