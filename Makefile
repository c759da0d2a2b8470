# make        sets up the environment, runs the default configuration, writes results/report.html
# make test   runs the tests
# make test-cluster  runs the default configuration on a SLURM cluster of this machine, and breaks jobs there; needs root
# make lint   checks style
# make report writes the report of the latest run

PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
CONFIG ?= config/config.yaml
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --configfile $(CONFIG)

.PHONY: all run report test test-real test-cluster test-faults lint

all: report
	@$(BIN)/python -m anatomy.closing_words results/summary.csv

run: .venv/ready
	$(SNAKEMAKE) --cores $(CORES)

report: run
	$(BIN)/python -m anatomy.audit --configfile $(CONFIG)
	$(SNAKEMAKE) --report results/report.html --quiet all

# file by file on two cores, those that take longest first
test: .venv/ready-for-tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder \
		tests/workflow tests/real tests/unit tests/browser

# the whole path on real photographs and weights, as in docs/results.md; takes one to two hours
test-real: .venv/ready-for-tests
	$(BIN)/python -m pytest -m real tests/real

# as root on Debian: installs SLURM, starts it, stops it again; see docs/cluster.md
test-cluster: .venv/ready-for-tests
	tests/cluster/slurm.sh install
	$(BIN)/python -m pytest -m cluster --durations 0 tests/cluster

# the default run, killed at 60 random moments, against an undisturbed one (results/, where that is complete)
test-faults: .venv/ready-for-tests
	$(BIN)/python -m pytest -m faults --capture no tests/faults

lint: .venv/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

.venv/ready: envs/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/ready-for-tests: .venv/ready envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
