# The door to everything: `make help` lists what it can do. Needs make, git and a Python 3.12 or newer with pip.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 8000
export LOCAL_URL := http://127.0.0.1:$(PORT)
ARGS ?=
PYTEST := $(PYTHON) -m pytest -n logical --maxprocesses 8 -m "not slow" $(ARGS)
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate

# uv where it is there, else pip. Both take only built packages whose hash is in the lock file:
# nothing that was not reviewed is installed, and nothing of it runs while installing.
ONLY_LOCKED := --require-hashes --only-binary :all:
INSTALL = if command -v uv >/dev/null; then uv pip install --quiet --python $(PYTHON) $(ONLY_LOCKED) -r $(1); else \
	{ $(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null; } && \
	$(PYTHON) -m pip install -qq --disable-pip-version-check $(ONLY_LOCKED) -r $(1); fi

.PHONY: help
help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: free-port $(VENV)/.runtime ## Run the site with demo accounts on this machine: make demo PORT=8080
	@$(PYTHON) manage.py migrate --verbosity 0
	@$(PYTHON) manage.py demo --address $(LOCAL_URL)/
	@DJANGO_RUNSERVER_HIDE_WARNING=true $(PYTHON) manage.py runserver --noreload 127.0.0.1:$(PORT)

.PHONY: run
run: free-port $(VENV)/.dev ## Run the site for development: debug pages, restarts when a file changes
	@$(PYTHON) manage.py migrate --verbosity 0
	@DEBUG=true $(PYTHON) manage.py runserver 127.0.0.1:$(PORT)

.PHONY: test
test: $(VENV)/.dev ## The tests, on SQLite and on PostgreSQL (at most five minutes); ARGS go to pytest
	TEST_DATABASE=sqlite $(PYTEST)
	TEST_DATABASE=postgresql $(PYTEST) --ignore tests/project --ignore tests/services # these ask no database

.PHONY: ci
ci: $(VENV)/.dev ## All that must be green: .ci/steps lists it; ends with make test
	@.ci/steps

.PHONY: format
format: $(VENV)/.dev ## Put code and templates into form
	$(VENV)/bin/ruff check --select I --fix --quiet .
	$(VENV)/bin/ruff format --quiet .
	$(VENV)/bin/djangofmt --quiet templates

.PHONY: access-matrix
access-matrix: $(VENV)/.dev ## Write down anew who gets which answer from every URL: review the difference, commit it
	WRITE_ACCESS_MATRIX=1 $(PYTHON) -m pytest -q -k access_matrix tests

.PHONY: audit-actions
audit-actions: $(VENV)/.dev ## Write the table of all audit actions anew: docs/reference/audit-actions.md
	WRITE_AUDIT_ACTIONS=1 $(PYTHON) -m pytest -q -k audit_action tests/project/test_reference.py

.PHONY: lint
lint: $(VENV)/.dev ## Only the quick steps of make ci: no tests
	@.ci/steps quick

.PHONY: types
types: $(VENV)/.dev ## Only the types
	$(VENV)/bin/mypy

.PHONY: bench-encryption
bench-encryption: $(VENV)/.dev $(VENV)/peers/.done ## Measure encrypted fields and files beside their peers (4 minutes)
	@PYTHONPATH=. $(VENV)/peers/bin/python -m benchmarks.encryption $(ARGS)

.PHONY: bench-audit
bench-audit: $(VENV)/.dev $(VENV)/audit-peers/.done ## Measure the audit log beside its peers (5 minutes)
	@PYTHONPATH=. $(VENV)/audit-peers/bin/python -m benchmarks.audit $(ARGS)

.PHONY: bench-rbac
bench-rbac: $(VENV)/.dev ## Measure decisions at a million grants beside guardian, on PostgreSQL and SQLite (4 minutes)
	@$(PYTHON) -m benchmarks.rbac $(ARGS)

.PHONY: shell
shell: $(VENV)/.runtime ## A Python shell with the models, on the demo database
	@$(PYTHON) manage.py shell

.PHONY: lock
lock: $(VENV)/.dev ## Pin what pyproject.toml names, and all below it, by hash (UPGRADE=1: to the newest)
	$(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements/runtime.txt pyproject.toml
	$(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements/dev.txt -c requirements/runtime.txt pyproject.toml --group dev
	$(COMPILE) -o requirements/kms.txt -c requirements/dev.txt pyproject.toml --extra kms
	$(COMPILE) -o benchmarks/audit/peers.txt -c requirements/dev.txt benchmarks/audit/peers.in
	$(COMPILE) -o benchmarks/encryption/peers.txt -c requirements/dev.txt benchmarks/encryption/peers.in
	$(COMPILE) -o requirements/otlp.txt -c requirements/dev.txt pyproject.toml --extra otlp
	$(COMPILE) -o requirements/vault.txt -c requirements/dev.txt pyproject.toml --extra vault

.PHONY: install
install: $(VENV)/.dev ## Only make .venv, with all that developing and testing need

.PHONY: clean
clean: ## Remove .venv and caches; the demo's data and keys in var/ stay
	rm -rf $(VENV) .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# One .venv serves all targets. A stamp is written last, so an install that failed half-way is taken up again.
$(VENV)/.runtime: requirements/runtime.txt | $(PYTHON)
	@echo "Installing what the site needs (about a minute, once) ..."
	@$(call INSTALL,$<)
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(PYTHON)
	@echo "Installing what developing and testing need (about a minute, once) ..."
	@$(call INSTALL,$<)
	@touch $@ $(VENV)/.runtime # dev.txt holds all of runtime.txt

# The peers that benchmarks measure, in a .venv of their own: nothing of the site may depend on them.
$(VENV)/peers/.done: benchmarks/encryption/peers.txt | $(VENV)/.dev
	$(VENV)/bin/uv venv --quiet --clear --python $(PYTHON) $(VENV)/peers
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/peers/bin/python $(ONLY_LOCKED) -r $<
	@touch $@

$(VENV)/audit-peers/.done: benchmarks/audit/peers.txt | $(VENV)/.dev
	$(VENV)/bin/uv venv --quiet --clear --python $(PYTHON) $(VENV)/audit-peers
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/audit-peers/bin/python $(ONLY_LOCKED) -r $<
	@touch $@

$(PYTHON):
	@python=$$(.ci/find-python) || exit 1; \
	if command -v uv >/dev/null; then uv venv --quiet --clear --python "$$python" $(VENV); \
	elif "$$python" -I -c 'import ensurepip, venv' 2>/dev/null; then "$$python" -m venv --clear $(VENV); \
	else echo "$$python can't make a .venv. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi

.PHONY: free-port
free-port:
	@python=$$(.ci/find-python) || exit 1; \
	"$$python" -I -c 'import socket, sys; socket.create_server(("127.0.0.1", int(sys.argv[1])))' $(PORT) 2>/dev/null || \
	{ echo "Port $(PORT) is taken, or none that may be used. Choose another: make demo PORT=8001" >&2; exit 1; }
