"""Functions that generated code brings along where it calls them."""

from __future__ import annotations

import inspect

from ...memory import empty
from ...writing.languages import NUMPY

_KEEP = '''\
def keep(mask, x, out):
    """np.where(mask, x, 0) by bits: as fast for a mask that a processor cannot foresee."""
    bits = np.negative(mask.view(np.int8), dtype=f"i{out.itemsize}")
    x, out = (np.asarray(a, out.dtype).view(bits.dtype) for a in (x, out))
    np.bitwise_and(x, bits, out=out)
'''
_SELECT = '''\
def select(mask, x, y, out):
    """np.where(mask, x, y) by bits: as fast for a mask that a processor cannot foresee."""
    bits = np.negative(mask.view(np.int8), dtype=f"i{out.itemsize}")
    x, y, out = (np.asarray(a, out.dtype).view(bits.dtype) for a in (x, y, out))
    np.bitwise_xor((x ^ y) & bits, y, out=out)
'''
_SETTLE = '''\
def settle(p, x, out):
    """np.where(p != 0, x, 0) of an x that is 0 or nan elsewhere: seldom is there anything to do."""
    largest = np.maximum.reduce(x, axis=None)
    if largest != largest:
        keep(p != 0, x, out)
    elif x is not out:
        np.copyto(out, x)
'''
HELPERS = {
    "empty": inspect.getsource(empty), "others": NUMPY.helpers["others"],
    "keep": _KEEP, "select": _SELECT, "settle": _SETTLE,
}  # fmt: skip
