# Earshot. Type `make help`.
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTEST_ARGS ?=
WORKERS ?= 2
MOMENTS ?= 50
SEED ?= 4

.PHONY: help setup demo test lint bench kills docs lock

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with packages and Spark's jars (once; needs the network once)
	@deploy/setup.sh

demo: setup ## simulate two weeks, run everything, deliver an alert, write the report
	@$(BIN)/earshot demo

test: ## lint, types, import contracts and every test, in WORKERS=2 processes
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory lint
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not benchmark and not kills" $(PYTEST_ARGS)

lint: setup ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## the benchmarks: ratios against a floor or a peer in the same run
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -m benchmark -s tests/benchmarks $(PYTEST_ARGS)

kills: setup ## SIGKILL at MOMENTS=50 seeded moments and in every named write, disks that fail, eight writers at once
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/exactly_once/trials.py --moments $(MOMENTS) --seed $(SEED)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -m kills -s tests/exactly_once $(PYTEST_ARGS)

docs: setup ## write docs/tables.md from core.schemas
	@$(BIN)/python -m earshot.automation.table_reference docs/tables.md

lock: setup ## resolve pyproject.toml again into constraints.txt, with hashes and without index addresses
	@$(BIN)/uv pip compile pyproject.toml --all-extras --quiet --upgrade --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --python-version 3.11 -o constraints.txt
