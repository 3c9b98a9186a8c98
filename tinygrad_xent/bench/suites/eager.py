"""Eager graphs: recording, differentiating and freeing, next to the arithmetic itself."""

from ._losses import LOSSES
from ._scalars import SCALARS
from ._second import SECOND

CASES = (*SCALARS, *LOSSES, *SECOND)
