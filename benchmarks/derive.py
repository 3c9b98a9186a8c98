"""Measures derivations, beside SymPy and tensorgrad.

Run it from the project's folder: `python benchmarks/derive.py`, --quick shows that it works.
It is `tinygrad-xent bench derive`; the tasks are in `tinygrad_xent/bench/suites/derive.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "derive", *sys.argv[1:]])
