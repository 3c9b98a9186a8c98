"""A drop-in for `import numpy as np`: the operations that have rules, and NumPy for all else.

>>> import tinygrad_xent.numpy as np
>>> import tinygrad_xent as tx
>>> tx.grad(lambda x: np.sum(np.exp(x)))(np.zeros(2))
array([1., 1.])
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from .functions import *
from .ops import *
from .ops import abs, div, max, min, mul, neg, sub

absolute, multiply, subtract, negative = abs, mul, sub, neg
divide = true_divide = div
amax, amin = max, min


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)
