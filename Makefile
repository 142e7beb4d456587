# Two commands set up a fresh machine: `make demo` and `make test`. Each creates its own environment in .venv.
PYTHON ?= python3.11
BIN := .venv/bin
PHOTO := ferce_agent/evaluation/astronaut.jpg

.PHONY: demo test check bench schema clean

.venv/base: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e .
	@touch $@

.venv/dev: pyproject.toml .venv/base
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev,train]'
	@touch $@

demo: .venv/base  ## A report for a real photo, and its HTML page
	$(BIN)/ferce analyze $(PHOTO) --context "An official portrait. She was chosen for the mission." --html out/report.html --emotionml out/report.emotionml
	@echo "HTML page: out/report.html"

test: .venv/dev  ## All tests
	LANGGRAPH_STRICT_MSGPACK=true $(BIN)/python -m pytest

check: .venv/dev  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/base  ## Time per stage, start-up, memory
	$(BIN)/ferce bench speed

schema: .venv/base  ## Write the published JSON Schema
	$(BIN)/ferce schema --write docs/schema/emotion-report.v1.json

clean:
	rm -rf .venv out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
