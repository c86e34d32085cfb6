# Each target sets itself up in .venv; what it makes is in build/, and the caches of the tools beside it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

export EPSTUDY_STORE ?= $(CURDIR)/build/store
export MPLCONFIGDIR ?= $(CURDIR)/build/matplotlib
export IPYTHONDIR ?= $(CURDIR)/build/ipython
export JUPYTER_RUNTIME_DIR ?= $(CURDIR)/build/jupyter

.PHONY: help demo test lab lint types layers unit integration browser faults notebooks bench buildings pictures baselines chaos reliability clean

help:
	@echo "make demo    run the first study and print its results (build/demo/)"
	@echo "make test    lint, types, layers, all tests, the notebooks"
	@echo "make lab     open JupyterLab on the notebooks"
	@echo "make bench   measure against bare EnergyPlus (build/benchmarks.json)"
	@echo "make buildings  all 32 buildings of the wheel against EnergyPlus alone (docs/buildings.md; 12 minutes)"
	@echo "make pictures  take docs/images/panel.png in JupyterLab, and draw docs/images/figures/ of real studies (6 minutes)"
	@echo "make baselines  accept how the figures look now (tests/unit/plots/baseline/)"
	@echo "make browser JupyterLab in Chromium, as a user has it (a part of make test; screenshots in build/browser/)"
	@echo "make faults  kill, cut, fill, freeze, and count (a part of make test; 6 minutes)"
	@echo "make chaos   random faults for SECONDS=600, all at once; SEED=N for the same ones again"
	@echo "make reliability  the fault suite, and its table in docs/reliability.md (6 minutes)"
	@echo "make clean   remove .venv/ and build/"

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lab,test]'
	@mkdir -p build/ipython
	@touch $@

demo: $(INSTALLED)
	@mkdir -p build/ipython
	$(BIN)/epstudy demo --output build/demo

lab: $(INSTALLED)
	$(BIN)/jupyter lab notebooks

test: lint types layers unit integration browser faults notebooks

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

layers: $(INSTALLED)
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/pytest tests/unit tests/contract --numprocesses=2

integration: $(INSTALLED)
	$(BIN)/pytest tests/integration --numprocesses=3 --dist=loadfile

browser: $(INSTALLED)
	$(BIN)/pytest tests/browser

# Mostly they wait, for leases to run out and for killed things to come back: four files at a time.
faults: $(INSTALLED)
	$(BIN)/pytest tests/faults --numprocesses=4 --dist=loadfile

notebooks: $(INSTALLED)
	$(BIN)/python -m tests.run_notebooks

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.first_study build/benchmarks.json
	$(BIN)/python -m benchmarks.panel build/panel.json

buildings: $(INSTALLED)
	$(BIN)/python -m benchmarks.all_buildings

pictures: $(INSTALLED)
	$(BIN)/python -m benchmarks.panel_picture
	$(BIN)/python -m benchmarks.figure_pictures

baselines: $(INSTALLED)
	$(BIN)/python -m tests.unit.plots.drawings

SECONDS ?= 600
chaos: $(INSTALLED)
	$(BIN)/python -m tests.faults.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

reliability: $(INSTALLED)
	rm -f build/faults.jsonl
	$(MAKE) faults
	$(BIN)/python -m tests.faults.table

clean:
	rm -rf .venv build
