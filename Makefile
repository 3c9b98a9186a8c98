# Needs Python 3.11 or later and make. Everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin

.DELETE_ON_ERROR:  # a .venv that could not be made is made anew
.PHONY: help demo test fast check lint types format documents clean

help:
	@echo "make demo    the whole story on real data, into out/"
	@echo "make test    the tests"
	@echo "make fast    the tests of compiled loops, with numba"
	@echo "make check   format, lint, types and tests"
	@echo "make format  rewrite the code in the project's format"
	@echo "make documents  write docs/documents.md anew"
	@echo "make clean   remove .venv, out and caches"

demo: .venv/demo.stamp
	$(BIN)/tinygrad-xent demo

test: .venv/test.stamp
	$(BIN)/python -m pytest -q -rs

# The tests that need numba, and those of what it compiles.
fast: .venv/fast.stamp
	$(BIN)/python -m pytest -q -rs tests/test_numba_code.py tests/test_vector_math.py \
	  tests/test_compile.py tests/test_compiled_digits.py tests/test_compiled_axes.py

check: lint types test

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev.stamp
	$(BIN)/mypy

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

documents: .venv/demo.stamp
	$(BIN)/python docs/documents.py

clean:
	rm -rf .venv out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or later is needed, this is " + sys.version.split()[0] + \
	  ". Name another one: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

# A stamp says that these extras are installed; a newer pyproject.toml makes it stale.
.venv/demo.stamp: EXTRAS = demo
.venv/test.stamp: EXTRAS = demo,test
.venv/fast.stamp: EXTRAS = demo,test,fast
.venv/dev.stamp: EXTRAS = demo,test,dev

.venv/%.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]"
	@touch $@
