"""The one data structure: a node that carries its value and remembers how it was made.

Nothing here knows an operation. `ops/` declares them; `differentiate/` walks what they record.
Read `tensor.py`, then `primitive.py`; `values.py` says what a node may hold, `order.py` how a graph
is gone through, `table.py` how a declaration reaches NumPy's functions and Python's operators.
"""

from .blank import Blank, known, veiled
from .interpreting import interpret, with_args
from .large import LARGE, Large, as_large, copied, is_own, plain, zeros
from .order import toposort
from .primitive import PRIMITIVES, Primitive
from .recording import Observer, branches, no_grad, observed_by, observer, recorded, recording
from .table import implements, numpy_functions, primitive
from .tensor import ALONE, MANY, Tensor, detached, leaf_value, op_name, record, shared, tensor
from .values import constant, dtype_of, is_float, numbers, shape_of

__all__ = [
    "ALONE",
    "LARGE",
    "MANY",
    "PRIMITIVES",
    "Blank",
    "Large",
    "Observer",
    "Primitive",
    "Tensor",
    "as_large",
    "branches",
    "constant",
    "copied",
    "detached",
    "dtype_of",
    "implements",
    "interpret",
    "is_float",
    "is_own",
    "known",
    "leaf_value",
    "no_grad",
    "numbers",
    "numpy_functions",
    "observed_by",
    "observer",
    "op_name",
    "plain",
    "primitive",
    "record",
    "recorded",
    "recording",
    "shape_of",
    "shared",
    "tensor",
    "toposort",
    "veiled",
    "with_args",
    "zeros",
]
