"""Plans as loops that numba compiles: fused over columns, with exp and log of their own."""

from .writer import NumbaCode, generate

__all__ = ["NumbaCode", "generate"]
