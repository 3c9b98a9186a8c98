"""Measures compiled code: losses and layers, next to compilers and people.

Run it from the project's folder: `python benchmarks/compiled.py`, --quick shows that it works.
It is `tinygrad-xent bench compiled`; the tasks are in `tinygrad_xent/bench/suites/compiled.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "compiled", *sys.argv[1:]])
