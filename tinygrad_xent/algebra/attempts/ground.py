"""What several attempts at one derivation stand on: the definitions, and what is known of them."""

from __future__ import annotations

from typing import Any

from ...graph import Tensor, interpret, toposort
from ...writing.text import is_data, text
from ..facts.assumptions import Assumption, Factor, Kink, Nonzero, Positive, Simplex
from ..facts.known import Facts
from ..loss.copying import Copy
from ..matching.rule import Definition
from ..rewriting.cases import settle
from ..rewriting.rewrite import rewrite
from ..rewriting.weight import tidiness
from ..rules import ALGEBRA, FORMS, MEANS
from ..terms.standard import Terms
from ..terms.views import Term, is_number, is_sum


def _as_written_elsewhere(term: Term, fact: Assumption, terms: Terms) -> tuple[Term, Assumption]:
    """The fact about a difference as comparisons and denominators contain it."""
    sign, rest = terms.bare(term)
    rest = terms.without_fractions(rest)[0] if is_sum(rest) else rest
    weaker = sign < 0 and isinstance(fact, Positive)
    return rest, Factor(fact.of, text(rest)) if weaker else fact


class Ground:
    """The definitions of a loss in standard form, each with an atom that stands for it.

    Args:
        copy: the loss, on numbers that can be checked on.
        opened: whether formulas begin with what the definitions stand for.

    Attributes:
        atoms: what stands for each definition in formulas, by the `id` of its node.
        definitions: the rules that write a name for what it stands for.
        proved: what was found to be true of definitions.
    """

    def __init__(self, copy: Copy, opened: bool) -> None:
        self.copy, self.opened = copy, opened
        self.atoms = {id(n): Tensor(n._value, n.name) for n in copy.definitions}
        self.lengths = {n: self.atoms[id(count)] for n, count in copy.counts.items()}
        self.proved: list[Assumption] = []
        self.definitions: list[Definition] = []
        self._bodies: dict[int, Term] = {}
        self.terms = Terms(lengths=self.lengths)
        self.facts = self.known(self.terms)
        for node in copy.definitions:
            self._define(node)

    def workshop(self, expanded: bool) -> Terms:
        """Somewhere to build terms in."""
        return Terms(expanded, self.lengths)

    def known(self, terms: Terms) -> Facts:
        """The assumptions, stated in the terms of a workshop."""
        known: list[tuple[Term, Assumption]] = [
            (self.standard(n, terms), a) for n, a in self.copy.facts
        ]
        kinks = [(t, a) for t, a in known if isinstance(a, Kink)]
        known += [(rewrite(t, ALGEBRA, terms, Facts(known))[0], a) for t, a in kinks]
        known += [_as_written_elsewhere(t, a, terms) for t, a in known if isinstance(a, Nonzero)]
        proved = [(a.of, a) for a in self.proved]
        return Facts(proved + known, self._bodies)

    def standard(self, node: Tensor, terms: Terms) -> Term:
        """A node of the copy in standard form."""
        return terms.standard(self.closed(node, terms))

    def closed(self, node: Tensor, terms: Terms, inside: bool = False) -> Term:
        """The graph with definitions as atoms (unless they are opened)."""

        def close(n: Tensor, args: tuple[Any, ...]) -> Term:
            atom = self.atoms.get(id(n))
            shut = self.copy.is_count(n) or not self.opened
            if atom is not None and shut and not (inside and n is node):
                return atom
            if n.op is None:
                return terms.data(n._value) if is_data(n) else n
            return terms.apply(n.op, terms.plain(n.op, args), n.params)

        return interpret(toposort(node), close)[id(node)]

    def tidied(self, terms: Terms, facts: Facts) -> list[Definition]:
        """The definitions, also with what they stand for as tidying would leave it."""
        tidied = []
        for rule in self.definitions:
            body, steps = rewrite(rule.body, MEANS, terms, facts, tidiness)
            tidied += [Definition(rule.of, body, rule.atom)] if steps else []
        return [*tidied, *self.definitions]

    def _define(self, node: Tensor) -> None:
        """What a definition stands for, in standard form, and what is known of it."""
        given = self.terms.standard(self.closed(node, self.terms, inside=True))
        rules = (*FORMS, *self.definitions, *ALGEBRA)
        body, _ = rewrite(given, rules, self.terms, self.facts)
        body, _ = settle(body, rules, self.terms, self.facts)
        if not isinstance(body, Tensor) or body.op is None:
            return
        atom = self.atoms[id(node)]
        self._bodies[id(atom)] = body
        self.definitions.insert(0, Definition(node.name or "", body, atom))
        if self.facts.positive(given):
            self.proved.append(Positive(atom))
        self.facts = self.known(self.terms)
        for axis in range(atom.ndim):
            self._prove_simplex(atom, body, axis)

    def _prove_simplex(self, atom: Tensor, body: Term, axis: int) -> None:
        """Find out whether a definition sums to one along an axis by itself."""
        whole = self.terms.make("sum", body, axis=(axis,), keepdims=False)
        end, _ = rewrite(whole, (*FORMS, *ALGEBRA), self.terms, self.facts)
        if is_number(end) and end == 1:
            self.proved.append(Simplex(atom, axis))
            self.facts = self.known(self.terms)
