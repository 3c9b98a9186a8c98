"""Plans as NumPy code: tiles of rows, and memory that is used again."""

from .writer import Writer, generate

__all__ = ["Writer", "generate"]
