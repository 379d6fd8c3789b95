# Everything is installed into this directory: .venv (Python and, from PyPI, Node.js) and node_modules (the cdk
# CLI), as the lock files say. What is up to date is left alone, so a second run needs no network.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
MAKEFLAGS += --no-print-directory
PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python && break; done)
ARGS ?=
# Two for each core: one often waits, for cdk or a response; a third costs more for its imports than it saves.
WORKERS ?= $(shell echo $$((2 * $$(nproc 2>/dev/null || sysctl -n hw.ncpu))))
# In the order of tests/conftest.py: the longest files first.
tests = pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# In one process: more of them would spend their time on imports.
versions = pytest -q -m "versions and not e2e and not slow" tests/test_versions.py

# Nothing here may ever reach a real AWS account, or depend on how this shell is set up to reach one.
unexport $(filter AWS_% CDK_%,$(.VARIABLES)) PYTHONPATH PYTHONHOME
# What is installed isn't compiled yet, and would be by each process: Python's modules, and the cdk CLI.
unexport PYTHONDONTWRITEBYTECODE
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache

venv = .venv
# jsii, which aws-cdk-lib runs on, takes `node` from the PATH.
run = PATH="$(CURDIR)/$(venv)/bin:$(CURDIR)/.venv/bin:$$PATH" $(venv)/bin/python -m
pip = -m pip --disable-pip-version-check -qq
# pip prints hundreds of lines; of them a terminal shows, in one, how far it is, and everything shows from the first error
# on. Nothing is compiled beforehand: Python compiles what it imports, which is little of aws-cdk-lib.
fetch = -m pip --disable-pip-version-check --no-color install --only-binary :all: --require-hashes --no-compile --progress-bar off
shown = 2>&1 | awk -v terminal="$$(test -t 2 && echo yes)" '/ERROR/ { failed = 1 } failed { print; next } !terminal { next } \
	/^Collecting/ { printf "\r\033[K  %d: %s", ++count, $$2; fflush() } \
	/^Installing/ { printf "\r\033[K  %d fetched; unpacking them", count; fflush() } END { if (count) print "" }'

.PHONY: help demo test test-fast test-floor test-floor-construct test-floor-rest test-newest soak bench lint docs dist lock install clean

help: ## Show what can be made (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: .venv/installed node_modules/.package-lock.json ## Rehearse the example app on this machine: local AWS, simulated Partner Central (ARGS=--keep leaves them running)
	@echo "Rehearsing app.py: about a minute"
	@$(run) partner_account_cli rehearse --fault rollback -c catalog=AWS \
		-c legal_name="Example Corp" -c primary_solution_type=SOFTWARE_PRODUCTS \
		-c first_name=Jane -c last_name=Doe -c email=alliances@example.com -c business_title="Alliance Lead" \
		-c verification_code_secret=partner-account/code -c company_is_new_to_apn=true $(ARGS)

test: ## Check style and types, run all tests, some of them on the oldest and newest dependencies (not what `make soak` goes through)
	@echo "1 of 2: style and types; the tests that a dependency's version may change, on the oldest and on the newest ones"
	@$(MAKE) -s install .venv-floor/installed .venv-floor/construct .venv/newest
	@$(MAKE) -s -j3 .venv/compiled .venv-floor/compiled .venv/newest/compiled
	@$(MAKE) -j4 $(if $(filter output-sync,$(.FEATURES)),-O) lint test-floor test-newest
	@echo "2 of 2: all tests on the locked versions"
	@$(run) $(tests) $(ARGS)
	@echo "Not run: the exhaustive explorations and the random lives at length (make soak), the times (make bench)"

test-fast: lint ## Lint, and the tests that need no local AWS and take seconds
	@$(run) $(tests) -m "not slow and not e2e" $(ARGS)

test-floor: test-floor-construct test-floor-rest ## Test with the lowest versions that pyproject.toml promises to work with
test-floor-construct test-floor-rest: venv = .venv-floor
# The construct alone works with an older botocore than the command does.
test-floor-construct: .venv-floor/installed .venv-floor/construct
	@TESTED_LOCK=requirements/floor-construct.txt PYTHONPATH="$(CURDIR)/.venv-floor/construct" \
		$(run) $(versions) tests/construct $(ARGS)
test-floor-rest: .venv-floor/installed
	@TESTED_LOCK=requirements/floor.txt $(run) $(versions) tests/cli tests/handler tests/simulator $(ARGS)
# Of the construct what reads botocore's service model: the newest CDK is the locked one (tests/test_packaging.py).
test-newest: .venv/newest ## Test with the newest versions of the same, as requirements/newest.txt has them
	@TESTED_LOCK=requirements/newest.txt PYTHONPATH="$(CURDIR)/.venv/newest" $(run) $(versions) $(ARGS) \
		tests/cli tests/handler tests/simulator tests/construct/test_asset.py tests/construct/test_profile.py
test-floor-construct test-floor-rest test-newest: install

soak: install ## What `make test` leaves out: 2,000 random lives of stacks (ARGS="--sequences 9000 --seed 1"), every history with up to three faults
	@$(run) tests.handler.lives --sequences 2000 $(ARGS)
	@$(run) tests.handler.test_exploration

bench: install .venv/vendored benchmarks/node_modules/.package-lock.json ## Measure beside what users would take instead, into docs/benchmarks.md (ARGS=--quick measures less)
	@$(run) benchmarks $(ARGS)

lint: install ## Check style and types; Lambda's code also as the oldest Python it may meet
	@$(run) ruff check --quiet
	@$(run) ruff format --check --quiet
	@$(run) mypy --no-error-summary
	@$(run) mypy --no-error-summary --python-version 3.10 lambda

install: .venv/locked .venv/installed .venv/boto3-1.34 .venv/publish node_modules/.package-lock.json ## Install what the lock files say, and this project in editable form
	@:

docs: install ## Build the documentation site into docs/_build (open docs/_build/index.html)
	@PYTHONPATH=.venv/publish $(run) sphinx --nitpicky --fail-on-warning --keep-going --quiet -c docs/site . docs/_build

dist: install ## Build wheel and sdist of the last commit into dist, and check them
	@rm -rf dist && mkdir -p dist/source && git archive HEAD | tar -x -C dist/source
	@SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" $(run) build --no-isolation --outdir dist dist/source >/dev/null
	@rm -rf dist/source
	@PYTHONPATH=.venv/publish $(run) twine check --strict dist/*

clean: ## Remove what was installed and built
	rm -rf .venv .venv-floor .venv-lock node_modules benchmarks/node_modules cdk.out dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis

# First what a demo needs, then the rest; the second file holds the first. A change of either begins anew.
.venv/demo: requirements/demo.txt requirements.txt
.venv-floor/locked: requirements/floor.txt
.venv/demo .venv-floor/locked:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt install $$(basename "$(PYTHON)")-venv" >&2; exit 1; }
	@echo "Installing the Python packages of $< into $(@D): 170 MB to fetch, about a minute"
	@"$(PYTHON)" -m venv --clear $(@D)
	@$(@D)/bin/python $(fetch) -r $< $(shown)
	@touch $@

.venv/locked: requirements.txt .venv/demo
	@echo "Installing what the tests need besides, as $< says, into .venv: about a minute more"
	@.venv/bin/python $(fetch) -r $< $(shown)
	@touch $@

.venv/installed: .venv/demo
.venv-floor/installed: .venv-floor/locked
.venv/installed .venv-floor/installed: %/installed: pyproject.toml
	@$*/bin/python $(pip) install --no-deps --no-build-isolation --editable .
	@touch $@

# What can't live beside the rest, each in a folder of its own: what builds documents and packages; the newest versions;
# the boto3 of a Lambda runtime that has never heard of Partner Central; boto3 and crhelper as tutorials put them into an
# asset. Not with --no-deps: then pip would not know that aws-cdk-lib comes after aws-cdk-cloud-assembly-schema, with
# which it shares a folder.
.venv/publish .venv/newest .venv/boto3-1.34 .venv/vendored: .venv/%: requirements/%.txt .venv/locked
	@echo "Installing the Python packages of $< into $@"
	@.venv/bin/python $(fetch) --no-warn-conflicts --upgrade --target $@ -r $< $(shown)
	@touch $@

.venv-floor/construct: requirements/floor-construct.txt .venv-floor/locked
	@echo "Installing the Python packages of $< into $@"
	@.venv-floor/bin/python $(fetch) --no-warn-conflicts --upgrade --target $@ -r $< $(shown)
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc .venv/demo
	@echo "Installing the cdk CLI into node_modules: a few seconds"
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --loglevel error >/dev/null

benchmarks/node_modules/.package-lock.json: benchmarks/package.json benchmarks/package-lock.json benchmarks/.npmrc .venv/demo
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --prefix benchmarks --loglevel error >/dev/null

# pip has compiled nothing. What the tests import is compiled here, once; else several processes would do it, each by itself.
# A test module that can't be imported is told by the tests.
.venv/compiled: .venv/locked .venv/installed
.venv-floor/compiled: venv = .venv-floor
.venv-floor/compiled: .venv-floor/installed
.venv/newest/compiled: .venv/newest
.venv/newest/compiled: export PYTHONPATH = $(CURDIR)/.venv/newest
.venv/compiled .venv-floor/compiled .venv/newest/compiled:
	@$(run) pytest --collect-only -qq >/dev/null || true
	@touch $@

# --- The lock files: always made by this one command, never by hand -------------------------------------------

UV := .venv-lock/bin/uv
compile = $(UV) pip compile --quiet --no-config --universal --no-annotate --custom-compile-command "make lock"
hashed = --generate-hashes $(ARGS) --output-file

lock: $(UV) ## Bring the lock files in line with pyproject.toml and package.json (ARGS=--upgrade takes the newest of everything)
	@$(compile) --python-version 3.11 --all-extras --group dev $(hashed) requirements.txt pyproject.toml
	@$(compile) --python-version 3.11 --extra cli --no-deps --resolution lowest-direct --no-header pyproject.toml \
		| $(compile) --python-version 3.11 --extra cli --group dev --constraints /dev/stdin $(hashed) requirements/floor.txt pyproject.toml
	@{ echo boto3; $(compile) --python-version 3.11 --no-deps --resolution lowest-direct --no-header pyproject.toml | grep ^botocore; } \
		| $(compile) --python-version 3.11 $(hashed) requirements/floor-construct.txt -
	@$(compile) --python-version 3.11 --extra cli --upgrade --generate-hashes --output-file requirements/newest.txt pyproject.toml
	@$(compile) --python-version 3.11 --group pyproject.toml:publish $(hashed) requirements/publish.txt
	@printf '%s\n' "boto3==1.34.*" "urllib3==1.26.*" | $(compile) --python-version 3.10 $(hashed) requirements/boto3-1.34.txt -
	@printf '%s\n' cdk-nag hatchling | $(compile) --python-version 3.11 --extra cli --extra local-aws --constraints requirements.txt \
		$(hashed) requirements/demo.txt pyproject.toml -
	@printf '%s\n' boto3 crhelper | $(compile) --python-version 3.11 --constraints requirements.txt $(hashed) requirements/vendored.txt -
	@$(MAKE) .venv/locked
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm install --package-lock-only --loglevel error >/dev/null
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm install --package-lock-only --prefix benchmarks --loglevel error >/dev/null

$(UV): Makefile
	@"$(PYTHON)" -m venv --clear .venv-lock
	@.venv-lock/bin/python $(pip) install uv==0.13.9
