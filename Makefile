PYTHON ?= python3
VENV := .venv
JOBS ?= 3
BIN := $(VENV)/bin
SETUP := $(VENV)/.ready

.PHONY: demo test check faults setup clean

demo: setup
	$(BIN)/eventops demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(JOBS) --max-worker-restart 0 -m "not broker and not faults"

faults: setup
	EVENTOPS_TEST_FAULTS=long $(BIN)/python -m pytest -m faults

setup: $(SETUP)
	@$(BIN)/eventops local install --quiet

$(SETUP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) build dist
