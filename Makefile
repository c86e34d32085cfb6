# Each target sets itself up in .venv; what it makes is in build/, and the caches of the tools beside it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TESTED := .venv/.tested

export EPSTUDY_STORE ?= $(CURDIR)/build/store
export MPLCONFIGDIR ?= $(CURDIR)/build/matplotlib
export IPYTHONDIR ?= $(CURDIR)/build/ipython
export JUPYTER_RUNTIME_DIR ?= $(CURDIR)/build/jupyter

.PHONY: help demo test lab lint types layers unit integration browser faults notebooks bench buildings pictures baselines chaos reliability installs plain lowest second-python fresh-machines clean

help:
	@echo "make demo    run the first study and print its results (build/demo/)"
	@echo "make test    lint, types, layers, all tests, the notebooks"
	@echo "make lab     open JupyterLab on the notebooks"
	@echo "make installs  a worker's plain install, the lowest releases, a second Python"
	@echo "make fresh-machines  both commands of the README in fresh Debian 12 and 13 (as root; an hour or more)"
	@echo "make bench   measure against bare EnergyPlus (build/benchmarks.json)"
	@echo "make buildings  all 32 buildings of the wheel against EnergyPlus alone (docs/buildings.md; 12 minutes)"
	@echo "make pictures  take docs/images/panel.png in JupyterLab, and draw docs/images/figures/ of real studies (6 minutes)"
	@echo "make baselines  accept how the figures look now (tests/unit/plots/baseline/)"
	@echo "make browser JupyterLab in Chromium, as a user has it (a part of make test; screenshots in build/browser/)"
	@echo "make faults  kill, cut, fill, freeze, and count (a part of make test; 6 minutes)"
	@echo "make chaos   random faults for SECONDS=600, all at once; SEED=N for the same ones again"
	@echo "make reliability  the fault suite, and its table in docs/reliability.md (6 minutes)"
	@echo "make clean   remove .venv/ and build/"

# .ci/set-up says what it downloads, and what only root can install. The demo needs less than the tests.
$(INSTALLED): pyproject.toml
	PYTHON=$(PYTHON) .ci/set-up demo

$(TESTED): pyproject.toml
	PYTHON=$(PYTHON) .ci/set-up test

demo: $(INSTALLED)
	@mkdir -p build/ipython
	$(BIN)/epstudy demo --output build/demo

lab: $(INSTALLED)
	$(BIN)/jupyter lab notebooks

test: lint types layers unit integration browser faults notebooks

lint: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TESTED)
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python tests/types

layers: $(TESTED)
	$(BIN)/lint-imports

unit: $(TESTED)
	$(BIN)/pytest tests/unit tests/contract --numprocesses=2

integration: $(TESTED)
	$(BIN)/pytest tests/integration --numprocesses=3 --dist=loadfile

browser: $(TESTED)
	$(BIN)/pytest tests/browser

# Mostly they wait, for leases to run out and for killed things to come back: four files at a time.
faults: $(TESTED)
	$(BIN)/pytest tests/faults --numprocesses=4 --dist=loadfile

notebooks: $(TESTED)
	$(BIN)/python -m tests.run_notebooks

# What other installs give, each in an environment of its own below build/.
installs: plain lowest second-python

plain: $(TESTED)
	$(BIN)/pytest tests/installs

# What old releases warn of is no error here: they are not asked to be up to date.
lowest: $(TESTED)
	PYTEST_ADDOPTS='-W default' .ci/install-and-test build/lowest $(BIN)/python --resolution=lowest-direct

second-python: $(TESTED)
	.ci/second-python

fresh-machines:
	.ci/fresh-machine bookworm
	.ci/fresh-machine trixie

bench: $(TESTED)
	$(BIN)/python -m benchmarks.first_study build/benchmarks.json
	$(BIN)/python -m benchmarks.panel build/panel.json

buildings: $(TESTED)
	$(BIN)/python -m benchmarks.all_buildings

pictures: $(TESTED)
	$(BIN)/python -m benchmarks.panel_picture
	$(BIN)/python -m benchmarks.figure_pictures

baselines: $(TESTED)
	$(BIN)/python -m tests.unit.plots.drawings

SECONDS ?= 600
chaos: $(TESTED)
	$(BIN)/python -m tests.faults.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

reliability: $(TESTED)
	rm -f build/faults.jsonl
	$(MAKE) faults
	$(BIN)/python -m tests.faults.table

clean:
	rm -rf .venv build
