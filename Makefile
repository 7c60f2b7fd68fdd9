# The few verbs of this repository. Each sets up what it needs (scripts/bootstrap) and is quick about
# it when nothing changed. Longer recipes are in scripts/.
#
#   make test ARGS="-k window -x"     arguments for the program behind the verb
#   make test PYTHON=python3.13       the Python that the environments are made of

PYTHON ?= python3
ARGS ?=

bin := .venv/bin
bootstrap := $(PYTHON) -IS scripts/bootstrap

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs soak exhaustive mutants clean dev-env

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: dev-env ## run the example story: a host that embeds the SDK, against the emulator
	@$(bin)/python examples/story/run.py $(ARGS)

test: dev-env ## run everything quick, and hold the pure packages to full branch coverage
	@scripts/test $(ARGS)

check: dev-env ## lint, types, architecture, changelog, and the wheels in an environment of their own
	@scripts/check $(ARGS)

bench: ## measure: one JSON object a line, for each benchmarks/bench_*.py
	@$(bootstrap) bench
	@$(bootstrap) peer
	@$(PYTHON) scripts/bench $(ARGS)

docs: dev-env ## build the documentation, warnings being errors, into docs/_build/html
	@$(bin)/sphinx-build -W --keep-going -q -b html docs docs/_build/html $(ARGS)
	@echo "docs/_build/html/index.html"

soak: dev-env ## kills, chaos and fuzz: long
	@$(bin)/python -m pip install -q --group soak
	@$(bin)/python -m pytest -m soak $(ARGS)

exhaustive: dev-env ## every case of the finite spaces that the quick tests sample
	@$(bin)/python -m wa_connector.testing.exhaustive
	@$(bin)/python -m pytest -m exhaustive $(ARGS)

mutants: dev-env ## change the pure packages line by line, and see whether a test notices: long
	@$(bin)/python scripts/mutants $(ARGS)

clean: ## remove the environments and all that tools left behind
	rm -rf .venv .venv-bench .venv-constraints .venv-peer .venv-smoke .bootstrap.lock build dist docs/_build mutants
	rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev-env:
	@$(bootstrap) dev
