"""`limits`: what each component of a gradient tends to as one logit goes to infinity."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import ShapeError, TinygradXentError, explain
from ..graph import Tensor, is_float, toposort
from ..writing.derivations import code
from ..writing.text import is_data, number, text
from .series import CONSTANT, Series, Setting

_MOST = 6  # logits that are sent away one after the other without being asked for
_LONGEST = 250  # characters of a formula that is simplified, which takes a while
_UNDECIDED = "not decided"
Index = tuple[int, ...]


@dataclass(frozen=True)
class Limit:
    """What one component tends to.

    Attributes:
        of: the entry that goes to infinity.
        towards: "+inf" or "-inf".
        index: the component of the gradient.
        limit: what it tends to, as a formula; "inf" or "-inf"; or "not decided".
        where: what was taken not to be zero.
    """

    of: Index
    towards: str
    index: Index
    limit: str
    where: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the limit is known."""
        return self.limit != _UNDECIDED


@dataclass(frozen=True)
class Limits:
    """The limits of a gradient's components.

    Attributes:
        title: which gradient, such as `d loss / d z`.
        gradient: its closed form.
        wrt: what goes to infinity, by name.
        rows: one for each entry, direction and component.
    """

    title: str
    gradient: str
    wrt: str
    rows: tuple[Limit, ...]

    def __getitem__(self, key: tuple[Any, str, Any]) -> str:
        """The limit for an entry, a direction ("+inf" or "-inf") and a component."""
        of, towards, index = _index(key[0]), key[1], _index(key[2])
        for row in self.rows:
            if (row.of, row.towards, row.index) == (of, towards, index):
                return row.limit
        raise KeyError(key)

    def __str__(self) -> str:
        rows = [f"  {self._says(r)}{_where(r)}" for r in self.rows]
        return "\n".join([f"{self.title} = {self.gradient}", *rows])

    def _says(self, row: Limit) -> str:
        goes = f"{self.wrt}{_entry(row.of)} -> {row.towards}"
        return f"{goes}:  {self.title}{_entry(row.index)} -> {row.limit}"

    def markdown(self) -> str:
        """The limits as a Markdown table."""
        rows = [f"| {code(f'{self.wrt}{_entry(r.of)} -> {r.towards}')} | "
                f"{code(self.title + _entry(r.index))} | {code(r.limit + _where(r))} |"
                for r in self.rows]  # fmt: skip
        return "\n".join(["| as | component | tends to |", "|---|---|---|", *rows])

    def json(self) -> str:
        """The limits as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def _entry(index: Index) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _where(row: Limit) -> str:
    return f"    where {', '.join(row.where)}" if row.where and row.decided else ""


def _index(index: Any) -> Index:
    return index if isinstance(index, tuple) else (int(index),)


def limits(
    loss: Tensor | str | Callable[..., Any], wrt: Tensor | str, of: Any = None, assume: Any = ()
) -> Limits:
    """What each component of a gradient tends to as one entry of `wrt` goes to ±infinity.

    The closed form that `tx.derive` finds is expanded, entry by entry, in powers of t and of e^t.
    Leaves with names are letters: `y_0` is the first entry of `y`. Those without are numbers.

    Args:
        loss: one number, composed of Tensors; or text; or a function, as for `tx.derive`.
        wrt: the logits: a Tensor, or its name.
        of: which entry goes to infinity; each in turn if it is not given and there are few.
        assume: facts, as for `tx.derive`; a temperature needs `"T>0"`.

    Returns:
        A table. What the rules cannot decide is "not decided".

    Raises:
        ShapeError: `of` is no entry of `wrt`.
        DeriveError: what `tx.derive` raises.

    >>> found = limits("sum((softmax(z) - y)**2)", wrt="z", of=0)
    >>> {row.limit for row in found.rows if row.towards == "+inf"}
    {'0'}
    """
    made, variables = _made(loss)
    variable = _variable(made, variables, wrt)
    from ..algebra import derive

    facts = _facts(assume, {n.name: n for n in toposort(made) if n.name} | variables)
    derivation = derive(made, variable, facts)
    node = derivation.result.node
    run = _Run(node, variable, derivation.wrt, [f.of for f in facts if f.kind == "Positive"])
    rows = [row for entry in _entries(variable, of) for row in run.rows(entry)]
    return Limits(derivation.title, str(derivation.result), derivation.wrt, tuple(rows))


def _made(loss: Any) -> tuple[Any, dict[str, Tensor]]:
    from ..reading.expressions import expression
    from ..reading.files import from_function

    if isinstance(loss, Tensor) or not (isinstance(loss, str) or callable(loss)):
        return loss, {}
    read: Any = expression if isinstance(loss, str) else from_function
    made, variables = read(loss, axes=0)
    return made, dict(variables)


def _variable(loss: Any, variables: dict[str, Tensor], wrt: Any) -> Tensor:
    from ..algebra.deriving.gradients import checked

    return checked(loss, variables.get(wrt, wrt) if isinstance(wrt, str) else wrt)[1]


def _facts(assume: Any, named: dict[str, Tensor]) -> list[Any]:
    from ..algebra.facts.stating import stated
    from ..reading import assumption

    facts = assume if isinstance(assume, (list, tuple)) else [assume]
    return stated([assumption(f, named) if isinstance(f, str) else f for f in facts])


def _entries(variable: Tensor, of: Any) -> list[Index]:
    every = [tuple(map(int, i)) for i in np.ndindex(variable.shape)]
    if of is None and len(every) <= _MOST:
        return every
    chosen = None if of is None else _index(of)
    if chosen not in every:
        given = f"{len(every)} entries, of={of}"
        works = f"of=... with an entry of shape {variable.shape}"
        raise ShapeError(explain("limits: which entry goes to infinity?", given, works))
    return [chosen]


class _Run:
    """The closed form, and the letters for the entries of its leaves."""

    def __init__(self, node: Any, variable: Tensor, name: str, positive: list[Tensor]) -> None:
        self.node, self.variable, self.shown = node, variable, dict[str, str]()
        rng = np.random.default_rng(0)
        leaves = [n for n in toposort(node) if n.op is None] if isinstance(node, Tensor) else []
        symbols = [n for n in leaves if n.name and is_float(n._value) and not is_data(n)]
        self.letters = {id(n): _letters(n, n.name or "", rng) for n in symbols}
        self.letters[id(variable)] = _letters(variable, name, rng)
        known = [self.letters[id(n)] for n in positive if id(n) in self.letters]
        self.positive = frozenset(id(x) for array in known for x in array.flat)

    def rows(self, of: Index) -> Iterator[Limit]:
        """The limits as one entry goes to either side."""
        for towards, sign in (("+inf", 1.0), ("-inf", -1.0)):
            setting = Setting(self.positive)
            found = np.broadcast_to(self._expanded(of, sign, setting), self.variable.shape)
            for index in np.ndindex(self.variable.shape):
                x: Series = found[index]  # type: ignore[assignment]
                taken = [*setting.conditions, *setting.of_signs(x.terms.get(CONSTANT))]
                where = tuple(dict.fromkeys(f"{self._text(c)} != 0" for c in taken))
                yield Limit(of, towards, index, self._limit(x), where)

    def _expanded(self, of: Index, sign: float, setting: Setting) -> Any:
        from .expanding import Expansion

        letter = np.frompyfunc(lambda c: Series({CONSTANT: c}, None, setting), 1, 1)
        if not isinstance(self.node, Tensor):
            return letter(np.asarray(self.node, dtype=object))
        known = {key: np.asarray(letter(a), object) for key, a in self.letters.items()}
        moving = known[id(self.variable)].copy()
        moving[of] = Series({(0.0, 1.0): sign}, None, setting)
        with np.errstate(all="ignore"):
            return Expansion(known | {id(self.variable): moving}, setting).of(self.node)

    def _limit(self, x: Series) -> str:
        if x.error is not None and x.error >= max(x.lead or CONSTANT, CONSTANT):
            return _UNDECIDED
        if x.lead is None or x.lead < CONSTANT:
            return "0"
        c = x.terms[x.lead]
        if x.lead == CONSTANT:
            return self._text(c)
        from .coefficients import sign

        known = sign(c, self.positive)
        return _UNDECIDED if known is None else "inf" if known > 0 else "-inf"

    def _text(self, c: Any) -> str:
        """A coefficient in its shortest form."""
        if not isinstance(c, Tensor):
            return number(c)
        recorded = text(c)
        if recorded not in self.shown:
            short = len(recorded) <= _LONGEST
            self.shown[recorded] = (_simplified(c) if short else "") or recorded
        return self.shown[recorded]


def _letters(leaf: Tensor, name: str, rng: np.random.Generator) -> np.ndarray:
    """A letter for each entry, with a random value of the sign that the leaf's values have."""
    array = np.empty(leaf.shape, object)
    likely = bool(np.all(np.asarray(leaf._value) >= 0))
    for index in np.ndindex(leaf.shape):
        place = "".join(f"_{i}" for i in index)
        array[index] = Tensor(rng.uniform(0.1, 0.9) if likely else rng.normal(), name + place)
    return array


def _simplified(c: Tensor) -> str:
    from ..algebra import simplify

    if c.op is None:
        return ""
    try:
        return str(simplify(c))
    except TinygradXentError:
        return ""
