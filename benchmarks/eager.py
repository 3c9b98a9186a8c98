"""Measures the engine: scalars, small and large arrays, memory, second derivatives.

Run it from the project's folder: `python benchmarks/eager.py`, --quick shows that it works.
It is `tinygrad-xent bench eager`; the tasks are in `tinygrad_xent/bench/suites/eager.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "eager", *sys.argv[1:]])
