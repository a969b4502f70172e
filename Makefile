# make            install into .venv, run the pipeline, show the scores
# make test       lint, and run the whole test suite
# make fuzz       damaged input for every reader, MINUTES=20 of it
# make lock       resolve requirements.txt anew into constraints.txt, with hashes (UPGRADE=--upgrade for newer)
# make sweep      the optimizer study, JOBS=2 cells at once, then what remains
# make demo       a page on this machine that shows a pasted review with its spoilers blurred
# make real       scores on real reviews, SOURCE="file.json.gz ..." -> reports/real_text.md
# make bench-data, bench-train, bench-paths, bench-predict, bench-full   speed and memory (REVIEWS=2000 for a quick look)

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

JOBS ?= 2
MINUTES ?= 20

.PHONY: all test fuzz lock sweep demo bench-data bench-train bench-paths bench-predict bench-full real clean

all: $(VENV)/installed
	dvc repro
	dvc metrics show
	@echo "The report: reports/report.html, and reports/report.md"

# Everything but PyTorch is installed from files whose hashes stand in constraints.txt. The second command
# installs PyTorch, of which each machine may have another build; on Linux, PyPI's brings 3 GB of CUDA with it.
$(VENV)/installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes --no-deps --requirement constraints.txt
	$(VENV)/bin/python -m pip install --quiet --requirement requirements.txt
	$(VENV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

test: $(VENV)/installed
	ruff check .
	ruff format --check .
	lint-imports
	python -m pytest --numprocesses logical

fuzz: $(VENV)/installed
	FUZZ_MINUTES=$(MINUTES) python -m pytest tests/fuzz

CUDA := triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc \
	cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
	nvshmem-cu13 nvtx)

# For every platform; versions stay as they are where requirements.txt allows it.
lock:
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet uv
	.cache/lock/bin/uv pip compile requirements.txt --output-file constraints.txt $(UPGRADE) --universal \
		--python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" \
		$(addprefix --no-emit-package ,torch $(CUDA)) > /dev/null

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

real: $(VENV)/installed
	python -m bench.real

clean:
	rm -rf $(VENV) .cache
