# make demo   install, then encode and decode the files under examples/ and print a table
# make test   install, then run the tests
# Another interpreter: make test PYTHON=python3.12 VENV=.venv-3.12

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format clean

demo: $(VENV)/.stamp-run
	$(BIN)/python tools/demo.py

# Three runs: everything; the coders again with bounds checks in their kernels; what fixes the bytes of a stream again on a plain CPU.
test: $(VENV)/.stamp-dev
	NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= $(BIN)/python -m pytest -q -m "not slow" tests/golden
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -q -m "not slow" tests/entropy tests/codecs
	$(BIN)/python -m pytest -q

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.stamp-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A stamp is newer than what it installed, so a second run costs nothing.
$(VENV)/.stamp-run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@ $(VENV)/.stamp-run

clean:
	rm -rf $(VENV) build *.egg-info demo-out
