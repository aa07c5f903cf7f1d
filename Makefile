# Everything runs in .venv, which these targets make and keep up to date; it is rebuilt only when
# pyproject.toml or constraints.txt changes. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

EXAMPLE ?= $(firstword $(sort $(wildcard data_example/*/)))
RESULTS ?= results/$(notdir $(EXAMPLE:/=))
PYTEST_WORKERS ?= 2
N ?= 10000
REQUESTS ?= 2000
KILLS ?= 50
JOBS ?= 2
SEED ?= 1
# Further extras the tests are run with: make test EXTRAS=,deep (PyTorch, several GB on some machines)
EXTRAS ?=

.DEFAULT_GOAL := help
.PHONY: help run test fuzz chaos check docs audit locked bench load conda screenshots constraints clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Segment an example, then serve the workbench on data_example/ (PORT=8502 for another port)
	$(BIN)/ellimaps segment $(EXAMPLE) -k auto --out $(RESULTS)
	$(BIN)/ellimaps app --data-root data_example $(if $(PORT),--port $(PORT))

# The workers of pytest share the processors: threads of the algebra libraries would only get into their way.
# In the order of the files the browser comes early; sorted by number of tests it would come last, and alone.
test: $(VENV)/.test ## Run the test suite (PYTEST_ARGS="-k reader" for a part of it)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

fuzz: $(VENV)/.test ## Damaged inputs of every format (N=100000 SEED=1), findings in results/fuzz/; then REQUESTS=10000 to a server
	cd tests && OMP_NUM_THREADS=1 ../$(BIN)/python -m hostile.fuzz --n $(N) --seed $(SEED) $(FUZZ_ARGS)
	cd tests && OMP_NUM_THREADS=1 ../$(BIN)/python -m hostile.fuzz_server --n $(REQUESTS) --seed $(SEED)

check: $(VENV)/.dev docs ## Lint, formatting, types, import contracts, JavaScript, what is risky, what is deployed, and the documentation without a warning
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/oxlint ellimaps
	$(BIN)/oxfmt --check ellimaps/ui
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml ellimaps
	$(BIN)/zizmor --quiet --offline .github/workflows
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/kubernetes-validate --quiet --strict --kubernetes-version 1.31 $(filter-out %/kustomization.yaml, $(wildcard deploy/kubernetes/*.yaml))
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/npe2 validate ellimaps/napari/napari.yaml

conda: $(VENV)/.test ## Build the conda package into dist/conda/, with conda-forge's packages, and try it in an environment of its own
	$(BIN)/python -c 'from rattler_build import Stage0Recipe as Recipe, ToolConfiguration as Tools; \
		Recipe.from_file("deploy/conda/recipe.yaml").run_build( \
			tool_config=Tools(test_strategy="native"), channels=["conda-forge"], output_dir="dist/conda")'

audit: $(VENV)/.dev ## Ask PyPI for known vulnerabilities of all that is locked
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements.lock --requirement requirements-dev.lock

locked: $(BIN)/python ## Build .venv from requirements-dev.lock alone, as CI does: every file has the hash that stands there
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $(VENV)/.test $(VENV)/.dev

docs: $(VENV)/.dev ## Build the documentation as a site in docs/_build/
	rm -rf docs/_api
	$(BIN)/sphinx-build -W --keep-going --quiet -b html docs docs/_build

bench: $(VENV)/.bench ## Run the timings beside other software; one table (BENCH="speed memory" for some of them)
	$(BIN)/python benchmarks/run.py $(BENCH)

load: $(VENV)/.test ## Many users at once: the server's clients, slow and large ones; sessions in browsers
	$(BIN)/python benchmarks/load_server.py
	$(BIN)/python benchmarks/load_sessions.py

# Each kill is followed by a look at what is there and a run that must end with the bytes of an undisturbed one.
chaos: $(VENV)/.test ## Kill and starve every command that writes (KILLS=50 SEED=1 JOBS=2 NAMES="'batch maps' fit")
	OMP_NUM_THREADS=1 PYTHONPATH=.:tests nice -n 10 $(BIN)/python tests/hostile/chaos.py \
		--kills $(KILLS) --seed $(SEED) --jobs $(JOBS) $(NAMES)

screenshots: $(VENV)/.test ## Take the pictures in docs/images/ again
	$(BIN)/python docs/screenshots.py

# Locks name no index: where files come from may differ, what is in them may not.
LOCK := $(BIN)/uv pip compile pyproject.toml - --quiet --universal --python-version 3.11.5 --generate-hashes \
	--no-header --no-annotate --constraint constraints.txt

constraints: $(VENV)/.dev ## Pin what .venv holds now in constraints.txt, and lock it with hashes for the image and CI
	$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable --exclude pip --exclude setuptools \
		| grep '==' | LC_ALL=C sort -f > constraints.tmp
	mv constraints.tmp constraints.txt
	echo setuptools | $(LOCK) --extra all --output-file requirements.lock
	echo setuptools | $(LOCK) --extra dev --extra deep --output-file requirements-dev.lock

clean: ## Remove caches and build products (not .venv, not results/)
	rm -rf docs/_api docs/_build docs/_gallery docs/sg_execution_times.rst build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
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
