"""The numbers themselves: where a NaN was born, how accurate they are, what they tend to."""

from .birth import why_nan
from .story import Place, WhyNan
from .tending import Limit, Limits, limits
from .ulps import Accuracy, Error, accuracy

__all__ = [
    "Accuracy",
    "Error",
    "Limit",
    "Limits",
    "Place",
    "WhyNan",
    "accuracy",
    "limits",
    "why_nan",
]
