"""The numbers themselves: where a NaN was born, and how accurate they are."""

from .birth import why_nan
from .story import Place, WhyNan
from .ulps import Accuracy, Error, accuracy

__all__ = ["Accuracy", "Error", "Place", "WhyNan", "accuracy", "why_nan"]
