"""From formulas that are short to equal ones to compute by, in steps like any others."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import Tensor, op_name
from ..attempts.run import IMPATIENT, Run
from ..rewriting.rewrite import NoEndError, Rewrite, rewrite
from ..rules import COMPUTING, FORMS, VALUES
from ..terms.formula import Formula
from ..terms.standard import Terms
from ..terms.views import PRODUCTS, SUMS, Term, is_number
from .losing_digits import Exposure

Forms = tuple[tuple[str, Formula], ...]


def to_compute(run: Run, term: Term, forms: Forms) -> list[Rewrite]:
    """The steps from a formula to the form to compute it by.

    Args:
        run: the attempt that it is from.
        term: the formula.
        forms: what its definitions stand for, by name.
    """
    terms = run.ground.workshop(expanded=False)
    facts = run.ground.known(terms)
    facts.meanings = dict(_meanings(run, terms, dict(forms)))
    try:
        return rewrite(term, COMPUTING, terms, facts, Exposure(facts))[1]
    except NoEndError:
        return []


def _meanings(run: Run, terms: Terms, forms: dict[str, Formula]) -> Iterator[tuple[int, Tensor]]:
    """The definitions that are a function by another name."""
    for atom in run.ground.atoms.values():
        meant = terms.standard(forms[atom.name or ""].term)
        if not is_number(meant) and op_name(meant) not in {"", *PRODUCTS, *SUMS}:
            yield id(atom), meant


def of_the_value(run: Run) -> Run:
    """The loss itself, simplified on the ground of the attempt at its derivative."""
    try:
        return Run(run.ground, run.copy.loss, VALUES, FORMS, IMPATIENT)
    except NoEndError:
        return Run(run.ground, run.copy.loss, (), ())
