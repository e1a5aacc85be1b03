# Everything that a bare machine with Python needs: `make demo` to look, `make test` to check.
PYTHON ?= python3
VENV ?= .venv
VENV_FLAGS ?=
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
READY = $(VENV)/.ready

# Where ROS is sourced its Python packages come first, pytest's plugins among them, and they miss the system's Python.
unexport PYTHONPATH

.PHONY: demo test train pictures lint clean

demo: $(READY)
	rm -rf demo_output
	$(BIN)/sam2-ros demo --output demo_output

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

# The network that ships with the package: hours. Interrupt it when you like, it goes on from where it was.
train: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/torchrun --standalone --nproc-per-node=$(shell nproc) -m training training/nano.yaml

# Free pictures of real things and places, for training/real.yaml: 2 GB to fetch, from Debian's mirror among others.
pictures: $(READY)
	$(BIN)/python -m training.pictures

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo_output build *.egg-info

# Constraints hold for what has to be built, too, hence not as an option.
$(READY): setup.py pyproject.toml $(CONSTRAINTS)
	@echo "Setting up $(VENV): torch, the largest part, is 200 MB to 3 GB to fetch. Later runs leave this out."
	@began=$$(date +%s) && $(PYTHON) -m venv $(VENV_FLAGS) $(VENV) \
	&& PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python -m pip install --disable-pip-version-check --editable '.[test]' \
	&& touch $(READY) && echo "$(VENV) is ready after $$(($$(date +%s) - began)) s."
