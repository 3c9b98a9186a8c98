"""`python -m tinygrad_xent` is `tinygrad-xent`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="tinygrad-xent")
