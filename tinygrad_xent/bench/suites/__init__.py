"""One file for each benchmark, with its cases in `CASES`; a file that begins with _ is shared."""
