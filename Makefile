# Everything runs in .venv, which these targets make and keep up to date; it is rebuilt only when
# pyproject.toml or constraints.txt changes. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

EXAMPLE ?= $(firstword $(sort $(wildcard data_example/*/)))
RESULTS ?= results/$(notdir $(EXAMPLE:/=))
PYTEST_WORKERS ?= 2
KILLS ?= 50
SEED ?= 1
JOBS ?= 2
# Further extras the tests are run with: make test EXTRAS=,deep (PyTorch, several GB on some machines)
EXTRAS ?=

.DEFAULT_GOAL := help
.PHONY: help run test chaos check docs bench screenshots constraints clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Segment an example, then serve the workbench on data_example/ (PORT=8502 for another port)
	$(BIN)/ellimaps segment $(EXAMPLE) -k auto --out $(RESULTS)
	$(BIN)/ellimaps app --data-root data_example $(if $(PORT),--port $(PORT))

# The workers of pytest share the processors: threads of the algebra libraries would only get into their way.
# In the order of the files the browser comes early; sorted by number of tests it would come last, and alone.
test: $(VENV)/.test ## Run the test suite (PYTEST_ARGS="-k reader" for a part of it)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/.dev docs ## Lint, formatting, types, import contracts, JavaScript, and the documentation without a warning
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/oxlint ellimaps
	$(BIN)/oxfmt --check ellimaps/ui

docs: $(VENV)/.dev ## Build the documentation as a site in docs/_build/
	rm -rf docs/_api
	$(BIN)/sphinx-build -W --keep-going --quiet -b html docs docs/_build

bench: $(VENV)/.bench ## Run the timings beside other software; one table (BENCH="speed memory" for some of them)
	$(BIN)/python benchmarks/run.py $(BENCH)

# Each kill is followed by a look at what is there and a run that must end with the bytes of an undisturbed one.
chaos: $(VENV)/.test ## Kill and starve every command that writes (KILLS=50 SEED=1 JOBS=2 NAMES="'batch maps' fit")
	OMP_NUM_THREADS=1 PYTHONPATH=.:tests nice -n 10 $(BIN)/python tests/hostile/chaos.py \
		--kills $(KILLS) --seed $(SEED) --jobs $(JOBS) $(NAMES)

screenshots: $(VENV)/.test ## Take the pictures in docs/images/ again
	$(BIN)/python docs/screenshots.py

constraints: $(VENV)/.dev ## Pin what .venv holds now in constraints.txt
	$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable --exclude pip --exclude setuptools \
		| grep '==' | LC_ALL=C sort -f > constraints.tmp
	mv constraints.tmp constraints.txt

clean: ## Remove caches and build products (not .venv, not results/)
	rm -rf docs/_api docs/_build build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"ellimaps needs Python 3.11 or newer; name one that is installed: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A stamp per set of dependencies. Each set holds the one before it, so it satisfies those stamps too.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ellimaps into $(VENV) (a minute or two the first time)"
	@$(INSTALL) --editable '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ellimaps and its test tools into $(VENV) (a minute or two the first time)"
	@$(INSTALL) --editable '.[test$(EXTRAS)]'
	@touch $(VENV)/.runtime $@

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ellimaps and its benchmarks' peers into $(VENV)"
	@$(INSTALL) --editable '.[bench]'
	@touch $(VENV)/.runtime $(VENV)/.test $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ellimaps and its development tools into $(VENV) (a minute or two the first time)"
	@$(INSTALL) --editable '.[dev$(EXTRAS)]'
	@touch $(VENV)/.runtime $(VENV)/.test $@
