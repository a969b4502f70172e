# make            install into .venv, run the pipeline, show the scores
# make test       lint, and run the whole test suite
# make sweep      the optimizer study, JOBS=2 cells at once, then what remains
# make demo       a page on this machine that shows a pasted review with its spoilers blurred
# make bench-data, bench-train, bench-paths, bench-predict, bench-full   speed and memory (REVIEWS=2000 for a quick look)

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

JOBS ?= 2

.PHONY: all test sweep demo bench-data bench-train bench-paths bench-predict bench-full clean

all: $(VENV)/installed
	dvc repro
	dvc metrics show
	@echo "The report: reports/report.html, and reports/report.md"

# The CPU build of PyTorch serves; on Linux, PyPI's default build would bring 3 GB of CUDA with it.
$(VENV)/installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --requirement requirements.txt --constraint constraints.txt
	$(VENV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

test: $(VENV)/installed
	ruff check .
	ruff format --check .
	lint-imports
	python -m pytest --numprocesses logical

sweep: $(VENV)/installed
	spoilers sweep $(JOBS)

demo: $(VENV)/installed
	spoilers demo

bench-data: $(VENV)/installed
	python -m bench.data

bench-train: $(VENV)/installed
	python -m bench.train

bench-paths: $(VENV)/installed
	python -m bench.fast_paths

bench-predict: $(VENV)/installed
	python -m bench.predict

bench-full: $(VENV)/installed
	python -m bench.full

clean:
	rm -rf $(VENV) .cache
