# Every command a person needs. `make help` lists them.
PORT ?= 8000
DATA ?= data
HTTP_PROCESSES ?=
ENV ?= dev
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help install run demo test test-fast check bench synth oracle docs lock format clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
	@echo; echo "Settings: PORT=$(PORT) DATA=$(DATA) ENV=$(ENV) HTTP_PROCESSES=$(or $(HTTP_PROCESSES),one per core); DATABASE_URL=postgresql://… uses another server than the embedded one."

install: ## Make .venv from the hashed lock (every other target does it first)
	@scripts/install

run: install ## Start the platform; Ctrl-C stops it and leaves nothing behind
	@exec .venv/bin/slipway up --data "$(DATA)" --port $(PORT) $(if $(HTTP_PROCESSES),--http-processes $(HTTP_PROCESSES))

demo: install ## With `make run` running: play the main job through the public APIs
	@$(PY) -m scripts.demo --port $(PORT) --data "$(DATA)"

test: install ## Every test
	@scripts/system-packages
	@$(PY) -m pytest -n 2 --dist loadfile

test-fast: install ## The tests that take no more than a few seconds each
	@$(PY) -m pytest -n 2 --dist loadfile -m "not slow"

check: install ## Format, lint, types, house rules; under 20 s
	@.venv/bin/ruff format --check -q . || { echo "Run: make format"; exit 1; }
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy
	@said=$$(.venv/bin/lint-imports --config .importlinter) || { echo "$$said"; exit 1; }
	@$(PY) -m pytest -q tests/contract/test_house_rules.py tests/contract/test_generated_docs.py

bench: install ## The figures of docs/performance.md, as ratios in interleaved runs
	@$(PY) -m scripts.bench

synth: install ## Write cdk.out for ENV=dev|staging|prod; needs neither credentials nor Docker
	@scripts/synth $(ENV)

oracle: install ## Deploy the synthesized templates to an AWS emulator and call a route
	@scripts/oracle

docs: install ## Generate docs/routes.md, data.md, errors.md, settings.md and schema.sql
	@scripts/generate-docs
	@scripts/schema

lock: install ## Resolve the hashed locks anew
	@scripts/lock

format: install ## Format and fix what can be fixed
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

clean: ## Remove everything that can be made again; keeps DATA
	@rm -rf .venv .tools build cdk.out .pytest_cache .mypy_cache .ruff_cache
