# Everything a newcomer needs: `make demo`, `make test`. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Searches wait more than they work: three at once, and who has nothing left takes from the others.
WAITING := --numprocesses 3 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-long test-services check bench chaos lenet clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Make the environment and install into it

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "$(PYTHON) is not Python 3.11 to 3.13: install one and say make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv is missing: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --editable . --group dev
	@touch $@

demo: install ## Run a small search on embedded data and show its leaderboard
	@$(BIN)/ganarena demo

test: install ## Run the default tests: offline, on the CPU, under five minutes
	@$(BIN)/python -m pytest $(PARALLEL) tests/journeys tests

test-slow: install ## Run the tests that take longer
	@$(BIN)/python -m pytest -m "slow and not gpu and not weights" $(WAITING) tests/journeys tests

test-long: install ## Run the journeys of minutes, through kills and resumes
	@$(BIN)/python -m pytest -m long

test-services: install ## Run the journey on PostgreSQL and an object store, on loopback
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group services
	@$(BIN)/python -m pytest -m services

check: install ## Lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: install ## Measure, as ratios against named peers
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group bench
	@$(BIN)/python -m tests.benchmarks.gans_speed
	@$(BIN)/python -m tests.benchmarks.gans_growth
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.metrics_speed
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.metrics_agreement
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.metrics_share
	@$(BIN)/python -m tests.benchmarks.review_report
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.board_coverage
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.review_speed
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group services
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.review_scale
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.search_table
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.search_replay
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.search_overhead

chaos: install ## Kill workers, nodes and drivers of searches; goes on where it was broken off
	@$(BIN)/python -m pytest -m chaos

lenet: install ## Train the digit classifier behind the lenet extractor again
	@$(BIN)/python -m orchestrator.lenet

clean: ## Remove the environment and caches; records are kept
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
