# Everything sets itself up in .venv; only Python 3.11 or later, its venv module, and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SEARCH ?= 10000

.PHONY: demo test test-postgres test-spark differential check mutate bench lint types layers update schemas wheel clean

demo: $(STAMP)  ## decide example applications of both calls and explain one
	@$(BIN)/python -m bandolo.surfaces.demo

test: $(STAMP)  ## the whole test suite
	@$(BIN)/python -m pytest -n auto

test-postgres: $(STAMP)  ## the views of `bandolo sql` against the reference in a PostgreSQL of its own; says what is missing
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[postgres]'
	@PYTHONPATH=tests $(BIN)/python tests/postgres.py

test-spark: $(STAMP)  ## batches and views inside a local Spark against one machine and the reference; says what is missing
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[spark,sql]'
	@$(BIN)/python tests/spark
	@PYTHONPATH=tests $(BIN)/python tests/spark_sql.py

differential: $(STAMP)  ## generated policies and applications through every path, for hours; PARTS="program columns warehouses" for some of it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[postgres,spark]'
	@PYTHONPATH=tests $(BIN)/python -m differential.long $(PARTS)

check: lint types layers test  ## what CI runs before it builds the wheel

mutate: $(STAMP)  ## small wrong changes of both calls, against their cases; the claims of equivalence against made-up applications
	@$(BIN)/bandolo mutate policies/manifestazione_2022.yaml --search $(SEARCH)
	@$(BIN)/bandolo mutate policies/bando_2023.yaml --search $(SEARCH)

lint: $(STAMP)
	@$(BIN)/ruff format --check engine tests bench && $(BIN)/ruff check engine tests bench && $(BIN)/bandolo fmt --check policies tests/policies

types: $(STAMP)
	@$(BIN)/mypy

layers: $(STAMP)
	@$(BIN)/lint-imports

update: $(STAMP)  ## rewrite the golden files; read the difference as a reviewer would
	@$(BIN)/python -m pytest -n auto --update

schemas: $(STAMP)  ## regenerate the schemas and tables in grammar/
	@$(BIN)/python -m bandolo.export.published

bench: $(STAMP)  ## what decisions cost, beside others, in under ten minutes; PARTS="one cold" for some of it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]' || echo "some contenders could not be installed and are left out"
	@$(BIN)/python bench/run.py $(PARTS)

wheel: $(STAMP)
	@$(BIN)/python -m build --no-isolation --outdir dist .

clean:
	rm -rf $(VENV) dist build

$(STAMP): pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)
