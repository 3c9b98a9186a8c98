"""What an attempt came to, as the derivation that people see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...graph import Tensor, interpret, op_name, toposort
from ...ops import alias
from ...writing.text import text
from ..attempts.run import Run
from ..computing.definitions import closed_forms, meaning
from ..computing.to_compute import of_the_value, to_compute
from ..facts.assumptions import Assumption, Kink
from ..facts.known import Facts
from ..rewriting.rewrite import Rewrite, rewrite
from ..rewriting.turning import presented
from ..rewriting.vanishing import is_positive
from ..rewriting.weight import calls, tidiness
from ..rules import ALGEBRA, FORMS, NAMING, SPELLED_OUT, TIDYING
from ..terms.calls import CALLS, opened
from ..terms.formula import Formula, operations
from ..terms.standard import Terms
from ..terms.views import Term, as_product, positions
from .caveats import caveats
from .derivation import Derivation
from .steps import Computation, Step


def report(
    run: Run, title: str, stated: list[Assumption], of: str = "gradient", result: Term = None
) -> Derivation:
    """The derivation that an attempt gave.

    Args:
        run: the attempt.
        title: what was derived.
        stated: the user's assumptions.
        of: which derivative it is.
        result: the result, if it is not the last line.
    """
    result = run.end if result is None else result
    forms = closed_forms(run.copy, run.ground.atoms, run.facts)
    used = _used(run, run.steps)
    spoken = conditions(run, stated)
    needed = [str(a) for a in stated]
    computed = [_Form(of, run, result, [], to_compute(run, result, forms))]
    if of == "gradient":
        value = of_the_value(run)
        safer = to_compute(value, value.end, forms)
        computed.insert(0, _Form("value", value, value.start, value.steps, safer))
    used |= {a: None for form in computed for a in _used(form.run, [*form.short, *form.safe])}
    return Derivation(
        title=title,
        start=Formula(run.start),
        steps=tuple(_folded(run, run.steps, stated)),
        result=Formula(result, rebuilt(run, result)),
        assumptions=spoken,
        unused=tuple(a for a in needed if a not in spoken),
        definitions=_definitions(run),
        wrt=run.copy.wrt,
        loss=Formula(run.copy.loss),
        forms=forms,
        facts=tuple(_fact(run, a) for a in used),
        lengths=tuple((n.name or "", length) for length, n in run.copy.counts.items()),
        of=of,
        caveats=tuple(_caveats(run)),
        computations=tuple(_computation(form, stated, spoken) for form in computed),
    )


def conditions(run: Run, stated: list[Assumption]) -> tuple[str, ...]:
    """What the end of an attempt rests on, in words."""
    relied = (fact for a in _used(run, run.steps) for fact in _spoken(run, a, stated))
    return tuple(dict.fromkeys([*relied, *_denominators(run, stated), *_lengths(run)]))


def _used(run: Run, steps: list[Rewrite]) -> dict[Assumption, None]:
    """The assumptions that steps used, besides those that were proved."""
    return dict.fromkeys(a for step in steps for a in step.used if a not in run.proved)


@dataclass(frozen=True)
class _Form:
    """What is computed: the steps that make it short, and those that make it safe."""

    of: str
    run: Run
    start: Term
    short: list[Rewrite]
    safe: list[Rewrite]


def _computation(form: _Form, stated: list[Assumption], known: tuple[str, ...]) -> Computation:
    steps = [*form.short, *form.safe]
    relied = dict.fromkeys(str(a) for a in _used(form.run, steps) if a in stated)
    further = tuple(fact for fact in relied if fact not in known)
    by = tuple(dict.fromkeys(step.rule for step in form.safe))
    told = tuple(_folded(form.run, steps, stated))
    return Computation(form.of, Formula(form.start), told, by, further)


def _caveats(run: Run) -> Iterator[str]:
    wrt = next((n for n in toposort(run.copy.loss) if n.name == run.copy.wrt), None)
    return iter(()) if wrt is None else caveats(run, wrt)


def _fact(run: Run, a: Assumption) -> tuple[str, Formula, int]:
    return a.kind, Formula(run.copy.of(a.of)), getattr(a, "axis", -1)


def _spoken(run: Run, a: Assumption, stated: list[Assumption]) -> Iterator[str]:
    """A fact in words, unless it is always true; one that comes with the loss in closed form."""
    if a in run.proved:
        return
    if a in stated:
        yield str(a)
        return
    term = run.ground.standard(run.copy.of(a.of), run.terms)
    plain, _ = rewrite(term, (*FORMS, *run.ground.definitions, *ALGEBRA), run.terms, run.facts)
    tidy = run.ground.workshop(expanded=False)
    shown = min((_tidied(t, run, tidy) for t in (term, plain)), key=operations)
    proved = Facts([(fact.of, fact) for fact in run.proved], run.facts.definitions)
    if not is_positive(plain, run.terms, proved):
        yield _of_kink(shown, tidy) if isinstance(a, Kink) else a.about(text(shown))


def _of_kink(difference: Term, terms: Terms) -> str:
    """Where a difference is not zero, as an inequality of its two sides."""
    unequal = terms.make("not_equal", terms.bare(difference)[1], 0)
    return f"{text(presented(unequal, terms))} (a kink)"


def _tidied(term: Term, run: Run, terms: Terms) -> Term:
    term, _ = rewrite(terms.standard(term), TIDYING, terms, run.facts, tidiness, operations)
    return rewrite(term, NAMING, terms, run.facts, tidiness)[0]


def _denominators(run: Run, stated: list[Assumption]) -> Iterator[str]:
    """What must not be zero for the result to have a value."""
    for term in positions(run.end):
        for base in (b for b, sign in as_product(term)[1] if sign < 0):
            plain, _ = rewrite(base, SPELLED_OUT, run.terms, run.facts, calls)
            run.facts.used = []
            if not run.facts.nonzero(plain):
                yield f"{text(base)} != 0"
            for a in dict.fromkeys(run.facts.used):
                yield from () if a in run.proved else _spoken(run, a, stated)


def _lengths(run: Run) -> list[str]:
    """The lengths that entries were counted with, because a number in the loss may be one."""
    counted = any(step.rule == "sum of constant" for step in run.steps)
    return [f"the length is {n}" for n in run.copy.sizes.mentioned if counted]


def _definitions(run: Run) -> tuple[tuple[str, Formula], ...]:
    """The names in the first and the last line, and what they stand for."""
    shown = {n.name for term in (run.start, run.end) for n in _nodes(term)}
    names = {n for n in shown - run.copy.recognised if n and n.split("(")[0] not in CALLS}
    return tuple((n.name or "", meaning(n)) for n in run.copy.definitions if n.name in names)


def _nodes(term: Term) -> list[Tensor]:
    return toposort(term) if isinstance(term, Tensor) else []


def _folded(run: Run, steps: list[Rewrite], stated: list[Assumption]) -> list[Step]:
    """The steps as text, a rule applied several times in a row as one."""
    lines: list[Step] = []
    for i, s in enumerate(steps):
        if i + 1 < len(steps) and steps[i + 1].rule == s.rule:
            continue
        formulas = (Formula(s.before), Formula(s.after), Formula(s.root))
        used = [fact for a in s.used for fact in _spoken(run, a, stated)]
        lines.append(Step(s.rule, s.reason, *formulas, tuple(dict.fromkeys(used)), s.shown))
    return lines


# -- the result on the user's own Tensors ---------------------------------------------------------


def rebuilt(run: Run, term: Term = None) -> Any:
    """A formula, by default the end of the derivation, on the user's own Tensors."""
    term = run.end if term is None else term
    real: dict[int, Any] = dict(run.copy.original)
    real |= {id(atom): _original(run, i, atom) for i, atom in run.ground.atoms.items()}
    if not isinstance(term, Tensor):
        return term
    return interpret(toposort(term), partial(_applied, run), real)[id(term)]


def _applied(run: Run, n: Tensor, args: tuple[Any, ...]) -> Any:
    """A node of the result on the user's own Tensors, at their lengths."""
    if n.op is None:
        return n._value
    if n.op.name in CALLS:
        return opened(n, args)
    params = dict(n.params)
    if "shape" in params:
        params["shape"] = run.copy.sizes.sample_shape(params["shape"])
    return n.op(*args, **params)


def _original(run: Run, copied: int, atom: Tensor) -> Tensor:
    """The user's own node, under the name that it has in the formula."""
    node = run.copy.original[copied]
    plain = node.name == atom.name or op_name(node) == "size"
    return node if plain else alias(node).named(atom.name or "")
