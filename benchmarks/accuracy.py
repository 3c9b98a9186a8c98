"""Measures how accurate losses and gradients are: thousands of inputs, against exact numbers.

Run it from the project's folder: `python benchmarks/accuracy.py`; --quick shows that it works.
It is `tinygrad-xent bench accuracy`; what is compared is in `tinygrad_xent/bench/accuracy`.
"""

import sys

from tinygrad_xent.cli import main

if __name__ == "__main__":
    main(["bench", "accuracy", *sys.argv[1:]])
