# make            install into .venv, run the pipeline, show the scores
# make test       lint, and run the whole test suite
# make demo       a page on this machine that shows a pasted review with its spoilers blurred
# make bench-data, make bench-train   speed and memory (REVIEWS=50000 for a quick look)

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: all test demo bench-data bench-train clean

all: $(VENV)/installed
	dvc repro
	dvc metrics show $(addprefix reports/metrics/,$(addsuffix .json,lstm gru tfidf length majority))
	@echo "The report: reports/report.html, and reports/report.md"

# The CPU build of PyTorch serves; on Linux, PyPI's default build would bring 3 GB of CUDA with it.
$(VENV)/installed: requirements.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --requirement requirements.txt --constraint constraints.txt
	touch $@

test: $(VENV)/installed
	ruff check .
	ruff format --check .
	python -m pytest

demo: $(VENV)/installed
	python -m stages.demo

bench-data: $(VENV)/installed
	python -m bench.data

bench-train: $(VENV)/installed
	python -m bench.train

clean:
	rm -rf $(VENV) .cache
