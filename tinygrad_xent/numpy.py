"""A drop-in for `import numpy as np`: the operations that have rules, and NumPy for all else.

>>> import tinygrad_xent.numpy as np
>>> import tinygrad_xent as tx
>>> tx.grad(lambda x: np.sum(np.exp(x)))(np.zeros(2))
array([1., 1.])
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from . import functions, ops
from .graph import numpy_functions

# What NumPy has, NumPy does: it hands Tensors to the rules here, and arrays to nobody.
_OURS = {name: getattr(room, name) for room in (ops, functions) for name in room.__all__}
_THEIRS = {n: f for n, f in vars(_numpy).items() if callable(f) and f in numpy_functions()}
globals().update({**_OURS, **_THEIRS})


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)
