# Two commands matter: `make reproduce` and `make test`. Inside .venv, plain `dvc repro` and `pytest` do the same.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help reproduce test lab site benchmark lint lock check environment newer clean

UV := $(shell command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1 && command -v uv || echo $(CURDIR)/.uv/bin/uv)
# Compiled modules are kept, whatever the shell says: each of a hundred processes would compile them again.
activate = export VIRTUAL_ENV="$(CURDIR)/$(1)" PATH="$(CURDIR)/$(1)/bin:$$PATH" PYTHONDONTWRITEBYTECODE=;
ACTIVATE := $(call activate,.venv)
# The reference Python, and a newer one, which has no geatpy.
PYTHON := $(shell cat .python-version)
NEWER := 3.12
# Where pyenv keeps several Pythons, only the one named here is found.
use_pyenv = export PYENV_VERSION="$$(pyenv latest $(1) 2>/dev/null || true)"; [ -n "$$PYENV_VERSION" ] || unset PYENV_VERSION;

help:           ## list the targets
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

reproduce: environment  ## rerun every stage whose inputs changed, then print the metrics
	$(ACTIVATE) python -m bcopt.compendium.resume && python -m bcopt.compendium.district_list && python -m bcopt.compendium.checkout --before-run && dvc repro && dvc metrics show results/timings

test: environment  ## run the tests and re-execute the rendered notebooks; where there is a Python 3.12, the fast tests there
	$(ACTIVATE) pytest
	@if ($(call use_pyenv,$(NEWER)) cd / && "$(UV)" python find --no-project --no-python-downloads $(NEWER)) >/dev/null 2>&1; \
	then $(MAKE) --no-print-directory newer; else echo "no Python $(NEWER) here: its tests were left out"; fi

newer: .venv-$(NEWER)/.complete  ## run the fast tests under Python 3.12, and compare its ledger with the committed one
	$(call activate,$(<D)) pytest tests -m "not slow or agreement"

check: environment  ## say what of this checkout is damaged, and what mends it
	$(ACTIVATE) python -m bcopt.compendium.checkout

lab: environment  ## open the notebooks in JupyterLab
	$(ACTIVATE) jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.news_url=None notebooks

site: environment  ## build results/site, the rendered compendium
	$(ACTIVATE) dvc repro site

benchmark: environment  ## time the searches and exact solvers against a peer
	$(ACTIVATE) python -m benchmarks

lint: environment  ## ruff and mypy, as the tests run them
	$(ACTIVATE) ruff check . && ruff format --check . && mypy

environment: .venv/.complete  ## build .venv from requirements.lock

.venv/.complete: VERSION := $(PYTHON)
.venv-$(NEWER)/.complete: VERSION := $(NEWER)
.venv/.complete .venv-$(NEWER)/.complete: requirements.lock pyproject.toml .python-version
	@if [ "$(UV)" = "$(CURDIR)/.uv/bin/uv" ] && [ ! -x "$(UV)" ]; then $(MAKE) --no-print-directory .uv/bin/uv; fi
	$(call use_pyenv,$(VERSION)) "$(UV)" venv --quiet --no-project --clear --python "$(VERSION)" "$(@D)"
	VIRTUAL_ENV="$(CURDIR)/$(@D)" "$(UV)" pip sync --quiet --compile-bytecode --require-hashes --build-constraints requirements.lock requirements.lock
	VIRTUAL_ENV="$(CURDIR)/$(@D)" "$(UV)" pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# A uv of our own, made from outside the folder: version managers read .python-version and may refuse to start here.
.uv/bin/uv:
	cd / && python3 -m venv "$(CURDIR)/.uv" && "$(CURDIR)/.uv/bin/python" -m pip install --quiet uv

lock:           ## resolve requirements.lock anew from pyproject.toml
	@[ -x "$(UV)" ] || $(MAKE) --no-print-directory .uv/bin/uv
	"$(UV)" pip compile pyproject.toml --quiet --universal --python-version 3.10 --generate-hashes --group dev --group site --group witness \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean:          ## remove the environment and the caches (never results/ or data/)
	rm -rf .venv .venv-* .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
