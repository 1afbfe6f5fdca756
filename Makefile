# `make` or `make help` says what there is. Everything is installed into .venv/, run-time files are in var/.
PY    := .venv/bin/python
MODELS := var/models/.built
PO    := $(wildcard locale/*/LC_MESSAGES/*.po)
CHECKS := check-ruff check-types check-imports check-migrations
SUITE := suite-main suite-browser suite-rabbitmq suite-embedded
FAST  := not service and not browser and not proof and not long
# The seed of every generated set: what fails for one run fails for all. `make prove` tries others.
SEED  := 20261126
BACKEND := postgresql
PYTEST = $(CLEAN) -u MAKEFLAGS -u MAKELEVEL TULGA_PROOF_SEED=$(SEED) $(PY) -m pytest -q --hypothesis-seed=$(SEED)
# The developer's settings of databases and keys must not reach tests and checks.
CLEAN := env -u DATABASE_URL -u MIGRATION_DATABASE_URL -u CELERY_BROKER_URL
export PYTHON
export UV_PYTHON_DOWNLOADS := never
export PYTHONUNBUFFERED := 1
# Bytecode is kept, in one folder that `make clean` removes, also where the machine's environment says never to write
# any: without it every process of every test would compile Django anew.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo sandbox test check $(SUITE) suite-fast check-ruff check-types check-imports check-migrations prove mutants run ncalayer bench pictures drawing fast lock clean

help:  ## this list
	@echo "Tulga. Two commands to know: make demo, make test."
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: .venv/.runtime .venv/.locale $(MODELS)  ## the whole thing on this machine with a sandbox, until Ctrl-C; ONCE=1 stops after the checks
	@$(CLEAN) $(PY) -m insecure_sandbox.demo $(if $(ONCE),--once)

sandbox: .venv/.runtime .venv/.locale $(MODELS)  ## Tulga with its sandbox and a test lender, for the commands of docs/lender/start.md, until Ctrl-C
	@$(CLEAN) $(PY) -m insecure_sandbox.demo --empty

# The first suite fills the cores, the second plays in real time, and the third place takes turns.
test: .venv/.dev .venv/.locale $(MODELS)  ## everything: PostgreSQL + Redis, browser, SQLite, PostgreSQL + RabbitMQ; TESTS="tests/x.py" BACKEND= for some; SEED=
	@$(PY) -m tests.packages
	@$(if $(TESTS),$(PYTEST) --backend=$(BACKEND) $(TESTS),$(MAKE) --keep-going -j3 $(SUITE) $(CHECKS))

check: .venv/.dev .venv/.locale $(MODELS)  ## before a commit: lint, types, imports, migrations, the fast tests; SEED=
	@$(MAKE) -j5 $(CHECKS) suite-fast

# Each suite is one run of pytest on servers of its own. What it prints is headed by its name.
suite-fast: SELECTED = -n 3 --dist=worksteal -m "$(FAST)"
suite-main: SELECTED = -n 3 --backend=postgresql --codes -m "not browser"
suite-browser: SELECTED = -n 2 -m browser
suite-embedded: SELECTED = -n 1 -m "embedded and not browser"
suite-rabbitmq: SELECTED = -n 1 --backend=rabbitmq -m rabbitmq
$(SUITE) suite-fast: SHELL := /bin/bash
$(SUITE) suite-fast: suite-%:
	@set -o pipefail; $(if $(filter suite-browser,$@),,nice) $(PYTEST) $(SELECTED) 2>&1 | sed -u 's/^/$* │ /'

check-ruff:
	@echo "→ ruff";          .venv/bin/ruff check --quiet . && .venv/bin/ruff format --check --quiet .
check-types:
	@echo "→ mypy";          .venv/bin/mypy --no-error-summary
check-imports:
	@echo "→ imports";       .venv/bin/lint-imports --no-logo >.venv/.imports.out || { cat .venv/.imports.out; false; }
check-migrations:
	@echo "→ migrations";    $(CLEAN) DATABASE_URL=sqlite://:memory: $(PY) manage.py makemigrations --check --dry-run

prove: .venv/.dev .venv/.locale $(MODELS)  ## proofs whole, written to docs/evidence/; PART=name for one part
	@seed=$${TULGA_PROOF_SEED:-$$($(PY) -c "from tests.proofs import seed_of_commit; print(seed_of_commit())")}; \
	$(CLEAN) TULGA_PROOF_SEED=$$seed $(PY) -m pytest -q -m proof --prove --timeout=0 $(if $(PART),--part $(PART)) --hypothesis-seed=$$seed

# mutmut works in mutants/, a copy of the tree. A name is a module, a function or a pattern of them.
mutants: .venv/.dev $(MODELS)  ## which small changes of the deciding code no test notices; TARGET=verification.core.results for one module
	@sh scripts/set_up.sh mutants
	@$(CLEAN) $(PY) -m mutmut run $(if $(TARGET),"$(TARGET)*")
	@$(PY) -m mutmut results | grep -v ': not checked$$' || true

run: .venv/.runtime .venv/.locale  ## web, worker, tick and deliver on this machine with your own set-up in var/, not in live mode
	@$(PY) scripts/run_together.py --may-run
	@sh scripts/fetch_face_weights.sh "$${TULGA_FACE_MODELS_DIR:-$${TULGA_VAR_DIR:-var}/models}"
	@$(PY) manage.py build_face_model
	@echo "→ keys and tables"
	@test -n "$$TULGA_KEYS_DIR" || $(PY) manage.py make_keys "$${TULGA_VAR_DIR:-var}/keys"
	@$(PY) manage.py migrate --verbosity=0 && $(PY) manage.py grant_process_roles
	@$(PY) scripts/run_together.py

ncalayer: .venv/.runtime  ## a sandbox signer at wss://127.0.0.1:13579, to sign by hand in a browser; ARGS="--help"
	@$(PY) -m insecure_sandbox.ncalayer $(ARGS)

bench: .venv/.dev $(MODELS)  ## measurements against named peers; PART=name for one
	@set -e; for part in $(if $(PART),bench/$(PART).py,$(wildcard bench/[a-z]*.py)); do echo "→ $$part"; $(PY) $$part; done

pictures: .venv/.dev .venv/.locale $(MODELS)  ## a picture of every page in every language, in var/pictures; renews docs/pictures
	@$(CLEAN) $(PY) -m tests.pictures

fast: .venv/.runtime  ## gmpy2, which verifies GOST signatures several times as fast; nothing needs it
	@sh scripts/set_up.sh fast

drawing: .venv/.runtime  ## matplotlib, with which report_faces and calibrate_faces draw curves
	@sh scripts/set_up.sh drawing

lock: .venv/.dev  ## lock the requirements anew, with hashes
	@set -e; lock=".venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes"; \
	$$lock pyproject.toml -o requirements/runtime.txt; \
	$$lock --group dev pyproject.toml -o requirements/dev.txt; \
	$$lock --group fast -o requirements/fast.txt; \
	$$lock --group drawing -c requirements/runtime.txt -o requirements/drawing.txt; \
	$$lock --group mutants -c requirements/dev.txt -o requirements/mutants.txt; \
	$$lock --no-header requirements/uv.in -o requirements/uv.txt

clean:  ## remove what was installed and built; var/ stays, for it holds keys and cases
	rm -rf .venv mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete 2>/dev/null || true
	@test ! -e var || echo "var/ is still there: it holds keys and cases. Remove it yourself if nothing in it is needed."

# Set-up, each step once: the stamps say what is installed. What developers need includes what the product needs.
.venv/.runtime: requirements/runtime.txt requirements/uv.txt scripts/set_up.sh
	@sh scripts/set_up.sh runtime
	@touch $@

.venv/.dev: requirements/dev.txt requirements/uv.txt scripts/set_up.sh
	@sh scripts/set_up.sh dev
	@touch .venv/.runtime $@

# The face nets, made of pinned weights; each must give its source's own numbers or this stops.
$(MODELS): $(addprefix verification/engines/faces/,conversion.py folding.py building.py nets.py self_test.py) | .venv/.runtime
	@sh scripts/fetch_face_weights.sh $(@D)
	@echo "→ making the face models"
	@$(CLEAN) TULGA_FACE_MODELS_DIR=$(@D) $(PY) manage.py build_face_model
	@touch $@

.venv/.locale: $(PO) | .venv/.runtime
	@echo "→ compiling translations"
	@$(if $(PO),.venv/bin/pybabel --quiet compile --directory locale --domain "django developers",true)
	@touch $@
