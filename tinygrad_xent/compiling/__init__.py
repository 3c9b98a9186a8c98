"""Graphs as fast functions: planned, written as source code, run."""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
