# Everything that a bare machine with Python needs: `make demo` to look, `make test` to check.
PYTHON ?= python3
VENV ?= .venv
VENV_FLAGS ?=
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo test lint clean

demo: $(READY)
	rm -rf demo_output
	$(BIN)/sam2-ros demo --output demo_output

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo_output build *.egg-info

$(READY): setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV_FLAGS) $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $(READY)
