"""Several leading axes as one."""

from .merging import merged

__all__ = ["merged"]
