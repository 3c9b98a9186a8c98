"""The numbers themselves: where a NaN was born."""

from .birth import why_nan
from .story import Place, WhyNan

__all__ = ["Place", "WhyNan", "why_nan"]
