# `make help` lists the targets. Everything is installed into .venv from the pinned files in requirements/.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := UV_SYSTEM_CERTS=1 $(BIN)/uv
COMPILE = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
  $(if $(UPGRADE),--upgrade)
PORT ?= 8000
MARK ?= books
# As many workers as processors; WORKERS=0: none, for a single test or a debugger.
WORKERS ?= auto
# Python may keep the tests it has compiled, also where the environment forbids it: to compile takes half of a start.
PYTEST = env PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n $(WORKERS)
POSTGRES = $(BIN)/python -m tests.postgres

.PHONY: help demo serve test test-fast test-sqlite test-postgres test-browser mutants check format lint types imports migrations migrations-check requirements bench bench-overview screenshots schema calendar clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: $(VENV)/.base .env  ## install, load the examples, execute them, show the published run
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/run.sh

serve: $(VENV)/.base .env  ## start the web server on loopback (PORT=8000)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python manage.py runserver 127.0.0.1:$(PORT)

test: $(VENV)/.dev  ## run every test on SQLite, then those of the books on PostgreSQL
	@tests/browser/install.sh $(BIN)/python
	$(PYTEST) $(ARGS)
	$(POSTGRES) $(PYTEST) -m $(MARK) $(ARGS)

test-fast: $(VENV)/.dev  ## run the tests on SQLite that start no process: a minute or two
	FOLIOS_FAST=1 $(PYTEST) -m "not slow" --dist=worksteal $(ARGS)

test-sqlite: $(VENV)/.dev  ## run every test on SQLite but those in a browser
	$(PYTEST) -m "not browser" $(ARGS)

test-postgres: $(VENV)/.dev  ## run the tests of the books on a PostgreSQL of their own (MARK=database: all)
	$(POSTGRES) $(PYTEST) -m $(MARK) $(ARGS)

test-browser: WORKERS = 0
test-browser: $(VENV)/.dev  ## run the tests in a real browser, on SQLite
	$(PYTEST) -m browser $(ARGS)

check: format lint types imports migrations-check test  ## format, lint, types, import contracts, migrations, tests

format: $(VENV)/.dev  ## check the formatting of code and templates
	$(BIN)/ruff format --check .
	find templates -name '*.html' -exec $(BIN)/djade --check {} +

lint: $(VENV)/.dev  ## check for mistakes
	$(BIN)/ruff check .

types: $(VENV)/.dev  ## check the types
	$(BIN)/mypy .

imports: $(VENV)/.dev  ## check the direction of imports
	$(BIN)/lint-imports

migrations: $(VENV)/.dev  ## make the migrations that the models need, and format them
	$(BIN)/python -W error manage.py makemigrations
	$(BIN)/ruff format */migrations */*/migrations

migrations-check: $(VENV)/.dev  ## check that no migration is missing
	$(BIN)/python -W error manage.py makemigrations --check --dry-run
	$(BIN)/python -W error manage.py check

mutants: $(VENV)/.dev  ## count the changes of the code that no test notices (MODULES=... COUNT=143 SEED=1: a sample)
	$(BIN)/python -m tests.mutants $(MODULES) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.dev  ## measure the speed of the command, of planning, of parsing and of the books
	$(BIN)/python -m benchmarks.command_cpu
	$(BIN)/python -m benchmarks.planning_scale
	$(BIN)/python -m benchmarks.parsing
	$(BIN)/python -m benchmarks.trigger_cost
	$(BIN)/python -m benchmarks.mark_to_market
	$(BIN)/python -m benchmarks.inbox_scan
	$(BIN)/python -m benchmarks.api_lists

bench-overview: $(VENV)/.dev  ## measure the overview with 10,000 accounts on both databases (minutes)
	$(BIN)/python -m benchmarks.overview
	$(BIN)/python -m tests.postgres $(BIN)/python -m benchmarks.overview

screenshots: $(VENV)/.dev  ## take the screenshots in docs/screenshots (needs Chromium)
	$(BIN)/python -m tests.make_screenshots

schema: $(VENV)/.dev  ## record the examples of the API and write its schema, docs/openapi.yaml
	$(BIN)/python -m tests.make_api_examples
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

calendar: $(VENV)/.dev  ## write the exchange's holidays from the newest pinned exchange-calendars
	$(BIN)/python -m tests.make_market_table

requirements: $(VENV)/.uv  ## compile the pinned requirements from pyproject.toml (UPGRADE=1: newest versions)
	for set in base: "production:--extra postgres --extra prices --extra serve" "dev:--group dev"; do \
	  $(COMPILE) $${set#*:} pyproject.toml -o requirements/$${set%%:*}.txt || exit 1; done
	echo uv | $(COMPILE) --no-annotate - -o requirements/uv.txt

clean:  ## remove .venv and caches; databases, artifacts and .env stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis static-collected

.env: .env.example
	@$(PYTHON) examples/make_env.py

# Compiled once here, every command starts in half the time, also where the environment forbids to write bytecode.
# uv installs in seconds what pip alone needs a minute and a half for; pip brings uv, by version and hash.
$(VENV)/.uv: requirements/uv.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.base: $(VENV)/.uv requirements/base.txt
	$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/base.txt
	$(BIN)/python -m compileall -q common folios execution portfolios
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@
