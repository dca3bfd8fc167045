# Everything people and CI do here, under one list of names: `make help`.
# Written for GNU make 3.81 (macOS) and later; paths are relative, so the checkout may lie anywhere.
.POSIX:
.SUFFIXES:
.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-fast test-postgres coverage check fix dist bench bench-flux fuzz soak docs screenshots lock clean

PY := .venv/bin/python
UV := $(PY) -m uv --no-config
PYTEST_ARGS ?=
# What makes no hub is the same on every database.
HUBLESS := build domain engines playground ui
POSTGRES_TESTS ?= tests/coghub tests/contracts tests/fuzz tests/acceptance $(HUBLESS:%=--ignore=tests/coghub/%)
# Set by the command line: `make setup PYTHON=/path/to/python3.12`.
export PYTHON

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with both commands in it
	@sh requirements/setup.sh

quickstart: setup ## Start a hub, push three examples, run them (DATA=folder, ONCE=1 to stop it)
	@$(PY) examples/quickstart.py $(if $(DATA),--data '$(DATA)') $(if $(ONCE),--once)

test: setup ## Run every test that this machine can run
	$(PY) -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

test-fast: setup ## Run the unit tests only
	$(PY) -m pytest -n auto -m "not slow and not acceptance" $(PYTEST_ARGS)

test-postgres: setup ## Run what makes a hub on PostgreSQL (POSTGRES_TESTS=tests/coghub/api)
	$(PY) -m pytest --postgres -n auto --dist worksteal $(POSTGRES_TESTS) $(PYTEST_ARGS)

coverage: setup ## Run the tests of the parts, and refuse a lower branch coverage
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -q -n auto -m "not acceptance and not bare" $(PYTEST_ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

check: setup ## Lint, check the format, the types and the import contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyrefly check
	$(PY) -m pyrefly check --python-version 3.10 "sdk/cog/**/*.py"
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()"

fix: setup ## Apply the linter's safe fixes and the formatter
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

dist: setup ## Build both wheels into dist/
	rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist sdk
	$(UV) build --quiet --wheel --out-dir dist hub
	@ls dist/*.whl

bench: setup ## Measure us beside Cog's own server and print the ratios
	$(PY) -m benchmarks $(BENCH_ARGS)

bench-flux: setup ## Measure Flux at full size, with random weights, on this machine's GPU
	cd examples/flux && COG_ENGINE=local ../../.venv/bin/cog exec python ../../benchmarks/flux.py $(BENCH_ARGS)

fuzz: setup ## Attack every HTTP surface for hours, until something breaks (FUZZ_ARGS=--hours=1)
	$(PY) -m tests.fuzz.endless $(FUZZ_ARGS)

soak: setup ## Load a hub for an hour while its workers are killed (SOAK_ARGS="--minutes 5")
	$(PY) -m benchmarks.soak $(SOAK_ARGS)

docs: setup ## Generate docs/reference from the code
	$(PY) -m docs.generate

screenshots: setup ## Make the pictures in docs/images anew
	$(PY) -m docs.screenshots

lock: setup ## Compile the pins in requirements/ anew (releases of the last week left out)
	$(PY) requirements/lock.py

clean: ## Remove everything that was made here, .venv included
	rm -rf .venv .bench .quickstart dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
