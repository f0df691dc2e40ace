# Two commands matter: `make reproduce` and `make test`. Inside .venv, plain `dvc repro` and `pytest` do the same.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help reproduce test lab site benchmark lint lock environment clean

UV := $(shell command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1 && command -v uv || echo $(CURDIR)/.uv/bin/uv)
# Compiled modules are kept, whatever the shell says: each of a hundred processes would compile them again.
ACTIVATE := export VIRTUAL_ENV="$(CURDIR)/.venv" PATH="$(CURDIR)/.venv/bin:$$PATH" PYTHONDONTWRITEBYTECODE=;

help:           ## list the targets
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

reproduce: environment  ## rerun every stage whose inputs changed, then print the metrics
	$(ACTIVATE) dvc repro && dvc metrics show results/timings

test: environment  ## run the tests and re-execute the rendered notebooks
	$(ACTIVATE) pytest

lab: environment  ## open the notebooks in JupyterLab
	$(ACTIVATE) jupyter lab notebooks

site: environment  ## build results/site, the rendered compendium
	$(ACTIVATE) dvc repro site

benchmark: environment  ## time the searches and exact solvers against a peer
	$(ACTIVATE) python -m benchmarks

lint: environment  ## ruff and mypy, as the tests run them
	$(ACTIVATE) ruff check . && ruff format --check . && mypy

environment: .venv/.complete  ## build .venv from requirements.lock

.venv/.complete: requirements.lock pyproject.toml .python-version
	@if [ "$(UV)" = "$(CURDIR)/.uv/bin/uv" ] && [ ! -x "$(UV)" ]; then $(MAKE) --no-print-directory .uv/bin/uv; fi
	"$(UV)" venv --quiet --no-project --clear --python "$$(cat .python-version)" .venv
	VIRTUAL_ENV="$(CURDIR)/.venv" "$(UV)" pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	VIRTUAL_ENV="$(CURDIR)/.venv" "$(UV)" pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# A uv of our own, made from outside the folder: version managers read .python-version and may refuse to start here.
.uv/bin/uv:
	cd / && python3 -m venv "$(CURDIR)/.uv" && "$(CURDIR)/.uv/bin/python" -m pip install --quiet uv

lock:           ## resolve requirements.lock anew from pyproject.toml
	@[ -x "$(UV)" ] || $(MAKE) --no-print-directory .uv/bin/uv
	"$(UV)" pip compile pyproject.toml --quiet --universal --python-version 3.10 --generate-hashes --group dev --group site \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean:          ## remove the environment and the caches (never results/ or data/)
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
