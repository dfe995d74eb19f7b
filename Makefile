# Every target is one line in `make help`. Set-up is part of the targets: nothing to do first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
FAST := -m "not slow and not browser and not faults"
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test check fix slow faults browser types docs wheel bench serve lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMPS)/core: requirements/core.lock pyproject.toml
	@test -x $(BIN)/python || { echo "setting up (about a minute, once) ..."; $(PYTHON) -m venv $(VENV); }
	@$(PIP) --require-hashes -r requirements/core.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: requirements/test.lock $(STAMPS)/core
	@$(PIP) --require-hashes -r requirements/test.lock
	@touch $@

demo: $(STAMPS)/core  ## see the whole product do its main job once, in a fresh folder
	@$(BIN)/whistlestop demo

test: $(STAMPS)/test  ## run the tests (under four minutes)
	@$(BIN)/python -m pytest -n $(WORKERS) -q $(FAST)

check: $(STAMPS)/test  ## lint, format, types, floors
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

fix: $(STAMPS)/test  ## mend what lint and format can mend
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

slow: $(STAMPS)/test  ## the long simulations and soak runs
	@$(BIN)/python -m pytest -n $(WORKERS) -q -m slow

faults: $(STAMPS)/test  ## kills, races, tampering, hostile input, long histories and stories
	@$(BIN)/python -m pytest -n $(WORKERS) -q -m "faults and not slow"

browser: $(STAMPS)/test  ## pages in a real Chromium (Debian: apt-get install chromium)
	@$(BIN)/python -m pytest -q -m browser

types: $(STAMPS)/test  ## types alone
	@$(BIN)/mypy

docs: $(STAMPS)/test  ## execute every command and example in README and docs
	@$(BIN)/python -m pytest -q tests/docs

wheel: $(STAMPS)/test  ## build the wheel, install it in an empty environment, run it
	@sh tests/shape/wheel.sh $(BIN)/python

bench: $(STAMPS)/test  ## every benchmark at full size
	@$(BIN)/python -m benchmarks --all

serve: $(STAMPS)/core  ## look at the demo's pages at http://127.0.0.1:8765
	@test -d whistlestop-demo || $(BIN)/whistlestop demo whistlestop-demo
	@echo "sign in once with:" && $(BIN)/whistlestop -C whistlestop-demo people link kim
	@$(BIN)/whistlestop -C whistlestop-demo serve

lock: $(STAMPS)/test  ## resolve the locks anew (needs uv)
	@uv pip compile pyproject.toml --extra build --universal -p 3.11 --generate-hashes --no-header --no-annotate --no-config -q -o requirements/core.lock
	@uv pip compile pyproject.toml --extra build --extra test --universal -p 3.11 --generate-hashes --no-header --no-annotate --no-config -q -o requirements/test.lock

clean:  ## remove the environment and caches; data and demo folders stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
