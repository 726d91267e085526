# The two commands: `make run` and `make test`. Both set up .venv by themselves and install again only when what is required changed.
#
#   make run                                                          the lab on http://localhost:8501
#   make run PORT=8600                                                on another port
#   make run ADDRESS=0.0.0.0                                          for other machines too: demands a password, see docs/network.md
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu         with the smaller CPU-only wheels, on a machine without an NVIDIA GPU
#   make run PYTHON=python3.12                                        with another Python
# The last two count when .venv is made: `make clean` first to change them later.

ifeq ($(OS),Windows_NT)
$(error Windows by itself is not supported. Run this in Linux on Windows (WSL 2): see Start in README.md)
endif

PYTHON ?= python3
PORT ?= 8501
ADDRESS ?=
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
VENV26 := .venv-torch26
# An empty file each, newer than all that it was made from.
MADE := $(VENV)/.made
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# Two processes of tests; torch's threads of each would wait for those of the other. The browser tests, which wait most, come early.
# Bytecode is kept whatever the shell says: each process that a test starts would compile the lab anew.
PYTEST_ENVIRONMENT := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=
PYTEST_FLAGS := -n 3 --no-loadscope-reorder

CONTAINER_TEST ?= ../shared/tools/container-test.sh

.PHONY: help run test test-all test-torch26 audit container-test gpu-check lint format screenshots clean
.DELETE_ON_ERROR:

help:
	@echo "make run          start the lab on http://localhost:$(PORT)"
	@echo "make test         style, types, tests, and the audit where there is a network"
	@echo "make test-all     the same with the slow tests: fuzz, kills, more of the browser"
	@echo "make test-torch26 the tests with torch 2.6.0, the oldest that is supported"
	@echo "make audit        ask whether vulnerabilities of the installed packages are known (0 no, 1 yes, 2 docs/audit.toml, 3 could not ask)"
	@echo "make container-test lint the Dockerfile, check compose.yaml, build the image and try it with Docker or Podman"
	@echo "make gpu-check    what only a GPU can show, in eight minutes, with a report in gpu-check/"
	@echo "make lint         style and types only"
	@echo "make format       put the code in style"
	@echo "make screenshots  take the pictures of the README from the running lab"
	@echo "make clean        remove .venv and caches; the workspace stays"

run: $(INSTALLED)
	@$(BIN)/labcore app --port $(PORT) $(if $(ADDRESS),--address $(ADDRESS))

test: lint
	$(PYTEST_ENVIRONMENT) $(BIN)/python -m pytest $(PYTEST_FLAGS)
	@$(BIN)/python scripts/audit.py --where-possible

test-all: lint
	$(PYTEST_ENVIRONMENT) $(BIN)/python -m pytest $(PYTEST_FLAGS) -m 'not network and not gpu'
	@$(BIN)/python scripts/audit.py --where-possible

# Known vulnerabilities of the installed packages; docs/audit.toml holds what is accepted. Without a network it fails with status 3.
audit: $(INSTALLED_DEV)
	@$(BIN)/python scripts/audit.py

# The same tests with the oldest torch of the containers, in an environment of its own; all else as pinned.
test-torch26: $(VENV26)/.installed
	$(PYTEST_ENVIRONMENT) $(VENV26)/bin/python -m pytest $(PYTEST_FLAGS)

# CONTAINER_TEST names a further test that is given this folder. CONTAINER_ENGINE and the like: scripts/container_check.py tells.
container-test: $(INSTALLED_DEV)
	$(BIN)/python -m pytest tests/container
	@if [ -x "$(CONTAINER_TEST)" ] || [ -f "$(CONTAINER_TEST)" ]; then bash "$(CONTAINER_TEST)" .; \
	else echo "skipped: there is no $(CONTAINER_TEST)"; fi
	@if command -v docker > /dev/null || command -v podman > /dev/null; then $(BIN)/python scripts/container_check.py $(CONTAINER_CHECK); \
	else echo "skipped: neither docker nor podman is here"; fi

# The report names card, driver, versions and every figure. GPU_CHECK="--only doctor tests" takes these steps alone.
gpu-check: $(INSTALLED_DEV)
	@$(BIN)/python scripts/gpu_check.py $(GPU_CHECK)

lint: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(INSTALLED_DEV)
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) $(VENV26) build dist .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -not -path './workspace/*' -prune -exec rm -rf {} +

$(MADE):
	@command -v $(PYTHON) > /dev/null || { \
		echo "$(PYTHON) was not found. Install Python 3.11 or newer, or name one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: 3.11 or newer is needed. Name another one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import platform, sys; sys.exit(sys.platform == "darwin" and platform.machine() != "arm64")' || { \
		echo "PyTorch is no longer built for Intel's processors on macOS. On Apple silicon take a Python that is built for it:" \
		"make run PYTHON=/opt/homebrew/bin/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(INSTALLED): requirements.txt pyproject.toml $(MADE)
	@echo "Installing what requirements.txt names (some minutes; about 5 GB with the CUDA libraries)"
ifneq ($(TORCH_INDEX),)
	$(PIP) install --no-deps --index-url $(TORCH_INDEX) $$(grep -E '^(torch|torchaudio|torchvision)==' requirements.txt)
endif
	$(PIP) install -r requirements.txt
	$(PIP) install --no-deps -e .
	@touch $@

$(VENV26)/.installed: requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV26)
	sed -E -e 's/^(torch|torchaudio)==.*/\1==2.6.0/' -e 's/^torchvision==.*/torchvision==0.21.0/' requirements.txt > $(VENV26)/requirements.txt
	$(VENV26)/bin/python -m pip --disable-pip-version-check install -r $(VENV26)/requirements.txt -r requirements-dev.txt
	$(VENV26)/bin/python -m pip --disable-pip-version-check install --no-deps -e .
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	$(PIP) install -r requirements-dev.txt
	@touch $@
