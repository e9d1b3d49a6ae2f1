# `make bench` measures, `make test` proves; both set up what they need first.
.PHONY: help bench test setup perf verdicts lab check stack stack-down stack-test wheel-test generate lint lock clean

BENCH = .venv/bin/bench

# Services start some hundreds of times in the tests: each would compile its libraries again where this is set.
unexport PYTHONDONTWRITEBYTECODE

help:              ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' Makefile

bench: setup       ## start a PostgreSQL and the services, play the quick profile, print the tables
	$(BENCH) run --profile quick

test: setup        ## every test, on a real PostgreSQL and real servers
	.venv/bin/python -m pytest $(ARGS)

lab: setup         ## the services, each on its port, until Ctrl-C
	$(BENCH) lab

check: setup       ## does each service keep the HTTP contract?
	$(BENCH) check

stack: setup       ## the services in Docker, with Prometheus, Grafana on port 3001, and Jaeger
	@docker compose version >/dev/null 2>&1 || { echo "no Docker with Compose v2 answers here: make lab needs none" >&2; exit 2; }
	docker compose up --build --detach --wait
	@echo "Grafana http://localhost:3001 · Jaeger http://localhost:16686 · Prometheus http://localhost:9090 · RUNBOOK.md"

stack-down:        ## end it, and drop its volumes
	docker compose --profile '*' down --volumes

stack-test: setup  ## the same under another name: does a user find in it what the README says?
	.venv/bin/python -m pytest tests/stack --numprocesses=0 $(ARGS)

wheel-test: setup  ## the wheel, installed into an empty environment: does the bench run from it?
	.venv/bin/python -m pytest tests/wheel --numprocesses=0 $(ARGS)

generate: setup    ## write again what follows from the code: Compose, Prometheus, dashboards, tables of the docs
	.venv/bin/python -m generate

perf: setup        ## what the measuring itself costs, and what k6 and wrk say; ARGS=crosscheck for one section
	.venv/bin/python -m perf $(ARGS)

verdicts: setup    ## how often a verdict is false, and how often it finds what is there, from a stored run
	.venv/bin/python -m perf.verdicts results/standard results/aa-*

lint: setup        ## style, types, the directions of imports, and generated files that are up to date
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports
	.venv/bin/python -m generate --check

setup: .venv/.ready ## make .venv as the locks say

lock: setup        ## compile requirements/ again from pyproject.toml
	requirements/compile

clean:             ## remove what `make` made
	rm -rf .venv

.venv/.ready: pyproject.toml requirements/all.txt requirements/setup
	requirements/setup
	@touch $@
