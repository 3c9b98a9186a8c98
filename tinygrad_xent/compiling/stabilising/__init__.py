"""Graphs in the form that keeps its digits: neither overflow nor cancellation."""
