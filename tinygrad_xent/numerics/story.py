"""What `why_nan` found, as plain data, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate

from ..writing.derivations import code, plain
from ..writing.text import number

_LONG = 72  # characters of an expression that is shown; `expression` has all of it
_ENDS = 5  # stations of a long way that are shown at each end


@dataclass(frozen=True)
class Place:
    """One number in the graph.

    Attributes:
        expression: the node it is an entry of.
        index: which entry; empty for a number.
        value: what stands there.
        cotangent: whether it is not the node's value but the gradient that arrives at it.
        name: what the user calls the node, or "".
    """

    expression: str
    index: tuple[int, ...]
    value: float
    cotangent: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where} = {number(self.value)}"

    __repr__ = __str__

    @property
    def where(self) -> str:
        """The entry, without its number."""
        entry = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        called = self.name or self.expression
        if len(called) > _LONG:
            called = f"{called[:_LONG]} ..."
        name = called if not entry or _is_call(called) else f"({called})"
        return f"the gradient at {name}{entry}" if self.cotangent else f"{name}{entry}"


def _is_call(line: str) -> bool:
    """Whether an index may follow: a name, or one function of something.

    >>> _is_call("exp(z)"), _is_call("exp(z)/sum(exp(z))"), _is_call("q")
    (True, False, True)
    """
    name, bracket, rest = line.partition("(")
    depth = list(accumulate((c == "(") - (c == ")") for c in bracket + rest))
    return name.isidentifier() and 0 not in depth[:-1]


@dataclass(frozen=True)
class WhyNan:
    """Where a number that is not finite came from. True if there is one.

    Attributes:
        birth: the first number that is not finite, or None if all are.
        how: what happened there.
        inputs: the numbers that it was computed from.
        chain: from the birth to where it was noticed, each computed from the one before.
        turned: where an infinity became NaN on the way, and what that was computed from.
        noticed: `loss`, or the gradient that it reached.
        line: the user's line of the operation, if a function was given.
        stable: what to compute instead, as pairs: what, and its formula.
    """

    birth: Place | None = None
    how: str = ""
    inputs: tuple[Place, ...] = ()
    chain: tuple[Place, ...] = ()
    turned: tuple[Place, ...] = ()
    noticed: str = ""
    line: str = ""
    stable: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return self.birth is not None

    def __str__(self) -> str:
        if self.birth is None:
            return "no non-finite value"
        lines = [f"  {what:<9}{says}" for what, says in self._lines()]
        return "\n".join([f"born as {self.birth}", *lines])

    def _lines(self) -> Iterator[tuple[str, str]]:
        """What there is to say, each with a word in front."""
        assert self.birth is not None
        if self.birth.name and self.birth.name != self.birth.expression:
            yield "which is", self.birth.expression
        yield "because", self.how
        yield from (("from", str(place)) for place in self.inputs)
        if self.line:
            yield "at", self.line
        yield from (("reaches", place) for place in self._travelled())
        if self.turned:
            from_what = ", ".join(map(str, self.turned[1:]))
            yield "becomes", f"nan at {self.turned[0].where}, from {from_what}"
        if self.noticed:
            yield "noticed", f"in {self.noticed}"
        yield from (("instead", f"{what} = {form}") for what, form in self.stable)

    def _travelled(self) -> list[str]:
        """The stations, those in the middle of a long way left out."""
        way = [str(place) for place in self.chain[1:]]
        hidden = len(way) - 2 * _ENDS
        return [*way[:_ENDS], f"... {hidden} more", *way[-_ENDS:]] if hidden > 0 else way

    def markdown(self) -> str:
        """The report as Markdown: a list.

        >>> print(WhyNan(Place("exp(x)", (), float("inf")), "overflow").markdown())
        **born as <code>exp(x) = inf</code>**
        <BLANKLINE>
        * because: overflow
        """
        if self.birth is None:
            return str(self)
        lines = [f"* {what}: {plain(says)}" for what, says in self._lines()]
        return "\n".join([f"**born as {code(str(self.birth))}**", "", *lines])

    def json(self) -> str:
        """The report as JSON text; numbers that JSON does not have as strings."""
        data = asdict(self)
        for place in [data["birth"], *data["inputs"], *data["chain"], *data["turned"]]:
            if place is not None:
                place["value"] = number(place["value"])
        return json.dumps(data, ensure_ascii=False, indent=1)
