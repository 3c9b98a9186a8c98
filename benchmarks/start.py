"""Measures imports, and the first call of a compiled function.

Run it from the project's folder: `python benchmarks/start.py`, --quick shows that it works.
It is `tinygrad-xent bench start`; the tasks are in `tinygrad_xent/bench/suites/start.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "start", *sys.argv[1:]])
