"""Measures time and memory of a linear layer with cross-entropy at vocabulary size.

Run it from the project's folder: `python benchmarks/memory.py`, --quick shows that it works.
It is `tinygrad-xent bench memory`; the tasks are in `tinygrad_xent/bench/suites/memory.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "memory", *sys.argv[1:]])
