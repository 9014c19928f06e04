# Two commands need nothing but Python 3.11 or newer and make: `make demo` and `make test`.
# Each makes an environment of its own below .venv/.

PYTHON ?= python3
DEMO := .venv/demo
DEV := .venv/dev
# What is installed is pinned by hash; LOCK=no resolves it anew, from the ranges of pyproject.toml.
LOCK := yes
PIP := -m pip install --quiet --disable-pip-version-check
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --no-annotate --no-emit-package azureml-rollout

.PHONY: help demo test check laws reliability browser fuzz lock packaging workers mutation benchmarks schemas pages faults docs clean

help: ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(DEMO)/ready ## the main job, end to end, on the emulator
	$(DEMO)/bin/rollout demo

test: $(DEV)/ready ## the tests (quick form)
	$(DEV)/bin/python -m pytest -n 3 --dist worksteal

check: $(DEV)/ready ## style, types and the direction of imports
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

laws: $(DEV)/ready ## the laws over many more generated histories
	ROLLOUT_RELIABILITY=all ROLLOUT_HISTORIES=$${ROLLOUT_HISTORIES:-50000} $(DEV)/bin/python -m pytest -n 2 tests/worlds tests/golden
	$(DEV)/bin/python -m tests.reliability.page

reliability: $(DEV)/ready ## killed and let down at every request of every sample: hours; writes docs/reliability.md
	ROLLOUT_RELIABILITY=all $(DEV)/bin/python -m pytest -n 2 tests/reliability tests/protocol tests/e2e/test_kills.py
	$(DEV)/bin/python -m tests.reliability.page

lock: ## write requirements/*.txt again, which pin what is installed by hash (needs uv)
	$(COMPILE) pyproject.toml --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra worker -c requirements/dev.txt -o requirements/worker.txt
	echo hatch-vcs hatchling | tr ' ' '\n' | \
	  $(COMPILE) pyproject.toml - --extra emulator -c requirements/dev.txt -o requirements/demo.txt
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["release"], sep="\n")' \
	  | $(COMPILE) - -o requirements/release.txt

workers: $(DEV)/ready ## workers on one queue, 10,000 passes, killed meanwhile: ten minutes; rows for docs/workers.md in .workers
	rm -f .workers
	ROLLOUT_WORKERS=all ROLLOUT_WORKERS_FIGURES=.workers $(DEV)/bin/python -m pytest -q tests/store/test_crew.py; cat .workers

packaging: $(DEV)/ready ## wheel and source: built, checked, installed into an empty environment, the demo run there (minutes)
	ROLLOUT_PACKAGING=1 $(DEV)/bin/python -m pytest -v tests/packaging

fuzz: $(DEV)/ready ## six readers of foreign input, a minute each (FUZZ_SECONDS=N); FUZZ=--keep keeps figures and corpus
	$(DEV)/bin/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(DEV)/bin/python -m tests.fuzz --seconds $${FUZZ_SECONDS:-60} $(FUZZ)
	$(DEV)/bin/python -m tests.reliability.page

mutation: $(DEV)/ready ## does a test notice each small mistake in rollout/core? MODULES="decide place" for some; writes docs/mutation.md
	$(DEV)/bin/python -m tests.mutation $(MODULES)
	$(DEV)/bin/python -m tests.reliability.page

browser: $(DEV)/ready ## the dashboard in a real browser (Debian: apt-get install chromium)
	$(DEV)/bin/pip install --quiet --disable-pip-version-check -e '.[browser]'
	ROLLOUT_BROWSER=1 $(DEV)/bin/python -m pytest -q tests/dashboard/test_browser.py

benchmarks: $(DEV)/ready ## budgets, as ratios within one run (minutes); writes docs/performance.md
	$(DEV)/bin/python -m benchmarks --page

schemas: $(DEV)/ready ## write the generated files again: schemas/, docs/plan.md
	$(DEV)/bin/rollout schema > schemas/rollout-plan.schema.json
	$(DEV)/bin/rollout schema repository > schemas/repository.schema.json
	$(DEV)/bin/rollout schema policy > schemas/policy.schema.json
	$(DEV)/bin/rollout schema overlay > schemas/overlay.schema.json
	$(DEV)/bin/rollout schema fleet > schemas/fleet.schema.json
	for name in change-set validation reconciliation failure fleet-report report notification; do \
	  $(DEV)/bin/rollout schema $$name > schemas/$$name.schema.json || exit 1; done
	$(DEV)/bin/python -c 'from rollout.plan.reference import reference; print(reference(), end="")' > docs/plan.md

pages: $(DEV)/ready ## write again what is generated in docs/: emulator.md from the conformance suite, cli.md, tags.md, the shape in architecture.md
	$(DEV)/bin/python -m tests.conformance.page > .page && mv .page docs/emulator.md
	$(DEV)/bin/python -m tests.pages.cli_page > .page && mv .page docs/cli.md
	$(DEV)/bin/python -m tests.pages.tags_page > .page && mv .page docs/tags.md
	$(DEV)/bin/python -m tests.shape

faults: $(DEV)/ready ## every documented fault again, and docs/faults.md from what happens (minutes)
	ROLLOUT_FAULTS=write $(DEV)/bin/python -m pytest -q tests/faults

docs: .venv/docs/ready ## the documentation site, without a warning: docs/_build/html
	.venv/docs/bin/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs docs/_build/html

clean: ## remove environments and caches
	rm -rf .venv docs/_build .rollout .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(DEMO)/ready: pyproject.toml requirements/demo.txt
	$(PYTHON) -c 'import sys; sys.exit("rollout needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(DEMO)
	[ $(LOCK) = no ] || $(DEMO)/bin/python $(PIP) --require-hashes --no-deps -r requirements/demo.txt
	$(DEMO)/bin/python $(PIP) -e '.[emulator]'
	@touch $@

$(DEV)/ready: pyproject.toml requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit("rollout needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(DEV)
	[ $(LOCK) = no ] || $(DEV)/bin/python $(PIP) --require-hashes --no-deps -r requirements/dev.txt
	$(DEV)/bin/python $(PIP) -e '.[dev]'
	@touch $@

.venv/docs/ready: docs/requirements.txt
	$(PYTHON) -m venv .venv/docs
	.venv/docs/bin/pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@
