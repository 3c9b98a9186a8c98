"""Measures training steps on handwritten digits.

Run it from the project's folder: `python benchmarks/training.py`, --quick shows that it works.
It is `tinygrad-xent bench training`; the tasks are in `tinygrad_xent/bench/suites/training.py`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "training", *sys.argv[1:]])
