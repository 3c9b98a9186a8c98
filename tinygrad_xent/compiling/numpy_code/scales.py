"""One number in place of many, as where gradients are multiplied by a learning rate.

Where all that becomes of a value is linear in it, and is multiplied by the same number in the end,
that number can be part of another by which the value is multiplied anyway.
"""

from __future__ import annotations

from collections import defaultdict

from ..planning.values import Program, Value

_KEEP_ONE = frozenset({"sum", "neg", "expand_dims", "squeeze", "reshape", "transpose"})
_PRODUCTS = frozenset({"mul", "matmul", "tmatmul"})  # linear in each of two
_SUMS = frozenset({"add", "sub", "row_put", "put_at"})  # linear in the first two together
_MODERATE = 1e8  # by which what is multiplied neither overflows nor vanishes before its time
_FAR = 64  # values after which the end is not looked for any longer


def fold_scales(program: Program) -> None:
    """Multiply what comes first, and not all that comes last."""
    folding = _Folding(program)
    for value in program.values:
        folding.try_at(value)
    for value in program.values:
        value.args = tuple(folding.gone.get(a, a) for a in value.args)
    program.outputs = [folding.gone.get(v, v) for v in program.outputs]


class _Folding:
    """The numbers of one program on their way.

    Attributes:
        gone: products that their other factor, which is scaled now, stands for.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.outputs = program, set(program.outputs)
        self.gone: dict[Value, Value] = {}
        self.readers: dict[Value, list[Value]] = defaultdict(list)
        for value in program.values:
            for a in set(value.args):
                self.readers[a].append(value)

    def try_at(self, value: Value) -> None:
        """Scale a value, if that makes at least two products needless."""
        if value in self.gone or not self._takes(value):
            return
        ends = self._ends(value)
        numbers = {number for number, _ in ends.values()}
        if len(ends) > 1 and len(numbers) == 1:
            self._scale(value, numbers.pop())
            self.gone.update((end, other) for end, (_, other) in ends.items())

    def _takes(self, v: Value) -> bool:
        """Whether there is a number in it to be multiplied."""
        if v.op == "mul":
            return any(map(self._gives, v.args, [v] * 2))
        if v.op in ("row_put", "put_at"):
            return all(map(self._gives, v.args[:2], [v] * 2))
        return v.op in ("div", *_KEEP_ONE) and self._gives(v.args[0], v)

    def _gives(self, a: Value, reader: Value) -> bool:
        """Whether an argument is such a number, or has one in it and is for this reader only."""
        if a.op == "constant":
            return not a.ndim and a.dtype.kind == "f"
        alone = self.readers[a] == [reader] and reader.args.count(a) == 1
        return alone and a not in self.outputs and self._takes(a)

    def _scale(self, v: Value, number: float) -> Value:
        if v.op == "constant":
            scaled = float(v.data) * number
            return self.program.constant(scaled if v.weak else v.dtype.type(scaled))
        given = [self._gives(a, v) for a in v.args]
        count = 2 if v.op in ("row_put", "put_at") else 1
        places = [i for i, gives in enumerate(given) if gives][:count]
        v.args = tuple(self._scale(a, number) if i in places else a for i, a in enumerate(v.args))
        return v

    def _ends(self, value: Value) -> dict[Value, tuple[float, Value]]:
        """The products in which all ends that becomes of a value; none if it ends otherwise."""
        reached, waiting, ends = {value}, [value], dict[Value, tuple[float, Value]]()
        while waiting:
            v = waiting.pop()
            if v in self.outputs or len(reached) > _FAR:
                return {}
            for reader in self.readers[v]:
                if reader in self.gone:
                    return {}
                if (found := _number_and_other(reader)) and found[1] is v:
                    ends[reader] = found
                elif reader not in reached:
                    reached.add(reader)
                    waiting.append(reader)
        return ends if all(_is_linear(v, reached) for v in reached - {value}) else {}


def _is_linear(v: Value, reached: set[Value]) -> bool:
    """Whether a value is linear in those of its arguments that were reached."""
    inside = [a in reached for a in v.args]
    if v.op in _PRODUCTS:
        return sum(inside) == 1
    if v.op in _SUMS:
        return all(inside[:2]) and not any(inside[2:])
    return v.op in _KEEP_ONE or (v.op == "div" and inside == [True, False])


def _number_and_other(v: Value) -> tuple[float, Value] | None:
    """A product as a number of some moderate size, and what it is multiplied by."""
    if v.op != "mul" or v.dtype.name not in ("float32", "float64"):
        return None
    for a, other in (v.args, v.args[::-1]):
        is_number = a.op == "constant" and not a.ndim and a.dtype.kind == "f"
        if is_number and 1 / _MODERATE < abs(a.data) < _MODERATE:
            alike = (other.shape, other.dtype) == (v.shape, v.dtype)
            return (float(a.data), other) if alike else None
    return None
