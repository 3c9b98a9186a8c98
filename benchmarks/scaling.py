"""Measures how cost grows with rows, classes and depth.

Run it from the project's folder: `python benchmarks/scaling.py`, --quick shows that it works.
It is `tinygrad-xent bench scaling`; the tasks are in `tinygrad_xent/bench/suites/scaling.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "scaling", *sys.argv[1:]])
