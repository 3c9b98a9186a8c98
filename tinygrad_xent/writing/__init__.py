"""From nodes and derivations to something a person reads."""

from .text import number, text

__all__ = ["number", "text"]
