"""From a loss to the closed form of its gradient, as a list of steps.

The loss is copied onto random numbers for which the assumptions hold, its backward graph is
recorded there, and that graph is rewritten. The last node is then rebuilt on the user's own
Tensors, where it is compared with the gradient that the engine computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..differentiate import cotangents, not_recorded, seed_for
from ..errors import DeriveError, DtypeError, describe, explain
from ..graph import Tensor, is_float, recording, toposort
from ..ops import alias
from ..writing.text import is_data, leaf_names, text
from .assumptions import Assumption, Facts, Positive, Simplex, of_the_loss, stated
from .cases import settle
from .copying import Copy
from .derivation import Derivation, Step
from .forms import closed_forms, meaning
from .formula import Formula, operations
from .matching import Definition, Rule
from .naming import CALLS, opened
from .rewriting import NoEndError, Rewrite, check, positions, rewrite
from .rules import ALGEBRA, FORMS, NAMING, SHRINKING, TIDYING
from .terms import Terms
from .views import Term, as_product, forget, is_number, op_name

_TOLERANCE = 1e-3  # float32 with cancellation is within it, a wrong formula is not


def gradient_graph(loss: Tensor, wrt: Tensor) -> Tensor:
    """The gradient of a scalar loss as a recorded graph.

    Args:
        loss: one number, composed of Tensors.
        wrt: a Tensor that the loss was made from.

    Raises:
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> text(gradient_graph((x * x).sum(), x))
    '1*x + 1*x'
    """
    seed = Tensor(seed_for(loss, None), name="1")  # recorded, so that lengths are not counted out
    with recording():
        for node, g in cotangents(loss, seed, (wrt,), record=True):
            if node is wrt:
                return g if isinstance(g, Tensor) else Tensor(g)
    raise DeriveError(
        explain(
            f"derive: the loss does not depend on {text(wrt)}, its gradient is zero everywhere",
            describe(wrt),
            "a Tensor on a path to the loss that no comparison or stop_gradient cuts",
        )
    )


def derive(loss: Tensor, wrt: Tensor | str, assume: Any = ()) -> Derivation:
    """The gradient of a scalar loss in closed form, in named steps.

    Args:
        loss: one number, composed of Tensors.
        wrt: the Tensor to differentiate with respect to, or its name.
        assume: facts about Tensors: `tx.Simplex(p)`, `tx.Positive(x)`, `p.sum() == 1`, `x > 0`.

    Raises:
        GradientError: the loss is not one number.
        DeriveError: the loss does not depend on `wrt`, or an assumption is not understood.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([0.2, 5.0, 0.3], name="z")
    >>> p = tx.tensor([0.0, 1.0, 0.0], name="p")
    >>> q = (tx.exp(z) / tx.exp(z).sum()).named("q")
    >>> loss = -(p * tx.log(q)).sum()
    >>> derive(loss, wrt=z).result, derive(loss, wrt=z, assume=[tx.Simplex(p)]).result
    (sum(p)*q - p, q - p)
    """
    if not isinstance(loss, Tensor):
        raise not_recorded("derive", loss)
    seed_for(loss, None, "derive")
    wrt = _variable(_named(loss, wrt) if isinstance(wrt, str) else wrt)
    with _derivation():
        facts = [*stated(assume), *of_the_loss(loss)]
        copy = Copy(loss, wrt, facts)
        gradient = gradient_graph(copy.loss, copy.of(wrt))
        recognise(copy)
        title = f"d {loss.name or 'loss'} / d {_name(loss, wrt)}"
        derivation = _shortest(title, gradient, copy, assume)
        _compare(derivation.result.value, loss, wrt, facts)
        return derivation


def _compare(result: Any, loss: Tensor, wrt: Tensor, facts: list[Assumption]) -> None:
    """The closed form has to give the engine's gradient, where the assumptions hold."""
    if not all(a.holds(a.of._value) for a in facts):
        return
    seed = seed_for(loss, None)
    engine = next(g for node, g in cotangents(loss, seed, (wrt,)) if node is wrt)
    x, y = np.broadcast_arrays(np.asarray(result, float), np.asarray(engine, float))
    known = np.isfinite(x) & np.isfinite(y)
    scale = np.abs(y[known]).max(initial=1.0)
    if np.any(np.abs(x[known] - y[known]) > _TOLERANCE * scale):
        raise DeriveError("derive: the closed form is not the gradient; this is a bug, report it")


def simplify(node: Tensor, assume: Any = ()) -> Formula:
    """The closed form of a graph: the same values, in fewer operations.

    >>> import tinygrad_xent as tx
    >>> x = tx.tensor([1.0, 2.0], name="x")
    >>> simplify(tx.log(tx.exp(x) * tx.exp(x)))
    2*x
    """
    with _derivation():
        facts = [*stated(assume), *of_the_loss(node)]
        copy = Copy(node, None, facts)
        recognise(copy)
        return _shortest(text(node), copy.loss, copy, assume).result


@contextmanager
def _derivation() -> Iterator[None]:
    """Record, stay quiet about the odd numbers a term is checked on, and forget at the end."""
    try:
        with recording(), np.errstate(all="ignore"):
            yield
    finally:
        forget()


def _named(loss: Tensor, name: str) -> Tensor:
    named = {n.name: n for n in toposort(loss) if n.name}
    if name not in named:
        raise DeriveError(
            explain(f"derive: nothing in the loss is named {name}", "", ", ".join(named))
        )
    return named[name]


def _variable(wrt: Any) -> Tensor:
    """What can be differentiated with respect to, or an error."""
    if isinstance(wrt, Tensor) and is_float(wrt._value):
        return wrt
    problem = "derive: there is no derivative with respect to this"
    raise DtypeError(explain(problem, describe(wrt), "a floating point Tensor, or its name"))


def _name(loss: Tensor, wrt: Tensor) -> str:
    return wrt.name or leaf_names(loss).get(id(wrt)) or text(wrt)


def _shortest(title: str, start: Tensor, copy: Copy, assume: Any) -> Derivation:
    """The best of four ways: multiplying out or not, with definitions kept closed or opened."""
    opened = (False, True) if copy.definitions else (False,)
    ways = [(o, algebra) for o in opened for algebra in (SHRINKING, ALGEBRA)]
    runs = [run for way in ways if (run := _attempt(copy, start, *way)) is not None]
    runs = runs or [Run(copy, start, False, (), ())]
    best = min(runs, key=lambda run: (operations(run.end), run.reading))
    return best.derivation(title, stated(assume))


def _attempt(copy: Copy, start: Tensor, opened: bool, algebra: Sequence[Rule]) -> Run | None:
    try:
        return Run(copy, start, opened, algebra)
    except NoEndError:
        return None


class Run:
    """One attempt: the start in standard form, then algebra, then tidying, then naming."""

    def __init__(
        self,
        copy: Copy,
        start: Tensor,
        opened: bool,
        algebra: Sequence[Rule],
        forms: Sequence[Rule] = FORMS,
    ) -> None:
        self.copy, self.opened = copy, opened
        self.proved: list[Assumption] = []
        self.atoms = {id(n): Tensor(n._value, n.name) for n in copy.definitions}
        lengths = {n: self.atoms[id(count)] for n, count in copy.counts.items()}
        self.terms = Terms(lengths=lengths)
        self.facts = Facts([])
        self.definitions: list[Definition] = []
        self._define()
        self.start = self._closed(start)
        self.steps: list[Rewrite] = []
        self.end: Term = self.terms.standard(self.start)
        self._note("standard form", "Signs, numbers and broadcasting are collected.", self.start)
        rules = (*forms, *(() if opened else self.definitions), *algebra)
        self._phase(rules)
        self.end, steps = settle(self.end, rules, self.terms, self.facts)
        self.steps += steps
        self.terms = Terms(expanded=False, lengths=lengths)
        self._learn()
        self._phase((*self.definitions, *TIDYING), measure=operations)
        self._phase(NAMING)
        before, self.end = self.end, self.terms.presented(self.end)
        self._note("turn round", "A minus sign in front turns a difference round.", before)

    def _define(self) -> None:
        """What each definition stands for, in standard form, and what is known of it."""
        self._learn()
        for node in self.copy.definitions:
            body = self._closed(node, inside=True)
            given = self.terms.standard(body)
            rules = (*FORMS, *self.definitions, *ALGEBRA)
            body, _ = rewrite(given, rules, self.terms, self.facts)
            body, _ = settle(body, rules, self.terms, self.facts)
            if not isinstance(body, Tensor) or body.op is None:
                continue
            atom = self.atoms[id(node)]
            self.facts.definitions[id(atom)] = body
            self.definitions.insert(0, Definition(node.name or "", body, atom))
            if self.facts.positive(given):
                self.proved.append(Positive(atom))
            self._learn()
            self._prove_simplex(atom, body)

    def _learn(self) -> None:
        """Restate the assumptions in the terms of this run."""
        known: list[tuple[Term, Assumption]] = [
            (self.terms.standard(self._closed(n)), a) for n, a in self.copy.facts
        ]
        proved = [(a.of, a) for a in self.proved]
        self.facts = Facts(known + proved, self.facts.definitions)

    def _prove_simplex(self, atom: Tensor, body: Term) -> None:
        """Find the axes along which a definition sums to one by itself."""
        for axis in range(atom.ndim):
            whole = self.terms.make("sum", body, axis=(axis,), keepdims=False)
            end, _ = rewrite(whole, (*FORMS, *ALGEBRA), self.terms, self.facts)
            if is_number(end) and end == 1:
                self.proved.append(Simplex(atom, axis))
                self._learn()

    def _closed(self, node: Tensor, inside: bool = False) -> Term:
        """The graph with definitions as atoms (unless this run opens them)."""
        done: dict[int, Any] = {}
        for n in toposort(node):
            atom = self.atoms.get(id(n))
            shut = self.copy.is_count(n) or not self.opened
            if atom is not None and shut and not (inside and n is node):
                done[id(n)] = atom
            elif n.op is None:
                done[id(n)] = self.terms.data(n._value) if is_data(n) else n
            else:
                args = tuple(done[id(a)] if isinstance(a, Tensor) else a for a in n.args)
                done[id(n)] = self._applied(n, args)
        return done[id(node)]

    def _applied(self, n: Tensor, args: tuple[Any, ...]) -> Tensor:
        assert n.op is not None
        return self.terms.apply(n.op, self.terms.plain(n.op, args), n.params)

    def _phase(self, rules: Sequence[Rule], measure: Callable[[Term], int] | None = None) -> None:
        before = self.end
        self.end = self.terms.standard(before)
        self._note("tidy", "Numbers that all terms share are taken out.", before)
        self.end, steps = rewrite(self.end, rules, self.terms, self.facts, measure)
        self.steps += steps

    def _note(self, name: str, reason: str, before: Term) -> None:
        if text(self.end) != text(before):
            step = Rewrite(name, reason, before, self.end, self.end)
            check(before, step)
            self.steps.append(step)

    @property
    def reading(self) -> int:
        """How much there is to read, in characters."""
        return len(text(self.start)) + sum(len(text(step.root)) for step in self.steps)

    # -- what the caller sees ---------------------------------------------------------------------

    def derivation(self, title: str, assumed: list[Assumption]) -> Derivation:
        used = dict.fromkeys(a for step in self.steps for a in step.used if a not in self.proved)
        spoken = [*map(str, used), *self._denominators(), *self._lengths()]
        needed = [str(a) for a in assumed]
        return Derivation(
            title=title,
            start=Formula(self.start),
            steps=tuple(_folded(self.steps)),
            result=Formula(self.end, self._rebuilt()),
            assumptions=tuple(dict.fromkeys(spoken)),
            unused=tuple(a for a in needed if a not in spoken),
            definitions=self._spoken_definitions(),
            wrt=self.copy.wrt,
            loss=Formula(self.copy.loss),
            forms=closed_forms(self.copy, self.atoms, self.facts),
            facts=tuple(self._fact(a) for a in used),
        )

    def _fact(self, a: Assumption) -> tuple[str, Formula, int]:
        return type(a).__name__, Formula(self.copy.of(a.of)), getattr(a, "axis", -1)

    def _denominators(self) -> Iterator[str]:
        """What must not be zero for the result to have a value."""
        for term in positions(self.end):
            for base in (b for b, sign in as_product(term)[1] if sign < 0):
                self.facts.used = []
                if not self.facts.nonzero(base):
                    yield f"{text(base)} != 0"
                yield from (str(a) for a in self.facts.used if a not in self.proved)

    def _lengths(self) -> list[str]:
        """The lengths that entries were counted with, because a number in the loss may be one."""
        counted = any(step.rule == "sum of constant" for step in self.steps)
        return [f"the length is {n}" for n in self.copy.sizes.mentioned if counted]

    def _spoken_definitions(self) -> tuple[tuple[str, Formula], ...]:
        shown = {n.name for term in (self.start, self.end) for n in _nodes(term)}
        names = shown - self.copy.recognised
        return tuple((n.name or "", meaning(n)) for n in self.copy.definitions if n.name in names)

    def _rebuilt(self) -> Any:
        """The end of the derivation, on the user's own Tensors."""
        real: dict[int, Any] = dict(self.copy.original)
        real |= {id(atom): self._original(i, atom) for i, atom in self.atoms.items()}
        for n in _nodes(self.end):
            if id(n) in real:
                continue
            args = tuple(real[id(a)] if isinstance(a, Tensor) else a for a in n.args)
            if n.op is None:
                real[id(n)] = n._value
            else:
                real[id(n)] = self._applied_really(n, args)
        return real[id(self.end)] if isinstance(self.end, Tensor) else self.end

    def _applied_really(self, n: Tensor, args: tuple[Any, ...]) -> Any:
        """A node of the result on the user's own Tensors, at their lengths."""
        assert n.op is not None
        if n.op.name in CALLS:
            return opened(n, args)
        params = dict(n.params)
        if "shape" in params:
            params["shape"] = self.copy.sizes.sample_shape(params["shape"])
        return n.op(*args, **params)

    def _original(self, copied: int, atom: Tensor) -> Tensor:
        """The user's own node, under the name that it has in the formula."""
        node = self.copy.original[copied]
        return node if node.name == atom.name else alias(node).named(atom.name or "")


def recognise(copy: Copy) -> None:
    """Name the quotients in the loss that have a usual name, such as softmax(z)."""
    for node in copy.inner:
        if op_name(node) == "div" and not node.name:
            name = _usual_name(node, copy)
            if name:
                copy.recognise(node, name)


def _usual_name(node: Tensor, copy: Copy) -> str:
    terms = Terms()
    facts = Facts([(terms.standard(n), a) for n, a in copy.facts])
    rules = (*FORMS, *ALGEBRA)
    body, _ = settle(rewrite(node, rules, terms, facts)[0], rules, terms, facts)
    named, _ = rewrite(body, NAMING, terms, facts)
    return text(named) if op_name(named) in CALLS else ""


def _nodes(term: Term) -> list[Tensor]:
    return toposort(term) if isinstance(term, Tensor) else []


def _folded(steps: list[Rewrite]) -> list[Step]:
    """The steps as text, a rule applied several times in a row as one."""
    lines: list[Step] = []
    for i, s in enumerate(steps):
        if i + 1 < len(steps) and steps[i + 1].rule == s.rule:
            continue
        used = tuple(str(a) for a in s.used)
        formulas = (Formula(s.before), Formula(s.after), Formula(s.root))
        lines.append(Step(s.rule, s.reason, *formulas, used))
    return lines
