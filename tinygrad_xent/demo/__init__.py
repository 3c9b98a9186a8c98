"""The whole story, once, on real data: `tinygrad-xent demo`."""

from .run import run

__all__ = ["run"]
