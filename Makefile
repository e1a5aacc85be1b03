# Everything that a bare machine with Python needs: `make demo` to look, `make test` to check.
PYTHON ?= python3
VENV ?= .venv
VENV_FLAGS ?=
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo test train lint clean

demo: $(READY)
	rm -rf demo_output
	$(BIN)/sam2-ros demo --output demo_output

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8

# The network that ships with the package: hours. Interrupt it when you like, it goes on from where it was.
train: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/torchrun --standalone --nproc-per-node=$(shell nproc) -m training training/nano.yaml

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo_output build *.egg-info

$(READY): setup.py pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV_FLAGS) $(VENV)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[test]'
	touch $(READY)
