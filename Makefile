# Everything by name; `make` prints this list. Needs Python 3.11 or newer and nothing else: the rest comes by itself.
SHELL := /bin/sh
PYTHON ?= python3
WORKERS ?= 1
SEED ?= 1
KILLS ?= 200
CHANGES ?= 10000
NAME ?=
COUNT ?= 300
MINUTES ?= 60
ONLY ?=
STRICT ?=
PROMETHEUS ?=
SECURE ?=
VENV := .venv
PY := $(VENV)/bin/python
PROJECTS := libs/common $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml))
# A new set of pins or of packages makes a new stamp, and so a new run of the bootstrap; nothing else does.
READY := $(VENV)/.ready-$(shell cat requirements/dev.txt $(PROJECTS:=/pyproject.toml) | cksum | tr ' ' '-')
PIP := $(PY) -m pip --disable-pip-version-check --no-input
IMAGES := $(filter-out dev synckit,$(patsubst requirements/%.in,%,$(wildcard requirements/*.in)))
CODE := libs services/*/src examples/*/src sandbox deploy demo benchmarks tests conftest.py

export PIP_NO_COLOR := 1
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: dashboards drills openapi help bootstrap demo test chaos mutants upgrade images kubernetes bench up status logs down check format-check lint types layers compose pins fmt lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-10s %s\n' "$$name" "$$text"; done

demo: $(READY) ## a morning in the office: thirty-one steps on the real stack (WORKERS=1 PROMETHEUS=1 SECURE=1)
	@$(PY) -m demo --workers $(WORKERS) $(if $(PROMETHEUS),--prometheus) $(if $(SECURE),--secure)

test: $(READY) ## all tests, those on the real Kafka, PostgreSQL and Redis beside the others
	@$(PY) -m tests.halves

bench: $(READY) ## all benchmarks against their baselines; writes benchmarks/RESULTS.md (20 minutes)
	@$(PY) -m benchmarks

chaos: $(READY) ## 200 kills over 10,000 changes, an hour (SEED=1 KILLS=200 CHANGES=10000 ONLY="redis-forgets poison" STRICT=1)
	@$(PY) -m tests.chaos --seed $(SEED) --changes $(CHANGES) --kills $(KILLS) --workers 2 $(if $(ONLY),--only $(ONLY)) $(if $(STRICT),--strict) --json var/reliability/$(if $(ONLY),only,chaos)-$(SEED).json

mutants: $(READY) ## would the tests notice? 300 defects made by machine (SEED=1 COUNT=300 MINUTES=60; again: goes on)
	@$(PY) -m tests.mutants --count $(COUNT) --seed $(SEED) --minutes $(MINUTES) --resume --json var/mutants.json

upgrade: $(READY) ## an office of an older version goes on with this one, on the same servers (two minutes; needs the history)
	@$(PY) -m tests.upgrade --folder var/upgrade

up: $(READY) ## start everything in the background (WORKERS=1 PROMETHEUS=1 SECURE=1); addresses also in var/stack.json
	@$(PY) -m deploy.local.stack up --workers $(WORKERS) $(if $(PROMETHEUS),--prometheus) $(if $(SECURE),--secure)

status: $(READY) ## what runs, and whether it is ready
	@$(PY) -m deploy.local.stack status

logs: $(READY) ## the ends of the logs, or more of one (NAME=ticker)
	@$(PY) -m deploy.local.stack logs $(if $(NAME),$(NAME) --lines 200)

down: $(READY) ## end exactly what `make up` started
	@$(PY) -m deploy.local.stack down

check: format-check lint types layers compose pins test ## all that CI checks

format-check: $(READY)
	@$(PY) -m ruff format --check --quiet . || { echo "make fmt mends this"; exit 1; }

lint: $(READY)
	@$(PY) -m ruff check --quiet .

# The tests of each service apart: their folders have no package name that tells them from one another.
types: $(READY)
	@$(PY) -m mypy $(wildcard $(CODE))
	@for tests in $(wildcard services/*/tests examples/*/tests); do $(PY) -m mypy $$tests || exit 1; done

layers: $(READY)
	@$(VENV)/bin/lint-imports --no-logo

alerts: $(READY) ## try every alert of deploy/prometheus with promtool
	@$(PY) -m deploy.prometheus

dashboards: $(READY) ## write the dashboards of deploy/grafana again
	@$(PY) -m deploy.grafana

drills: $(READY) ## make every alert fire for real, on the stack with a real Prometheus (30 minutes; ONLY="ServiceDown …")
	@$(PY) -m tests.drills $(if $(ONLY),--only $(ONLY)) --json var/drills.json

images: $(READY) ## build every image and try it, as root, without a container engine (ten minutes)
	@$(PY) -m deploy.images

kubernetes: $(READY) ## build every overlay of deploy/kubernetes and check it against Kubernetes' schemas
	@$(PY) -m deploy.kubernetes

compose: $(READY)
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

pins:
	@! grep -nE -- '--(extra-)?index-url|--find-links|://' requirements/*.txt || { echo "no addresses in requirements"; exit 1; }

fmt: $(READY) ## format, and mend what ruff can mend
	@$(PY) -m ruff check --fix-only --quiet . ; $(PY) -m ruff format --quiet .

openapi: $(READY) ## write each service's openapi.yaml again
	@$(PY) -m deploy.openapi_files

# yattag has no wheel, and only cosmic-ray's HTML reports, which nobody here makes, would import it.
lock: $(READY) ## compile requirements/*.in again; dev.txt decides the versions for all images
	@cd requirements && for name in dev $(IMAGES); do \
		constraint=$$([ $$name = dev ] || echo "--constraint dev.txt"); \
		../$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-emit-find-links --no-annotate --no-header --no-emit-package yattag $$constraint $(UPGRADE) $$name.in --output-file $$name.txt || exit 1; \
	done

clean: ## forget the environment, the state of the stack and all caches of this checkout
	@if [ -x $(PY) ] && [ -d var ]; then $(PY) -m deploy.local.stack down || true; fi
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

bootstrap: $(READY) ## only build .venv (every other target does so by itself)

$(READY): ; @PYTHON="$(PYTHON)" sh deploy/bootstrap.sh $(VENV) $(notdir $(READY)) $(PROJECTS)
