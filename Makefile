# make demo   install, then encode and decode the files under examples/ and print a table
# make test   install, then run the tests
# make test-gpu   the GPU kernels, with torch and Triton: on a GPU, else under Triton's interpreter
# make docs   install, then build the documentation into site/
# Another interpreter: make test PYTHON=python3.12 VENV=.venv-3.12

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Tests start hundreds of processes: without files of byte code each would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-gpu docs lint format clean

demo: $(VENV)/.stamp-run
	$(BIN)/python tools/demo.py

# Three runs: golden files and coders on a plain CPU with bounds checks in their kernels, what a CPU with wide vectors does instead
# with bounds checks, and everything. What computes with torch needs the last one only. Kernels are compiled before, so that each
# is compiled by one process.
PYTEST := $(BIN)/python -m pytest -q -n auto --dist worksteal
EXTRA := -m "not (slow or plain or torch or gpu)"
PLAIN := NUMBA_CPU_NAME=generic NUMBA_BOUNDSCHECK=1

test: $(VENV)/.stamp-dev
	$(BIN)/python -m lacodec warmup & $(PLAIN) $(BIN)/python -m lacodec warmup & wait
	$(PLAIN) $(PYTEST) $(EXTRA) tests/test_golden.py tests/entropy tests/codecs tests/test_fuzz.py
	NUMBA_BOUNDSCHECK=1 $(PYTEST) $(EXTRA) tests/entropy/test_rans.py tests/entropy/test_segments.py
	$(PYTEST) -m "not gpu"

# Where Triton's kernels run is settled when Triton is imported, so they get a process of their own.
test-gpu: $(VENV)/.stamp-gpu
	$(BIN)/python -m pytest -q -m gpu

docs: $(VENV)/.stamp-docs
	$(BIN)/python tools/make_reference.py docs/generated
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet --fresh-env --write-all -d build/doctrees docs site

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.stamp-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A stamp is newer than what it installed, so a second run costs nothing.
$(VENV)/.stamp-run: pyproject.toml constraints.txt
	@tools/venv.sh $(PYTHON) $(VENV)
	$(INSTALL) -e .
	touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt
	@tools/venv.sh $(PYTHON) $(VENV)
	$(INSTALL) -e ".[dev]"
	touch $@ $(VENV)/.stamp-run

$(VENV)/.stamp-docs: pyproject.toml constraints.txt
	@tools/venv.sh $(PYTHON) $(VENV)
	$(INSTALL) -e ".[docs]"
	touch $@ $(VENV)/.stamp-run

$(VENV)/.stamp-gpu: $(VENV)/.stamp-dev
	$(INSTALL) -e ".[learned,gpu]"
	touch $@

clean:
	rm -rf $(VENV) build site docs/generated *.egg-info demo-out
