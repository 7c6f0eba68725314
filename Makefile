# Every target sets up what it needs by itself: its own virtual environment with locked dependencies, installed with uv.
SHELL := /bin/bash
PYTHON ?= python3
AXE_VERSION := 4.14.1
UV_VERSION := 0.13.9
VENV := .venv
READY := $(VENV)/ready
AUDIT := $(VENV)-audit
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

# Sockets, servers and processes go by the machine's clock, so what failed is asked once more, by itself and at rest.
twice = pytest -m "$(1)" $(2) || pytest -m "$(1)" --last-failed --last-failed-no-failures none

.DEFAULT_GOAL := help
.PHONY: help setup demo local-up local-down seed browser test-browser screenshots test test-long sweep bench-gate bench-safe bench-read check audit sbom fuzz bench-load format lock clean

help: ## what there is to run
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(READY) ## the virtual environment, by itself

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, got {sys.version.split()[0]}: call make with PYTHON=…")'
	@echo "setting up $(VENV) (once)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@uv pip sync --quiet --python $(VENV)/bin/python requirements/dev.txt
	@uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	@touch $@

demo: setup ## a whole ramp on this machine; CANDIDATE=errors|slow|mismatch|down breaks the candidate, APPROVE=auto asks nobody
	@ramp demo $(if $(CANDIDATE),--candidate $(CANDIDATE)) $(if $(FAULT_STEP),--fault-step $(FAULT_STEP))

local-up: setup ## keep the local stack running and print how to talk to it
	@ramp local up

local-down: setup ## stop it, and leave nothing behind
	@ramp local down

seed: setup ## write the mock's users into the database at DATABASE_URL, whose table is there
	@python -c 'import os; from local_stack.database import seed; print(seed(os.environ["DATABASE_URL"]), "users are there")'

test: setup ## the tests, a promoted and a rolled-back ramp on the emulator included
	$(call twice,not emulator and not browser and not long,--numprocesses 2 --dist loadfile)
	python -m benchmarks.gate --quick
	$(call twice,emulator and not long)

test-long: setup ## what make test leaves out: the demo with every fault, Ctrl-C in its middle, a crashed stack
	$(call twice,long and emulator)
	$(MAKE) sweep

browser: setup ## a browser for the tests of the ramp page: Debian's Chromium, and axe-core from npm
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null)
	@mkdir -p $(VENV)/browser
	@test -f $(VENV)/browser/axe-core-$(AXE_VERSION).tgz || npm pack --silent --pack-destination $(VENV)/browser axe-core@$(AXE_VERSION) >/dev/null

test-browser: browser ## the ramp page in that browser
	CI=1 pytest tests/browser

screenshots: browser ## the pictures of the ramp page in docs/images
	python -m tests.browser.screenshots

sweep: setup ## every call to AWS times every kind of fault (docs/safety.md), then any two at once: minutes
	pytest tests/sweep/test_faults.py -m long --numprocesses 2 --dist load
	pytest tests/sweep/test_races.py -m long --numprocesses 2 --dist load

bench-load: setup ## five minutes of as many reads as this machine serves, the database gone in between (7 minutes)
	python -m benchmarks.load

fuzz: setup ## a hundred thousand and more bad inputs at every door (minutes); make test pushes a few hundred
	FUZZ_CASES=$(or $(CASES),6500) pytest --no-header --quiet --numprocesses 2 tests/security/test_bad_input.py

bench-gate: setup ## the gate against its peers, written into docs/gate.md (hours); QUICK=1 guards its figures in two minutes
	python -m benchmarks.gate $(if $(QUICK),--quick)

bench-safe: setup ## time from an alarm to safe on the local stack, written into docs/safety.md
	python -m benchmarks.safe

bench-read: setup ## what the read path costs, as ratios to the least there could be (minutes); QUICK=1, WRITE=1 into docs/performance.md
	python -m benchmarks.read $(if $(QUICK),--quick) $(if $(WRITE),--write)

check: setup ## format, lint, types, layers: seconds
	ruff format --check
	ruff check
	mypy
	lint-imports
	cfn-lint template.yaml

$(AUDIT)/ready: $(READY) requirements/audit.txt
	@echo "setting up $(AUDIT) (once)"
	@test -x $(AUDIT)/bin/python || $(PYTHON) -m venv --without-pip $(AUDIT)
	@uv pip sync --quiet --python $(AUDIT)/bin/python requirements/audit.txt
	@touch $@

audit: $(AUDIT)/ready ## the template by checkov; what ships in Lambda by advisories and licences
	$(AUDIT)/bin/checkov --file template.yaml --compact --quiet --skip-download
	$(AUDIT)/bin/python requirements/audit.py

sbom: $(AUDIT)/ready ## bills of materials (CycloneDX) of what ships, into sbom/
	@mkdir -p sbom
	@for unit in data-plane database-driver control-plane; do \
	  $(AUDIT)/bin/cyclonedx-py requirements --output-reproducible -o sbom/$$unit.cdx.json functions/$$unit/requirements.txt \
	  && echo "sbom/$$unit.cdx.json" || exit 1; done

format: setup ## rewrite what the formatter and the linter can
	ruff format
	ruff check --fix

lock: setup ## compile the requirements anew; UPGRADE=1 takes newer versions
	requirements/lock.sh

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) $(AUDIT) sbom .local .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
