# Earshot. Type `make help`.
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTEST_ARGS ?=

.PHONY: help setup demo test lint bench docs lock

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with packages and Spark's jars (once; needs the network once)
	@deploy/setup.sh

demo: setup ## simulate two weeks, run everything, deliver an alert, write the report
	@$(BIN)/earshot demo

test: ## lint, types, import contracts and every test
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory lint
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -m "not benchmark" $(PYTEST_ARGS)

lint: setup ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## the benchmarks: ratios against a floor or a peer in the same run
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -m benchmark -s tests/benchmarks $(PYTEST_ARGS)

docs: setup ## write docs/tables.md from core.schemas
	@$(BIN)/python -m earshot.automation.table_reference docs/tables.md

lock: setup ## resolve pyproject.toml again into constraints.txt, with hashes and without index addresses
	@$(BIN)/uv pip compile pyproject.toml --all-extras --quiet --upgrade --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --python-version 3.11 -o constraints.txt
