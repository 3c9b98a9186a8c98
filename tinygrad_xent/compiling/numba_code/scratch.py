"""Small arrays on the stack: part of the generated code, as text.

For `np.empty` a kernel asks the system each time, some 40 ns for each array, and each kind of array
takes 40 ms to compile. Memory on the stack costs neither, and a compiler knows that nothing else is
in it.
"""
# mypy: ignore-errors

from __future__ import annotations


def scratch(typing, shape, dtype):
    """What `np.empty` gives, for a shape of plain numbers; gone when the function returns."""
    from math import prod

    from numba.core import cgutils, types

    sizes = [n.literal_value for n in shape]
    kind = types.Array(dtype.dtype, len(sizes), "C")

    def write(context, builder, signature, args):
        entry, number = map(context.get_data_type, (kind.dtype, types.intp))
        there, size = context.make_array(kind)(context, builder), context.get_abi_sizeof(entry)
        steps = [prod(sizes[axis:]) * size for axis in range(1, len(sizes) + 1)]
        data = cgutils.alloca_once(builder, entry, size=prod(sizes))
        data.align = 64  # a line of the processor's cache
        context.populate_array(
            there, data=data, shape=list(map(number, sizes)), strides=list(map(number, steps)),
            itemsize=size, meminfo=None,
        )  # fmt: skip
        return there._getvalue()

    return kind(shape, dtype), write
