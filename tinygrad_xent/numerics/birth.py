"""`why_nan`: where the first number that is not finite was born, and how it travelled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np

from ..differentiate import not_recorded, seed_for
from ..errors import DtypeError, describe, explain
from ..graph import Tensor
from ..writing.text import text
from .closed import closed_form
from .lines import Lines, called
from .spots import Spot, Spots, entry_above, feeds, odd
from .story import Place, WhyNan

_MOST_SPOTS = 4000  # that are followed
_MOST_ENTRIES = 4096  # of a result that are searched for the one that sent a cotangent
_SHOWN = 3  # inputs of one argument
_HOW = {
    "overflow": "overflow: the result is larger than the largest number",
    "divide by zero": "a pole: the result is infinite",
    "invalid value": "no value: the operation is not defined there",
}


def why_nan(
    loss: Tensor | Callable[..., Any], *args: Any, wrt: Tensor | str | None = None
) -> WhyNan:
    """Where the first NaN or infinity in a loss, or in its gradient, was born.

    Args:
        loss: one number, composed of Tensors; or a function that returns it, which is called once
            more, so that the user's own line can be named.
        args: what the function is called with.
        wrt: the Tensor whose gradient is looked at, or its name; all leaves if it is not given.

    Returns:
        A report: true if there is such a value.

    Raises:
        GradientError: the loss is not one number.
        DtypeError: `wrt` is nothing that has a gradient here.

    >>> import tinygrad_xent as tx
    >>> z = tx.tensor([1000.0, 0.0, -1000.0], name="z")
    >>> with np.errstate(all="ignore"):
    ...     loss = tx.log(tx.exp(z).sum()) - z[0]
    >>> why_nan(loss).birth
    exp(z)[0] = inf
    """
    lines: Lines = {}
    if not isinstance(loss, Tensor) and callable(loss):
        loss, _, lines = called(loss, args)
    if not isinstance(loss, Tensor):
        raise not_recorded("why_nan", loss)
    seed_for(loss, None, "why_nan")
    spots = Spots(loss)
    leaves = _leaves(spots, wrt)
    start, noticed = next(_noticed(spots, loss, leaves), (None, ""))
    if start is None:
        return WhyNan()
    return _told(spots, _path(spots, start), noticed, lines, leaves)


def _leaves(spots: Spots, wrt: Tensor | str | None) -> list[Tensor]:
    if wrt is None:
        return [n for n in spots.order if n.op is None and n in spots.arrived]
    found = [n for n in spots.arrived if n is wrt or (isinstance(wrt, str) and n.name == wrt)]
    if not found:
        given = wrt if isinstance(wrt, str) else describe(wrt)
        known = ", ".join(n.name for n in spots.arrived if n.name) or "a Tensor in the loss"
        raise DtypeError(explain("why_nan: no gradient arrives there", given, known))
    return found


def _noticed(spots: Spots, loss: Tensor, leaves: list[Tensor]) -> Iterator[tuple[Spot, str]]:
    """Where something is not finite that the user sees: in the loss, or in a gradient."""
    called = loss.name or "loss"
    yield from ((Spot(loss, index), called) for index in odd(loss._value))
    for leaf in leaves:
        for index in odd(spots.arrived[leaf]):
            yield Spot(leaf, index, True), f"d {called} / d {text(leaf)}"


def _path(spots: Spots, start: Spot) -> list[Spot]:
    """From the earliest birth to the spot that was noticed."""
    towards: dict[Any, Spot | None] = {_key(start): None}
    queue, births = deque([start]), []
    while queue and len(towards) < _MOST_SPOTS:
        spot = queue.popleft()
        causes = spots.causes(spot)
        if not causes:
            births.append(spot)
        for cause in causes:
            if _key(cause) not in towards:
                towards[_key(cause)] = spot
                queue.append(cause)
    births = births or list(queue)
    step: Spot | None = min(births, key=lambda s: (spots.time(s), s.entry))
    path = []
    while step is not None:
        path.append(step)
        step = towards[_key(step)]
    return path


def _key(spot: Spot) -> Any:
    return id(spot.node), spot.entry, spot.back


# -- telling it -----------------------------------------------------------------------------------


def _told(
    spots: Spots, path: list[Spot], noticed: str, lines: Lines, leaves: list[Tensor]
) -> WhyNan:
    birth = path[0]
    maker = _maker(spots, birth)
    how, inputs = _backward(spots, birth, maker) if birth.back else _forward(birth)
    line = lines.get(id(maker), "") if maker is not None else ""
    travelled = tuple(_place(spots, s) for s in path)
    wrt = path[-1].node if path[-1].back else None
    stable = () if _given(birth) else tuple(_stable(spots.order[-1], wrt, leaves))
    turned = tuple(_turned(spots, path))
    return WhyNan(travelled[0], how, inputs, travelled, turned, noticed, line, stable)


def _given(birth: Spot) -> bool:
    return birth.node.op is None and not birth.back


def _turned(spots: Spots, path: list[Spot]) -> Iterator[Place]:
    """Where an infinite value became NaN, and what it was computed from there."""
    for before, spot in pairwise(path):
        if not spot.back and np.isinf(spots.number(before)) and np.isnan(spots.number(spot)):
            yield _place(spots, spot)
            yield from _read(spot.node, spot.entry)
            return


def _maker(spots: Spots, birth: Spot) -> Tensor | None:
    """The operation that gave birth: for a cotangent, the one that sent it."""
    if not birth.back:
        return birth.node
    return next((consumer for consumer, _ in spots.senders(birth)), None)


def _place(spots: Spots, spot: Spot) -> Place:
    return _at(spot.node, spot.entry, spots.number(spot), spot.back)


def _at(node: Any, index: tuple[int, ...], value: Any, back: bool = False) -> Place:
    name = (node.name or "") if isinstance(node, Tensor) else "constant"
    return Place(text(node), index, float(value), back, name)


def _forward(birth: Spot) -> tuple[str, tuple[Place, ...]]:
    """What kind of birth a value had, and the numbers that went in."""
    node = birth.node
    if _given(birth):
        return "it was given as an input", ()
    return _flag(node, birth.entry), tuple(_read(node, birth.entry))


def _read(node: Tensor, index: tuple[int, ...]) -> Iterator[Place]:
    """The entries of its arguments that an entry of a node was computed from, the largest first."""
    for k, a in enumerate(node.args):
        value = np.asarray(a._value if type(a) is Tensor else a)
        if value.dtype.kind != "f" and value.dtype.kind not in "iu":
            continue
        places = [tuple(map(int, p)) for p in np.argwhere(feeds(node, index, k))]
        odd_first = sorted(places, key=lambda p: -np.nan_to_num(abs(value[p]), nan=np.inf))
        yield from (_at(a, place, value[place]) for place in odd_first[:_SHOWN])


def _flag(node: Tensor, index: tuple[int, ...]) -> str:
    """What NumPy itself says happened."""
    assert node.op is not None
    op = node.op
    args = [np.asarray(a._value if type(a) is Tensor else a) for a in node.args]
    if op.elementwise:
        args = [np.asarray(np.broadcast_to(a, node.shape)[index]) for a in args]
    return _raised(lambda: op.array(*args, **node.params), np.asarray(node._value)[index])


def _raised(compute: Callable[[], Any], value: Any) -> str:
    try:
        with np.errstate(all="raise", under="ignore"):
            compute()
    except FloatingPointError as error:
        for flag, how in _HOW.items():
            if str(error).startswith(flag):
                return how
    return _HOW["overflow" if np.isinf(value) else "invalid value"]


def _backward(spots: Spots, birth: Spot, maker: Tensor | None) -> tuple[str, tuple[Place, ...]]:
    """What kind of birth a cotangent had: on an edge, or where edges are added."""
    if maker is None or maker.op is None:
        return "overflow: what arrives from several paths adds up to too much", ()
    k = next(k for consumer, k in spots.senders(birth) if consumer is maker)
    op, g = maker.op, np.asarray(spots.arrived[maker])
    args = [_computing(a._value if type(a) is Tensor else a) for a in maker.args]
    out = _computing(maker._value)
    how = _raised(lambda: op.pull(k, g[()], out, args, maker.params), spots.number(birth))
    above = list(islice(_above(maker, k, birth.entry), 1))
    arriving = [_at(maker, j, g[j], True) for j in above]
    read = [place for j in above for place in _read(maker, j)]
    return f"{how}, in the rule of {op.name} on the way back", (*arriving, *read)


def _above(maker: Tensor, k: int, index: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The entries of a result that an entry of argument `k` is in."""
    alike = entry_above(maker, k, index)
    places = islice(np.ndindex(maker.shape), _MOST_ENTRIES)
    return iter([alike]) if alike is not None else (j for j in places if feeds(maker, j, k)[index])


def _computing(value: Any) -> Any:
    """A number with which NumPy computes, and not Python, which has other errors."""
    return np.float64(value) if type(value) is float else value


def _stable(loss: Tensor, wrt: Tensor | None, leaves: list[Tensor]) -> Iterator[tuple[str, str]]:
    """The forms that the engine would compute instead, where those are finite."""
    variable = wrt if wrt is not None else next(iter(leaves), None)
    found = None if variable is None else closed_form(loss, variable)
    if found is None or variable is None:
        return
    called = loss.name or "loss"
    helps = not np.isfinite(loss._value).all() or np.isfinite(found.gradient).all()
    if np.isfinite(found.value) and helps and found.loss != text(loss):
        yield called, found.loss + found.where
    if wrt is not None and np.isfinite(found.gradient).all():
        yield f"d {called} / d {text(wrt)}", found.formula + found.where
