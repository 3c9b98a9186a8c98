"""From text to graphs: a loss, an assumption, a shape. Nothing that is read is ever evaluated."""

from .assumptions import assumption
from .deriving import derive
from .expressions import expression
from .reader import names, read

__all__ = ["assumption", "derive", "expression", "names", "read"]
