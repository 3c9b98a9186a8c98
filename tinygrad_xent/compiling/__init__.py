"""Graphs as fast functions: planned, written as source code, run."""
