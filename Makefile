# Needs Python 3.11 or newer, git and make; `make test` also needs Java 17, Maven, Chromium and Prometheus.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PORT ?= 8080
DATA ?= .otklik
ARGS ?=
TESTS ?=

# Each of many processes would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup dev up test test-long test-313 crash fuzz check format docs dashboards bench \
  bench-peers bench-scale deploy-check image-check requirements clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  make up PORT=8080 DATA=.otklik ARGS=--no-demo"
	@echo "  make test TESTS=tests/unit ARGS='-x -k nps'"

setup: ## make .venv with everything Otklik runs on
	@requirements/install.sh runtime

dev: ## make .venv with the checks and the tests as well
	@requirements/install.sh dev

up: setup ## start Otklik (PORT, DATA, ARGS)
	@exec .venv/bin/otklik up --port $(PORT) --data $(DATA) $(ARGS)

test: dev ## check everything, then run the tests on real servers (TESTS, ARGS)
	@tests/support/prepare.sh
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-313
	@tests/support/run.sh $(TESTS) $(ARGS)

test-long: dev ## what `make test` leaves out: failpoints in every way, all seeded bugs, the fuzzer, times (ARGS)
	@tests/support/prepare.sh
	@tests/support/run.sh tests --long -m long --numprocesses 2 --dist loadfile $(ARGS)
	@OTKLIK_TEST_REPLACED_SECONDS=45 OTKLIK_TEST_STOP_SECONDS=10 OTKLIK_TEST_PAUSES=20 \
	  tests/support/run.sh tests/system/test_stuck.py tests/system/test_spine.py tests/system/test_up.py \
	  tests/integration/test_stuck_workers.py tests/integration/test_paused_consumers.py $(ARGS)

test-313: dev ## run the unit tests on Python 3.13, where there is one
	@tests/support/on_python_313.sh

fuzz: dev ## ask every route in every way its description allows or forbids (ARGS)
	@tests/support/prepare.sh
	.venv/bin/python -m tests.fuzz $(ARGS)

check: dev ## check format, lint, types and imports
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: dev ## format the code and apply safe fixes
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

docs: dev ## write docs/events, docs/metrics.md and docs/failpoints.md from the code
	.venv/bin/python -m otklik_common.events_docs docs
	.venv/bin/python -m otklik_metrics.domain.catalogue > docs/metrics.md.new
	@mv docs/metrics.md.new docs/metrics.md
	.venv/bin/python -m otklik.failpoints > docs/failpoints.md.new
	@mv docs/failpoints.md.new docs/failpoints.md

dashboards: dev ## write Grafana's dashboards, alert rules and runbooks from the code
	.venv/bin/python -m deploy.watch

bench: dev ## measure throughput and latency
	.venv/bin/python -m bench $(ARGS)

bench-peers: dev ## measure beside Go, node, Kafka Streams, bytewax and quixstreams
	.venv/bin/python -m bench.peers setup
	.venv/bin/python -m bench --peers $(ARGS)

deploy-check: dev ## check Dockerfile, docker-compose.yml and deploy/k8s, with kube-score too
	.venv/bin/python -m pytest -q tests/deploy -m "not system"
	@deploy/k8s/score.sh

image-check: dev ## carry the Dockerfile out in an empty Debian, as root, and run what it makes
	@tests/support/prepare.sh
	@PATH=$$PATH:/usr/sbin:/sbin .venv/bin/python -m tests.deploy.try_image

crash: dev ## kill, stop and starve everything under load, then look for what is lost or double
	@tests/support/prepare.sh
	.venv/bin/python -m tests.crash run $(or $(ARGS),--faults 460 --every 3)

bench-scale: dev ## measure a noisy company beside a quiet one (ARGS)
	.venv/bin/python -m bench.scale noisy $(ARGS)

requirements: dev ## pin and hash the requirement files again
	@for name in bootstrap runtime dev peers; do \
	  .venv/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make requirements" \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean: ## remove environments and caches, never data
	rm -rf .venv .venv313 .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
